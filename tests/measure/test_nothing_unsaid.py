"""Whatever a whole cycle sends stands in the plan: targets, anchors, controls, follow-ups.

The network is scripted so that everything that can follow a failure does follow; what is dialled
and asked, and each name that goes out in clear, has to be covered by a line of the plan.
"""

import asyncio
import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import dns.message
import pytest
from support.authority import ca_file, serving
from support.control import anchor_there, reply, there
from support.examples import NEEDED, example
from support.investigating import by_name, honest, leaf
from support.kits import TRUST
from support.nameservers import over_udp
from support.nameservers import reply as answering
from support.plans import planned, tools
from support.records import resolve, step
from support.servers import Serve, accepting, http, page, resetting, silent, tls
from support.virtual import VirtualClock, run_virtual

import probe.net.api
from probe.checks import BUILT_IN, Imitable, load
from probe.core.address import Endpoint
from probe.core.model import Measurement, Step
from probe.judge import followups as f
from probe.judge.deciding import ENDS
from probe.measure.cycle import run_cycle
from probe.measure.means import Recorders, means_for
from probe.net.fake import FakeNetwork, FakePeer, os_error
from probe.plan.jobs import Plan
from probe.plan.preview import Planned, preview
from probe.plan.question import SESSION, Session, aim_of, read_questions
from probe.plan.wildcard import RANDOM_NAME

NAME, CONTROL = "shop.example", "control.example"
AT, ODD, THERE = "93.184.1.1", "93.184.1.2", "93.184.9.9"
DECOY, ECHO = Endpoint("198.51.100.2", 443), Endpoint("198.51.100.2", 7007)
PAGE = b"the decoy's own page"
RESOLVER = Endpoint("192.0.2.53", 53)
PORTS = {kind.default_port for kind in load().values() if kind.default_port}
NAMES = {
    NAME: (AT,),
    "elsewhere.example": ("93.184.5.5",),
    "anchor.example": ("203.0.113.1",),
    CONTROL: ("203.0.113.9",),
}
ANCHORS = {"international": ["http://anchor.example/"], "portal": ["http://anchor.example/portal"]}
Sent = tuple[str, str, int | None]  # transport, IP address or name, port


@dataclass
class Watched(FakeNetwork):
    """Writes down what is dialled over what, and which names the machine's resolver is asked."""

    sent: set[Sent] = field(default_factory=set)
    at: str = THERE  # where the control reaches the target

    async def lookup(self, host: str) -> tuple[str, ...]:
        self.sent.add(("lookup", host, None))
        return await super().lookup(host)

    async def connect(self, endpoint: Endpoint) -> Any:
        self.sent.add(("tcp", endpoint.ip, endpoint.port))
        return await super().connect(endpoint)

    async def datagrams(self, endpoint: Endpoint) -> Any:
        self.sent.add(("udp", endpoint.ip, endpoint.port))
        return await super().datagrams(endpoint)


def fine(check: str, at: str) -> tuple[Step, ...]:
    """How a check succeeds elsewhere, at this address."""
    web = ["http_request", "http_response", "transfer"]
    ops = {
        "dns": [],
        "tcp": ["connect"],
        "tls": ["connect", "tls_handshake"],
        "http": ["connect", *web],
        "https": ["connect", "tls_handshake", *web],
        "anyconnect": ["connect", "tls_handshake", *web, "expect"],
    }.get(check, [min(ENDS.get(check, {"connect"}))])
    shown = {"server_name": NAME, "verify": True, "peer_certificates": [leaf(NAME)]}
    detail: dict[str, dict[str, Any]] = {
        "tls_handshake": shown,
        "http_response": {"status": 200},
        "transfer": {"bytes": 90000, "complete": True},
    }
    return (
        resolve(answers=[{"type": "A", "data": at}]),
        *(step(op, 2, address=f"{at}:443", **detail.get(op, {})) for op in ops),
    )


async def decoy(peer: FakePeer) -> None:
    """TLS and plain HTTP on one port; what names the target is cut off."""
    first = await peer.receive()
    again = FakePeer(peer.inbox, peer.outbox)
    peer.inbox.put_nowait(first)  # nothing else has come yet: it is read once more
    if NAME.encode() in first:
        await resetting(again)
    elif first.startswith(b"\x16"):
        await honest()(again)
    else:
        await http(page(PAGE))(again)


async def garbage(peer: FakePeer) -> None:
    """Answers whatever comes by what is no protocol's."""
    await peer.receive()
    peer.send(bytes(range(256)))


async def echo(peer: FakePeer) -> None:
    """What is printable comes back; a protocol's packets are cut off on the way."""
    while data := await peer.receive():
        if not data.isascii():
            peer.reset()
            return
        peer.send(data)


def control(net: Watched) -> type:
    """What stands in the place of ``net.api.Api``: a control for which everything is fine."""

    class Control:
        def __init__(self, url: str, **_: Any) -> None:
            parts = urlsplit(url)
            self._place = "tcp", str(parts.hostname), parts.port or 443

        async def post(self, path: str, body: bytes, **_: Any) -> bytes:
            net.sent |= {self._place, ("lookup", self._place[1], None)}
            if path == SESSION:
                return Session(
                    decoys=(DECOY,), echo=ECHO, leaf=leaf(), page=PAGE.decode(),
                    bytes_token="t", bytes_max=1 << 20, client="203.0.113.77", expires=600.0,
                ).as_json()  # fmt: skip
            (asked,) = read_questions(body)
            check, now = aim_of(asked).check.name, VirtualClock().now()
            made = there(now, check=check, steps=fine(check, net.at))
            return reply(made, anchors=(anchor_there(now),)).as_json()

        async def aclose(self) -> None:
            return

    return Control


def known(peer: FakePeer, query: bytes) -> None:
    name = dns.message.from_wire(query).question[0].name.to_text(omit_final_dot=True)
    peer.send(answering(query, *NAMES.get(name, ())))


def truncated(peer: FakePeer, query: bytes) -> None:
    peer.send(answering(query, truncated=True))


def twice(peer: FakePeer, query: bytes) -> None:
    """An answer that differs from a second one: whose certificate proves the name?"""
    known(peer, query)
    if b"shop" in query:
        peer.send(answering(query, ODD))


def moved(location: str) -> Serve:
    return http(page(b"", "302 Found", f"Location: {location}"))


STALLED = "HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\nand no more"
# What is measured, how the target behaves, how the resolver does, and which follow-up has to come:
# a scenario in which nothing followed would prove nothing.
SCENARIOS: dict[str, tuple[dict[str, Any], Any, Any, set[str]]] = {
    "reset": ({"url": f"https://{NAME}/"}, resetting, None, {f.NAME_AT_DECOY}),
    "reset, by another name": (
        {"url": f"tls://{NAME}:8443", "sni": "other.example"},
        resetting,
        None,
        {f.NAME_AT_DECOY},
    ),
    "a gateway, reset": ({"url": f"anyconnect://{NAME}"}, resetting, None, {f.NAME_AT_DECOY}),
    "a gateway, two answers": (
        {"url": f"anyconnect://{NAME}"},
        resetting,
        over_udp(twice),
        {f.CERTIFICATE_AT_ANSWER, f.CERTIFICATE_AT_CONTROL_ANSWER},
    ),
    "led elsewhere by its name": (
        {"url": f"https://{NAME}/"},
        by_name(tls(serving(NAME), page()), tls(serving("notice.example"), page())),
        None,
        {f.NEUTRAL_AT_TARGET, f.NAME_AT_TARGET},
    ),
    "silent": ({"url": f"tls://{NAME}"}, silent, None, {f.NEUTRAL_TWIN, f.NAME_AT_DECOY}),
    "refused": ({"url": f"tcp://{NAME}:5222"}, os_error(errno.ECONNREFUSED), None, set()),
    "no answer": ({"url": f"dns://{NAME}"}, accepting, silent, {f.NEUTRAL_AT_NON_RESOLVER}),
    "truncated": ({"url": f"tcp://{NAME}:5222"}, accepting, over_udp(truncated), set()),
    "two answers": (
        {"url": f"https://{NAME}/"},
        resetting,
        over_udp(twice),
        {f.CERTIFICATE_AT_ANSWER, f.CERTIFICATE_AT_CONTROL_ANSWER},
    ),
    "host cut": ({"url": f"http://{NAME}/"}, resetting, None, {f.HOST_AT_DECOY}),
    "standing still": ({"url": f"https://{NAME}/"}, STALLED, None, {f.TRANSFER_NAME}),
    "redirected": (
        {"url": f"http://{NAME}/", "follow": 3},
        moved("http://elsewhere.example:8080/x"),
        None,
        set(),
    ),
    "pinned": ({"url": f"tls://{NAME}", "addresses": [AT]}, resetting, None, {f.NAME_AT_DECOY}),
    "private": ({"url": f"https://{NAME}/", "private": True}, resetting, None, set()),
    "local": ({"url": "tls://127.0.0.1:443", "sni": NAME}, resetting, None, set()),
}


def scenarios_of(name: str) -> Iterator[tuple[str, tuple[dict[str, Any], Any, Any, set[str]]]]:
    """Each check by itself: where nobody answers, where it is cut off, and with garbage."""
    check = example(name, host=NAME)
    port = check.default_port or 5222
    section = {"url": f"{name}://{NAME}:{port}", **NEEDED.get(name, {})}
    at_echo = {f.HARMLESS_AT_ECHO, f.PROTOCOL_AT_ECHO} if isinstance(check, Imitable) else set()
    yield f"{name}, silent", (section, silent, None, at_echo)
    yield f"{name}, reset", (section, resetting, None, set())
    yield f"{name}, garbage", (section, garbage, None, set())


SCENARIOS |= dict(scenario for name in BUILT_IN if name != "dns" for scenario in scenarios_of(name))


def network(script: Any, resolver: Any) -> Watched:
    net = Watched(names=NAMES)
    script = tls(serving(NAME), script.encode()) if isinstance(script, str) else script
    for port in {80, 443, 5222, 8443} | PORTS:
        net.tcp[Endpoint(AT, port)] = net.udp[Endpoint(AT, port)] = script
        net.tcp[Endpoint("127.0.0.1", port)] = script
    net.tcp[ECHO] = net.udp[ECHO] = echo
    net.tcp[Endpoint(ODD, 443)] = tls(serving(NAME, "self_signed"))
    net.tcp[Endpoint(THERE, 443)] = tls(serving(NAME))
    net.tcp[Endpoint("203.0.113.1", 80)] = http(page())
    net.tcp[DECOY] = decoy
    net.udp[Endpoint(DECOY.ip, 53)] = over_udp(truncated)
    net.udp[RESOLVER] = resolver or over_udp(known)
    return net


def plan_of(section: dict[str, Any], **more: Any) -> Plan:
    return planned(
        targets=[section],
        anchors=ANCHORS,
        resolvers=["system", f"udp://{RESOLVER.ip}"],
        controls=[{"url": f"https://{CONTROL}", "token_env": "X", "id": "berlin"}],
        **more,
    )


def cycles(plan: Plan, net: Watched, *, at_once: bool) -> list[Measurement]:
    """A one-off check, or four rounds of a schedule, ten minutes apart."""
    found: list[Measurement] = []

    async def run() -> None:
        instruments = tools(net, ca_file=ca_file(), trust=TRUST)
        recorders = Recorders(found.append, lambda _: None)
        means = means_for(plan, instruments, recorders, at_once=at_once)
        for _ in range(1 if at_once else 4):
            await run_cycle(plan.jobs[0], means)
            await asyncio.sleep(600)
        await means.controls.aclose()

    run_virtual(run())
    return found


def covers(line: Planned, sent: Sent, answered: set[str]) -> bool:
    """Whether this line of the plan says what was sent."""
    transport, host, port = sent
    if transport == "lookup":
        system = line.host == "this machine's resolver"
        random = len(host) == 36 and host.endswith(".com") and RANDOM_NAME in line.what
        redirected = line.lookup_of == "where redirects lead" and host == "elsewhere.example"
        return system and (line.lookup_of == host or random or redirected)
    places = {
        "decoys of berlin": {DECOY.ip},
        "addresses in odd answers": answered,
        "where redirects lead": {"93.184.5.5"},
    }.get(line.host, {line.host, *NAMES.get(line.host, ())})
    return line.transport == transport and line.port in {None, port} and host in places


def answers(found: list[Measurement]) -> set[str]:
    """Every address in any answer, here or at the control."""
    return {
        answer["data"]
        for measurement in found
        for step_ in measurement.steps
        for answer in step_.detail.get("answers", [])
        if isinstance(answer, dict)
    }


@pytest.mark.parametrize("at_once", [True, False], ids=["check", "run"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_whatever_is_sent_has_been_said(
    name: str, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    section, script, resolver, followed = SCENARIOS[name]
    net, plan = network(script, resolver), plan_of(section)
    net.at = AT if f.NAME_AT_TARGET in followed else THERE
    monkeypatch.setattr(probe.net.api, "Api", control(net))
    monkeypatch.setenv("X", "secret")
    found = cycles(plan, net, at_once=at_once)
    kinds = {m.followup for m in found if m.followup}
    assert followed - {f.NEUTRAL_TWIN} <= kinds, kinds
    assert not [m.invalid for m in found if m.invalid]
    lines = preview(plan)
    unsaid = {
        sent for sent in net.sent if not any(covers(line, sent, answers(found)) for line in lines)
    }
    assert unsaid == set()
    said = " ".join(f"{line.host} {line.what} {line.lookup_of}" for line in lines)
    redirected = {"elsewhere.example"} if "follow" in section else set()
    assert {clear for clear in in_clear(found) - redirected if clear not in said} == set()
    if section.get("private") or name == "local":
        assert kinds == set()
        assert not [sent for sent in net.sent if CONTROL in sent or DECOY.ip in sent]


def in_clear(found: list[Measurement]) -> set[str]:
    """The names that went out, but for those that are drawn anew each time."""
    names = {
        str(step_.detail[key]).partition(":")[0]
        for measurement in found
        for step_ in measurement.steps
        for key in ("server_name", "host", "hostname")
        if key in step_.detail and measurement.origin == "vantage"
    }
    return {name for name in names if not re.fullmatch(r"[a-z]{32}\.com|[a-z]{16}\..*", name)}


def test_a_plan_that_leaves_something_out_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property can fail: of every line without which something is unsaid, that is seen."""
    section, script, resolver, _ = SCENARIOS["two answers"]
    net, plan = network(script, resolver), plan_of(section)
    monkeypatch.setattr(probe.net.api, "Api", control(net))
    monkeypatch.setenv("X", "secret")
    known = answers(cycles(plan, net, at_once=True))
    for gone in ("decoys of berlin", "addresses in odd answers", CONTROL, RESOLVER.ip):
        lines = [line for line in preview(plan) if line.host != gone]
        assert any(not any(covers(line, s, known) for line in lines) for s in net.sent), gone


def test_without_follow_ups_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    section, script, resolver, _ = SCENARIOS["reset"]
    net, plan = network(script, resolver), plan_of(section, followups={"enabled": False})
    monkeypatch.setattr(probe.net.api, "Api", control(net))
    monkeypatch.setenv("X", "secret")
    found = cycles(plan, net, at_once=True)
    assert not [m for m in found if m.followup]
    assert not [sent for sent in net.sent if sent[1] == DECOY.ip]
