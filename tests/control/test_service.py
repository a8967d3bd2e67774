"""probe.control.service: what is measured for clients, and everything that is refused to them."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.message
import pytest
from cryptography.exceptions import InvalidTag
from support.nameservers import knowing, knowing_over_tcp, over_udp, reply
from support.plans import tools
from support.servers import http, page, silent
from support.virtual import VirtualClock, run_virtual
from wire import ss_server

from probe.control.guard import Own
from probe.control.limits import BusyError, Places
from probe.control.service import LONGEST, Measuring
from probe.core.address import Endpoint
from probe.core.model import Measurement
from probe.core.strictyaml import ConfigError
from probe.net.fake import FakeNetwork, FakePeer
from probe.plan.helper import HelperConfig
from probe.plan.question import MAX_REPLY, Question, Reply
from probe.wire.shadowsocks import key_of

SITE, OTHER, OURS = "93.184.216.34", "93.184.216.35", "93.184.216.99"
LOCAL_RESOLVER = "127.0.0.53"
NOT_PUBLIC = "refused: it leads to an address that is not public"
INNER = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00:ec2::254"]


def configured(**more: Any) -> HelperConfig:
    section = {"listen": "127.0.0.1:8443", "token_env": "T", **more.pop("control", {})}
    given = {
        "vantage": {"id": "berlin", "country": "DE", "asn": 64500},
        "resolvers": ["system"],
        "anchors": {"international": []},
        "control": section,
        **more,
    }
    return HelperConfig.model_validate(given)


def asking(
    net: FakeNetwork,
    *questions: Question | str,
    allow_private: bool = False,
    places: Places | None = None,
    **config: Any,
) -> Reply:
    """Ask once, in virtual time."""

    async def main() -> Reply:
        measuring = made(net, allow_private=allow_private, places=places, **config)
        return Reply.from_json(await measuring.reply(asked(*questions), "198.51.100.7"))

    return run_virtual(main())


def made(net: FakeNetwork, **more: Any) -> Measuring:
    allow_private, places = more.pop("allow_private", False), more.pop("places", None)
    base = more.pop("base", Path())
    config = configured(**more)
    plan = config.plan(base)
    instruments = tools(net, vantage=plan.vantage, clock=VirtualClock())
    own = Own(frozenset({OURS}))
    return Measuring(config, plan, instruments, own=own, allow_private=allow_private, places=places)


def asked(*questions: Question | str) -> list[Question]:
    return [Question(url=each) if isinstance(each, str) else each for each in questions]


def site(**names: tuple[str, ...]) -> FakeNetwork:
    """A web server at SITE and every inner address, and names; ``_`` in them stands for a dot."""
    net = FakeNetwork(names={name.replace("_", "."): ips for name, ips in names.items()})
    for ip in (SITE, OTHER, OURS, LOCAL_RESOLVER, *INNER):
        for port in (53, 80, 443):
            net.tcp[Endpoint(ip, port)] = http(page())
    return net


def test_a_target_is_measured_at_what_the_asker_knows_and_at_what_is_looked_up_here() -> None:
    net = site(shop_example=(OTHER,))
    reply = asking(net, Question(url="http://shop.example/", addresses=(SITE,)))
    (found,) = reply.measurements
    assert found.invalid is None
    assert {step.address for step in found.steps if step.op == "connect"} == {
        f"{SITE}:80",
        f"{OTHER}:80",
    }
    assert (reply.control.id, reply.control.country, reply.control.asn) == ("berlin", "DE", 64500)
    assert reply.client == "198.51.100.7"
    body = next(step.detail["body"] for step in found.steps if step.op == "transfer")
    assert reply.objects[body] == b"hello"


@pytest.mark.parametrize("ip", INNER)
@pytest.mark.parametrize("scheme", ["http", "tcp", "tls"])
def test_an_inner_address_in_the_url_is_refused_and_nothing_is_sent(ip: str, scheme: str) -> None:
    net = site()
    host = f"[{ip}]" if ":" in ip else ip
    (found,) = asking(net, f"{scheme}://{host}:443").measurements
    assert (found.invalid, found.steps, net.dialled) == (NOT_PUBLIC, (), [])


@pytest.mark.parametrize("ip", INNER)
def test_a_name_that_resolves_to_an_inner_address_is_refused(ip: str) -> None:
    net = site(inner_example=(ip,))
    (found,) = asking(net, "http://inner.example/").measurements
    assert (found.invalid, found.steps, net.dialled) == (NOT_PUBLIC, (), [])


def test_one_inner_address_among_public_ones_refuses_the_whole_measurement() -> None:
    net = site(both_example=(SITE, "10.0.0.1"))
    (found,) = asking(net, "http://both.example/").measurements
    assert (found.invalid, found.steps) == (NOT_PUBLIC, ())
    assert Endpoint("10.0.0.1", 80) not in net.dialled


def rebinding(*answers: str) -> Callable[[FakePeer, bytes], object]:
    """A resolver that gives another address for each question for A."""
    left = list(answers)

    def answer(peer: FakePeer, query: bytes) -> None:
        wants_a = dns.message.from_wire(query).question[0].to_text().endswith(" A")
        peer.send(reply(query, *([left.pop(0)] if wants_a and left else ())))

    return answer


def test_a_name_that_turns_inwards_at_its_second_lookup_is_refused() -> None:
    net = site()
    net.udp[Endpoint(SITE, 53)] = over_udp(rebinding(OTHER, "127.0.0.1"))

    async def main() -> list[tuple[str | None, int]]:
        measuring = made(net, resolvers=[f"udp://{SITE}"])
        seen = []
        for _ in range(2):
            raw = await measuring.reply(asked("http://turning.example/"), "198.51.100.7")
            (found,) = Reply.from_json(raw).measurements
            seen.append((found.invalid, bool(found.steps)))
        return seen

    assert run_virtual(main()) == [(None, True), (NOT_PUBLIC, False)]
    assert Endpoint("127.0.0.1", 80) not in net.dialled


def test_a_lookup_of_a_redirect_inside_one_measurement_that_turns_inwards_is_refused() -> None:
    net = site()
    net.udp[Endpoint(OTHER, 53)] = over_udp(rebinding(SITE, "224.0.0.1"))
    to = page(b"", "302 Found", "Location: http://second.example/")
    net.tcp[Endpoint(SITE, 80)] = http(to)
    question = Question(url="http://first.example/", options={"follow": 3})
    (found,) = asking(net, question, resolvers=[f"udp://{OTHER}"]).measurements
    assert (found.invalid, found.steps) == (NOT_PUBLIC, ())
    assert Endpoint("224.0.0.1", 80) not in net.dialled


@pytest.mark.parametrize("where", [*INNER, "localhost", "inner.example", "240.0.0.1"])
def test_a_redirect_to_an_inner_address_is_refused_and_not_followed(where: str) -> None:
    net = site(inner_example=("192.168.1.1",))
    host = f"[{where}]" if ":" in where else where
    net.tcp[Endpoint(SITE, 80)] = http(page(b"", "302 Found", f"Location: http://{host}/secret"))
    (found,) = asking(net, Question(url=f"http://{SITE}/", options={"follow": 2})).measurements
    assert (found.invalid, found.steps) == (NOT_PUBLIC, ())
    assert set(net.dialled) == {Endpoint(SITE, 80)}


def test_a_redirect_that_is_not_followed_is_an_answer_like_any_other() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 80)] = http(page(b"", "302 Found", "Location: http://10.0.0.1/"))
    (found,) = asking(net, f"http://{SITE}/").measurements
    assert found.invalid is None


def test_the_controls_own_addresses_are_refused() -> None:
    net = site(ours_example=(OURS,))
    for url in (f"tcp://{OURS}:443", "tcp://ours.example:443"):
        (found,) = asking(net, url).measurements
        assert found.invalid == "refused: it leads to the control itself"
    assert net.dialled == []


def test_what_the_asker_was_told_of_inner_addresses_is_left_out() -> None:
    net = site(shop_example=(SITE,))
    question = Question(url="http://shop.example/", addresses=("127.0.0.1", OURS, "10.1.1.1"))
    (found,) = asking(net, question).measurements
    assert found.invalid is None
    assert set(net.dialled) == {Endpoint(SITE, 80)}


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_the_controls_own_resolver_may_be_private_but_is_no_target(kind: str) -> None:
    net = site()
    at = Endpoint(LOCAL_RESOLVER, 53)
    net.udp[at] = knowing(SITE)
    if kind == "tcp":
        net.tcp[at] = knowing_over_tcp(SITE)
    resolvers = [f"{kind}://{LOCAL_RESOLVER}"]
    (found,) = asking(net, "http://shop.example/", resolvers=resolvers).measurements
    assert found.invalid is None
    assert Endpoint(SITE, 80) in net.dialled

    net.udp[at] = knowing(LOCAL_RESOLVER)
    if kind == "tcp":
        net.tcp[at] = knowing_over_tcp(LOCAL_RESOLVER)
    for url in (f"tcp://{LOCAL_RESOLVER}:53", "tcp://evil.example:53"):
        net.dialled.clear()
        (found,) = asking(net, url, resolvers=resolvers).measurements
        assert found.invalid == NOT_PUBLIC
        assert len(net.dialled) == (0 if url.startswith("tcp://127") else 2)  # the two lookups


@pytest.mark.parametrize("ip", ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_what_the_operators_own_names_lead_to_is_not_told(ip: str) -> None:
    net = site(intern_example=(ip,), shop_example=(SITE,))
    inner, outer = asking(net, "dns://intern.example", "dns://shop.example").measurements
    assert (inner.invalid, inner.steps) == (NOT_PUBLIC, ())
    assert outer.invalid is None


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (Question(url="gopher://x.example/"), "no check is called 'gopher'"),
        (Question(url="nonsense"), "names no host"),
        (Question(url="https://x.example/", options={"resolver": "udp://1.1.1.1"}), "no option"),
        (Question(url="https://x.example/", options={"ca_file": "/etc/passwd"}), "no option"),
        (Question(url="https://x.example/#addresses=1.1.1.1"), "beside the URL"),
        (Question(url="https://x.example/", options={"follow": 99}), "10"),
        (Question(url="dns://x.example", options={"type": "MX"}), "no resolver here"),
    ],
)
def test_what_no_control_measures_comes_back_with_the_reason(
    question: Question, reason: str
) -> None:
    net = site(x_example=(SITE,))
    found, other = asking(net, question, "tcp://x.example:80").measurements
    assert found.invalid is not None and found.invalid.startswith("refused: ")
    assert reason in found.invalid
    assert found.steps == ()
    assert other.invalid is None  # the request's other targets are measured


def test_private_targets_are_measured_where_they_are_allowed() -> None:
    (found,) = asking(site(), "tcp://127.0.0.1:80", allow_private=True).measurements
    assert found.invalid is None


def test_a_round_of_anchors_is_shared_for_a_minute_and_may_be_private() -> None:
    net = site(anchor_example=("10.0.0.1",), shop_example=(SITE,))

    async def main() -> list[Reply]:
        measuring = made(net, anchors={"international": ["http://anchor.example/"]})
        once = [measuring.reply(asked("tcp://shop.example:80"), "198.51.100.7") for _ in range(6)]
        replies = [Reply.from_json(raw) for raw in await asyncio.gather(*once)]
        await asyncio.sleep(61)
        later = await measuring.reply(asked("tcp://shop.example:80"), "198.51.100.7")
        return [*replies, Reply.from_json(later)]

    *replies, later = run_virtual(main())
    assert {len(each.anchors) for each in replies} == {1}
    assert len({each.anchors[0].id for each in replies}) == 1
    assert later.anchors[0].id != replies[0].anchors[0].id
    (anchor,) = later.anchors
    assert (anchor.role, anchor.target.feature, anchor.invalid) == ("anchor", "international", None)
    body = next(step.detail["body"] for step in anchor.steps if step.op == "transfer")
    assert later.objects[body] == b"hello"


def test_a_silent_target_is_told_before_the_asker_gives_up() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 443)] = silent

    async def main() -> tuple[Reply, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        measuring = made(net, timeouts={"tls": "5m"}, timeout="10m")
        raw = await measuring.reply(asked(f"tls://{SITE}"), "198.51.100.7")
        return Reply.from_json(raw), loop.time() - began

    reply, took = run_virtual(main())
    assert reply.measurements[0].steps[-1].failure == "generic_timeout_error"
    assert took == pytest.approx(LONGEST, abs=0.1)


def test_beyond_the_places_targets_wait_a_little_and_then_are_told_to_come_again() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 443)] = silent

    async def main() -> list[Any]:
        measuring = made(net, places=Places(2, 3))
        slow = [measuring.reply(asked(f"tls://{SITE}"), "198.51.100.7") for _ in range(7)]
        return await asyncio.gather(*slow, return_exceptions=True)

    told = run_virtual(main())
    assert [type(each) for each in told] == [bytes] * 2 + [BusyError] * 5


def test_in_a_large_request_what_found_no_place_says_so_and_the_rest_counts() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 443)] = silent
    questions = [f"tls://{SITE}", f"tcp://{OTHER}:80"]
    reply = asking(net, *questions, places=Places(1, 1))
    assert [m.invalid for m in reply.measurements] == [
        None,
        "busy: no place became free in time",
    ]


def test_an_answer_keeps_to_its_size_whatever_the_targets_send() -> None:
    net = FakeNetwork()
    targets = [f"93.184.1.{number}" for number in range(1, 17)]
    for ip in targets:
        noise = hashlib.shake_256(ip.encode()).digest(200_000)
        many = [f"X-{n}: {'y' * 8000}" for n in range(6)]
        net.tcp[Endpoint(ip, 80)] = http(page(noise, "500 Broken", *many))
    questions = [Question(url=f"http://{ip}/", addresses=tuple(targets[:8])) for ip in targets]

    async def main() -> bytes:
        return await made(net).reply(questions, "198.51.100.7")

    raw = run_virtual(main())
    assert MAX_REPLY / 4 < len(raw) <= MAX_REPLY
    assert len(Reply.from_json(raw).measurements) == 16


WORD, METHOD = "hunter2abc", "aes-256-gcm"
VPN = Endpoint(SITE, 8388)


def relaying() -> FakeNetwork:
    """A Shadowsocks server that is silent to every other password, on two ports."""
    key = key_of(WORD.encode(), METHOD)

    async def serve(peer: FakePeer) -> None:
        data = await peer.receive()
        with contextlib.suppress(InvalidTag):
            assert ss_server.received(METHOD, key, data)
            peer.send(ss_server.answer(METHOD, key, b"HTTP/1.1 200 OK\r\n\r\n"))
        await peer.receive()

    return FakeNetwork(tcp={VPN: serve, Endpoint(SITE, 8389): serve})


def lent(tmp_path: Path, url: str, **more: Any) -> tuple[Measurement, bytes]:
    """What it measures of this URL with a password of its own for VPN, and the raw answer."""
    (tmp_path / "word").write_text(WORD)
    own = {"url": f"shadowsocks://{VPN}", "method": METHOD, "password_file": "word", **more}

    async def main() -> bytes:
        measuring = made(relaying(), base=tmp_path, targets=[own])
        return await measuring.reply(asked(url), "198.51.100.7")

    raw = run_virtual(main())
    (found,) = Reply.from_json(raw).measurements
    return found, raw


def test_it_uses_a_password_of_its_own_where_it_has_one_and_shows_it_to_nobody(
    tmp_path: Path,
) -> None:
    found, raw = lent(tmp_path, f"shadowsocks://{VPN}")
    step = found.steps[-1]
    assert (step.op, step.failure, step.detail["authenticated"]) == (
        "shadowsocks_relay",
        None,
        True,
    )
    assert "keyed" not in step.detail
    assert WORD.encode() not in raw
    assert b"word" not in raw


@pytest.mark.parametrize("url", [f"shadowsocks://{SITE}:8389", f"vmess://{VPN}"])
def test_what_it_has_no_password_for_is_asked_without(tmp_path: Path, url: str) -> None:
    found, _ = lent(tmp_path, url)
    assert (found.steps[-1].failure, found.steps[-1].detail["keyed"]) == (
        "generic_timeout_error",
        True,
    )


def test_what_is_asked_for_is_asked_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "word").write_text(WORD)
    own = {"url": f"shadowsocks://{VPN}", "method": METHOD, "password_file": "word"}
    question = Question(url=f"shadowsocks://{VPN}", options={"to": "shop.example:81"})

    async def main() -> bytes:
        measuring = made(relaying(), base=tmp_path, targets=[{**own, "to": "other.example:82"}])
        return await measuring.reply([question], "198.51.100.7")

    (found,) = Reply.from_json(run_virtual(main())).measurements
    assert (found.steps[-1].failure, found.steps[-1].detail["to"]) == (None, "shop.example:81")


def test_whoever_asks_cannot_have_a_password_sent_to_another_address(tmp_path: Path) -> None:
    (tmp_path / "word").write_text(WORD)
    net, heard = FakeNetwork(), []

    async def listen(peer: FakePeer) -> None:
        while data := await peer.receive():
            heard.append(data)

    net.tcp = {VPN: listen, Endpoint(OTHER, VPN.port): listen}
    own = {"url": f"socks5://user@{VPN}", "password_file": "word"}
    question = Question(url=f"socks5://{VPN}", addresses=(OTHER,))

    async def main() -> bytes:
        measuring = made(net, base=tmp_path, targets=[own])
        return await measuring.reply([question], "198.51.100.7")

    (found,) = Reply.from_json(run_virtual(main())).measurements
    assert [step.detail.get("login") for step in found.steps if step.op == "socks5_greeting"] == [
        True
    ]
    assert heard
    assert net.dialled == [VPN]


def test_only_a_target_with_a_secret_belongs_into_a_control_s_configuration() -> None:
    with pytest.raises(ValueError, match="has no key or password"):
        configured(targets=[{"url": "https://shop.example/"}])


def test_a_key_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    own = {"url": f"shadowsocks://{VPN}", "password_file": "nowhere"}
    with pytest.raises(ConfigError, match=r"targets\[0\]\.password_file: .*nowhere"):
        configured(targets=[own]).plan(tmp_path)
