"""probe.plan.preview: whatever a run sends has been said before."""

import asyncio

from support.plans import planned, tools
from support.servers import accepting, closing, silent
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.measure.measure import measure
from probe.net.fake import FakeNetwork
from probe.plan.jobs import Plan
from probe.plan.preview import preview

SYSTEM = "this machine's resolver"
NAMES = {
    "shop.example": ("192.0.2.1", "192.0.2.2", "2001:db8::1"),
    "chat.example": ("192.0.2.3",),
    "doh.example": ("192.0.2.4",),
    "anchor.example": ("192.0.2.5",),
}


class Recording(FakeNetwork):
    """Remembers which names the machine's own resolver was asked for."""

    asked: set[str]

    async def lookup(self, host: str) -> tuple[str, ...]:
        self.asked.add(host)
        return await super().lookup(host)


def run(plan: Plan) -> Recording:
    """Measure everything in the plan once, on a network where some answer and some do not."""
    net = Recording(names=NAMES)
    net.asked = set()
    for number, script in enumerate((accepting, closing, silent)):
        net.tcp[Endpoint(f"192.0.2.{number + 1}", 443)] = script
    for ip in ("192.0.2.4", "192.0.2.9", "192.0.2.5"):
        net.tcp[Endpoint(ip, 443)] = closing
    net.udp[Endpoint("192.0.2.53", 53)] = silent

    async def everything() -> None:
        instruments = tools(net)
        jobs = [*plan.jobs, *plan.anchors]
        await asyncio.gather(*(measure(job, instruments, cycle="c") for job in jobs))

    run_virtual(everything())
    return net


PLANS = {
    "all checks": planned(
        "tcp://shop.example:443",
        "tls://shop.example?sni=other.example",
        "https://shop.example:8443/",
        "http://chat.example/x",
        "dns://chat.example?type=TXT",
        "dns://192.0.2.200",
        "tcp://192.0.2.3:5222",
        anchors={"international": ["https://anchor.example/"], "domestic": ["tcp://192.0.2.3:1"]},
        resolvers=["system", "udp://192.0.2.53", "tcp://192.0.2.53:5353"],
        trusted_resolvers=["https://doh.example/dns-query", "tls://doh.example:853"],
    ),
    "pinned": planned(
        targets=[
            {"url": "tcp://shop.example:443", "addresses": ["192.0.2.9"]},
            {"url": "tls://chat.example", "addresses": ["192.0.2.9"], "lookup": True},
            {"url": "tcp://192.0.2.3:443", "addresses": ["192.0.2.9"]},
        ],
        resolvers=["https://doh.example/dns-query#addresses=192.0.2.4"],
    ),
    "only pinned": planned(
        targets=[{"url": "tcp://shop.example:443", "addresses": ["192.0.2.9"]}],
    ),
}


def said(plan: Plan) -> tuple[set[Endpoint], set[str]]:
    """The endpoints, and the names asked of this machine's resolver, that the preview lists."""
    ends = {
        Endpoint(ip, line.port)
        for line in preview(plan)
        if line.port is not None
        for ip in NAMES.get(line.host, (line.host,))
    }
    return ends, {
        line.lookup_of for line in preview(plan) if line.host == SYSTEM and line.lookup_of
    }


def test_a_run_dials_nothing_and_asks_nothing_that_was_not_said() -> None:
    for name, plan in PLANS.items():
        net = run(plan)
        ends, asked = said(plan)
        assert net.dialled, name
        assert set(net.dialled) <= ends, name
        assert net.asked <= asked, name


def test_nothing_is_said_that_a_run_does_not_do() -> None:
    for name, plan in PLANS.items():
        net = run(plan)
        ends, asked = said(plan)
        assert ends <= set(net.dialled), name
        assert asked <= net.asked, name


def test_each_line_stands_once_with_what_it_is_for() -> None:
    plan = planned(
        "https://shop.example/?token=hunter2",
        targets=[{"id": "p", "url": "tcp://192.0.2.1:1", "private": True, "every": "5m"}],
        anchors={"international": ["https://anchor.example/"]},
    )
    lines = preview(plan)
    assert len(lines) == len(set(lines))
    anchors = [line.purpose for line in lines if "anchor" in line.purpose]
    assert anchors[0] == "anchor, international"
    assert [(line.host, line.every) for line in lines if "private" in line.purpose] == [
        ("192.0.2.1", 300.0)
    ]
    assert "hunter2" not in repr(lines)
    tls = next(line for line in lines if line.host == "shop.example")
    assert (tls.port, tls.transport) == (443, "tcp")
    assert "server name shop.example in clear" in tls.what


def test_it_says_who_can_read_a_query() -> None:
    plan = planned("tcp://shop.example:1", resolvers=["udp://192.0.2.53", "tls://doh.example"])
    clear, again, bootstrap, encrypted = [line for line in preview(plan) if line.lookup_of]
    assert (again.port, again.transport) == (53, "tcp")
    assert again.what.endswith("in clear, if truncated over UDP")
    assert (clear.host, clear.port, clear.transport) == ("192.0.2.53", 53, "udp")
    assert clear.what.endswith("of shop.example, in clear")
    assert (bootstrap.host, bootstrap.lookup_of) == (SYSTEM, "doh.example")
    assert (encrypted.host, encrypted.port, encrypted.transport) == ("doh.example", 853, "tcp")
    assert "server name doh.example in clear" in encrypted.what


def test_controls_are_listed_with_what_they_are_shown() -> None:
    controls = [
        {"url": "https://control.example:8443", "token_env": "X", "id": "berlin"},
        {"url": "http://127.0.0.1:8080", "token_env": "X"},
    ]
    plan = planned(
        "https://shop.example/", targets=[{"url": "tcp://a.example:1", "every": "5m"}],
        controls=controls,
    )  # fmt: skip
    berlin, lookup, near = preview(plan)[-3:]
    assert (berlin.host, berlin.port, berlin.transport) == ("control.example", 8443, "tcp")
    assert (berlin.purpose, berlin.every) == (
        "control berlin, after a failure or an unproven answer",
        300.0,
    )
    assert berlin.what.startswith("HTTPS POST: URL and addresses of the target that failed")
    assert lookup.lookup_of == "control.example"
    assert (near.host, near.port) == ("127.0.0.1", 8080)
    assert "all of it in clear" in near.what


def test_no_control_is_listed_where_none_is_shown_anything() -> None:
    plan = planned(
        "tcp://192.168.1.1:80",
        targets=[{"url": "tcp://a.example:1", "private": True}],
        controls=[{"url": "https://control.example", "token_env": "X"}],
    )
    assert "control" not in repr(preview(plan)).replace("controls", "")


def test_follow_ups_are_listed_with_the_names_that_they_send() -> None:
    controls = [{"url": "https://control.example:8443", "token_env": "X", "id": "berlin"}]
    plan = planned("https://shop.example/", "tcp://192.0.2.1:5", controls=controls)
    lines = [line for line in preview(plan) if line.purpose.startswith("follow-ups")]
    assert [(line.host, line.port, line.transport) for line in lines] == [
        ("shop.example", 443, "tcp"),
        ("addresses in odd answers", None, "tcp"),
        ("decoys of berlin", None, "tcp"),
        ("decoys of berlin", None, "udp"),
        ("decoys of berlin", None, "tcp"),
    ]
    assert "www.example.com" in lines[0].what
    assert "shop.example" in lines[1].what
    quiet = planned("https://shop.example/", controls=controls, followups={"enabled": False})
    assert "follow-ups" not in repr([line.purpose for line in preview(quiet)])


def test_a_private_target_draws_no_follow_up() -> None:
    plan = planned(targets=[{"url": "https://shop.example/", "private": True}])
    assert "follow-ups" not in repr([line.purpose for line in preview(plan)])


def test_where_redirects_lead_is_said_to_be_unknown() -> None:
    plan = planned(targets=[{"url": "http://shop.example/", "follow": 2}])
    (line,) = [x for x in preview(plan) if x.host == "where redirects lead"]
    assert (line.port, line.transport) == (None, "tcp")
    assert "at most 2 after each answer" in line.what
    assert "redirects" not in repr(preview(planned("http://shop.example/")))


def test_the_port_for_metrics_is_listed_with_what_it_tells() -> None:
    plan = planned("tcp://shop.example:1", metrics={"listen": "127.0.0.1:9469"})
    line = preview(plan)[-1]
    assert (line.host, line.port, line.purpose) == ("127.0.0.1", 9469, "metrics, only by probe run")
    assert "answers whoever asks" in line.what
    assert "metrics" not in repr(preview(planned("tcp://shop.example:1")))


def test_alerts_are_listed_without_their_addresses() -> None:
    plan = planned("tcp://shop.example:1", alerts={"urls_file": "alerts.txt"})
    line = preview(plan)[-1]
    assert line.host.startswith("services named in ")
    assert line.host.endswith("alerts.txt")
    assert line.purpose == "alerts, only by probe run, after a change"
    plan = planned("tcp://shop.example:1", alerts={"urls_env": "ALERTS"})
    assert preview(plan)[-1].host == "services named in the variable ALERTS"
    assert "alerts" not in repr(preview(planned("tcp://shop.example:1")))


def test_over_quic_the_neutral_name_is_announced_where_handshakes_are_made() -> None:
    targets = [{"url": "quic://shop.example"}, {"url": "quic://chat.example?mode=version"}]
    lines = preview(planned(targets=targets))
    sent = {
        (line.host, line.what) for line in lines if line.transport == "udp" and line.port == 443
    }
    assert sent == {
        ("shop.example", "QUIC handshake, server name shop.example readable on the way"),
        ("shop.example", "QUIC handshake, server name www.example.com readable on the way"),
        ("chat.example", "QUIC packet of a version that nobody speaks, without a name"),
    }
