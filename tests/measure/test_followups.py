"""probe.measure.followups: what is sent after which failure, where, and within which bounds."""

import asyncio
import hashlib
import itertools
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.authority import ca_file, serving
from support.control import anchor_there, there
from support.nameservers import over_udp, reply
from support.plans import planned, tools
from support.quic import scripted
from support.records import https, measured, resolve, step
from support.servers import Serve, accepting, http, page, resetting, silent, tls
from support.virtual import DAY, VirtualClock, run_virtual

from probe.checks.kit import Kit
from probe.checks.sending import FirstPacket, Sending
from probe.core.address import Endpoint
from probe.core.model import Measurement, Step
from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.measure.followups import MOST, Followups
from probe.measure.places import Places
from probe.measure.quarantine import Quarantine
from probe.net.fake import FakeNetwork, FakePeer
from probe.plan.jobs import Job
from probe.plan.question import Session

NEUTRAL, NAME = "www.neutral.example", "shop.example"
TARGET = Endpoint("192.0.2.1", 443)
DECOY, SECOND = Endpoint("198.51.100.2", 443), Endpoint("198.51.100.3", 8443)
PAGE = "the decoy's own page"
WITHIN = 40.0
RESET, TIMEOUT = "connection_reset", "generic_timeout_error"


def leaf() -> str:
    """The certificate that the decoy shows, as the control tells it."""
    serving("decoy.example")
    pem = Path(ca_file()).with_name("decoy.example-valid.pem").read_text()
    certificate = pem[: pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()


def by_name(other: Serve, named: Serve) -> Serve:
    """One server for connections that name the target in their first packet, another for all."""

    async def serve(peer: FakePeer) -> None:
        first = await peer.receive()
        await (named if NAME.encode() in first else other)(_Again(peer, first))

    return serve


class _Again(FakePeer):
    """A connection of which something was read already."""

    def __init__(self, peer: FakePeer, first: bytes) -> None:
        super().__init__(peer.inbox, peer.outbox)
        self._first = first

    async def receive(self) -> bytes:
        first, self._first = self._first, b""
        return first or await super().receive()


def honest(body: bytes = PAGE.encode()) -> Serve:
    return tls(serving("decoy.example"), page(body))


@dataclass
class World:
    """Follow-ups on a scripted network; ``decoys`` are those of one control's session."""

    tcp: dict[Endpoint, Serve] = field(default_factory=dict)
    udp: dict[Endpoint, Serve] = field(default_factory=dict)
    decoys: tuple[Endpoint, ...] = (DECOY,)
    echo: Endpoint | None = None
    recorded: list[Measurement] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.net = FakeNetwork(tcp=self.tcp, udp=self.udp)
        self.quarantine = Quarantine(VirtualClock().monotonic)
        self.tools = Followups(
            tools(self.net, self.kept, ca_file=ca_file()),
            Places(self._sessions, self.quarantine),
            self.quarantine,
            self.recorded.append,
            NEUTRAL,
        )

    async def _sessions(self) -> list[tuple[str, Session]]:
        session = Session(
            decoys=self.decoys,
            echo=self.echo,
            leaf=leaf(),
            page=PAGE,
            bytes_token="t0ken",
            bytes_max=1 << 20,
            client="203.0.113.1",
            expires=600.0,
        )
        return [("fra-1", session)]

    def investigate(self, evidence: Evidence, within: float = WITHIN) -> list[str]:
        """The kinds of follow-ups that were made, in their order."""
        run_virtual(self._investigate(evidence, within))
        return self.kinds

    async def _investigate(self, evidence: Evidence, within: float) -> float:
        loop = asyncio.get_running_loop()
        self.quarantine.anomaly(evidence.trial)  # as the cycle does
        found = await self.tools.investigate(job(evidence), evidence, within)
        # What the deadline cut off is recorded too, and decides nothing.
        assert list(found) == [m for m in self.recorded if m in found]
        return loop.time()

    @property
    def kinds(self) -> list[str]:
        return [str(m.followup) for m in self.recorded]

    def failures(self) -> list[str | None]:
        """How each follow-up ended."""
        return [m.steps[-1].failure for m in self.recorded]

    def names(self, key: str = "server_name") -> list[str]:
        """Which name each follow-up sent."""
        return [s.detail[key] for m in self.recorded for s in m.steps if key in s.detail]


def job(evidence: Evidence) -> Job:
    return planned(evidence.trial.target.url).jobs[0]


def failed(steps: Iterable[Step], check: str = "https", **more: Any) -> Evidence:
    url = f"{check}://{NAME}/" if check in {"http", "https"} else f"{check}://{NAME}"
    return Evidence(trials=(measured(check, tuple(steps), url=url),), **more)


def hello(failure: str) -> Evidence:
    return failed(https("tls_handshake", failure))


def valid_control(*ips: str) -> dict[str, Any]:
    """A control that counts, whose resolvers gave these addresses."""
    data = [{"type": "A", "data": ip} for ip in ips]
    steps = (resolve(answers=data), *https()[1:])
    return {
        "controls": (there(DAY, origin="fra-1", steps=steps),),
        "control_anchors": (anchor_there(DAY, origin="fra-1", role="anchor"),),
    }


# --- which follow-ups, after which failure -------------------------------------------------------


def test_a_reset_handshake_is_tried_at_the_decoy_with_a_neutral_name_first() -> None:
    world = World(tcp={DECOY: by_name(honest(), resetting)})
    evidence = hello(RESET)
    assert world.investigate(evidence)[:2] == [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    assert world.names()[:2] == [NEUTRAL, NAME]
    assert world.failures()[:2] == [None, RESET]
    assert world.net.dialled[:2] == [DECOY, DECOY]


def test_follow_ups_are_marked_measurements_of_the_failure_that_they_follow() -> None:
    world = World(tcp={DECOY: by_name(honest(), resetting)})
    evidence = hello(RESET)
    world.investigate(evidence)
    for measurement in world.recorded:
        assert measurement.role == "followup"
        assert measurement.followup_of == evidence.trial.id
        assert measurement.cycle == evidence.trial.cycle
        assert measurement.followup in f.ALL
        assert measurement.target.id == evidence.trial.target.url
        assert measurement.invalid is None
    assert world.recorded[1].target.url == f"tls://{DECOY}?sni={NAME}"


def test_where_the_neutral_name_does_not_pass_the_target_s_is_not_sent() -> None:
    world = World(tcp={DECOY: resetting})
    kinds = world.investigate(hello(RESET))
    assert f.NAME_AT_DECOY not in kinds
    assert NAME not in world.names()


def test_silence_at_the_decoy_is_asked_for_twice_but_not_at_the_same_place() -> None:
    script = by_name(honest(), silent)
    world = World(tcp={DECOY: script, SECOND: script}, decoys=(DECOY, SECOND))
    evidence = hello(TIMEOUT)
    kinds = world.investigate(evidence)
    pair = [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    assert kinds == pair * 2
    assert [m.trial for m in world.recorded] == [1, 1, 2, 2]
    assert world.net.dialled == [DECOY, DECOY, SECOND, SECOND]


def test_a_decoy_in_quarantine_is_left_alone_and_no_other_one_is_made_up() -> None:
    world = World(tcp={DECOY: by_name(honest(), silent)})
    assert world.investigate(hello(TIMEOUT)) == [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    world.recorded.clear()
    assert world.investigate(hello(TIMEOUT)) == []
    assert world.net.dialled == [DECOY, DECOY]


def test_a_name_that_passes_at_the_decoy_does_so_once() -> None:
    world = World(tcp={DECOY: honest()})
    kinds = world.investigate(hello(RESET))
    assert kinds.count(f.NAME_AT_DECOY) == 1


@pytest.mark.parametrize(
    "steps",
    [
        https("connect", "connection_refused"),
        https("connect", TIMEOUT),
        https("http_response", RESET),
    ],
)
def test_no_server_name_goes_to_the_decoy_after_a_failure_outside_the_handshake(
    steps: list[Step],
) -> None:
    world = World(tcp={DECOY: honest()})
    assert world.investigate(failed(steps)) == []
    assert world.net.dialled == []


def test_without_a_decoy_nothing_is_sent_there() -> None:
    world = World(decoys=())
    assert [k for k in world.investigate(hello(RESET)) if "decoy" in k] == []


def test_plain_http_is_tried_with_the_host_header_against_the_decoy_s_known_page() -> None:
    forged = http(page(b"<title>This site is blocked</title>"))
    world = World(tcp={DECOY: by_name(http(page(PAGE.encode())), forged)})
    steps = [*https("http_response", RESET)[:2], step("http_response", 2, RESET)]
    kinds = world.investigate(failed(steps, "http"))
    assert kinds == [f.NEUTRAL_HOST_AT_DECOY, f.HOST_AT_DECOY]
    assert world.names("host") == [NEUTRAL, NAME]
    first, second = (m.steps[-1] for m in world.recorded)
    assert (first.op, first.failure) == ("expect", None)
    assert second.op == "expect"
    assert second.failure


def test_a_failed_lookup_is_tried_at_a_host_that_is_no_resolver_with_a_random_twin() -> None:
    asked: list[bytes] = []
    nobody = over_udp(lambda _, query: asked.append(query))
    world = World(udp={Endpoint(DECOY.ip, 53): nobody})
    evidence = failed([resolve("dns_nxdomain_error")])
    twin = [f.NEUTRAL_AT_NON_RESOLVER, f.NAME_AT_NON_RESOLVER]
    assert world.investigate(evidence) == twin * 2
    assert [m.trial for m in world.recorded] == [1, 1, 2, 2]
    hosts = world.names("hostname")
    assert hosts[1] == hosts[3] == NAME
    assert hosts[0] != hosts[2]
    assert all(name.endswith(".neutral.example") for name in hosts[::2])
    assert len(asked) == 4


def test_an_answer_from_nobody_is_shown_again_and_again() -> None:
    def inject(peer: FakePeer, query: bytes) -> None:
        if b"\x04shop" in query:
            peer.send(reply(query, "203.0.113.9"))

    world = World(udp={Endpoint(DECOY.ip, 53): over_udp(inject)})
    evidence = failed([resolve("dns_nxdomain_error")])
    twin = [f.NEUTRAL_AT_NON_RESOLVER, f.NAME_AT_NON_RESOLVER]
    assert world.investigate(evidence) == twin * 3
    hosts = world.names("hostname")
    assert hosts[2] == "www.neutral.example"
    assert len(set(hosts[::2])) == 3


def test_who_answers_for_a_neutral_name_is_not_asked_for_the_targets() -> None:
    lost: list[bytes] = []

    def proxy(peer: FakePeer, query: bytes) -> None:
        if lost:
            peer.send(reply(query, "203.0.113.9"))
        else:
            lost.append(query)  # the first is lost, as datagrams are

    world = World(udp={Endpoint(DECOY.ip, 53): over_udp(proxy)})
    evidence = failed([resolve("dns_nxdomain_error")])
    twin = [f.NEUTRAL_AT_NON_RESOLVER, f.NAME_AT_NON_RESOLVER]
    assert world.investigate(evidence) == [*twin, f.NEUTRAL_AT_NON_RESOLVER]


@pytest.mark.parametrize(
    ("steps", "doubtful"),
    [
        ([resolve(TIMEOUT)], True),
        ([resolve(), *https("connect", RESET)[1:]], False),
        (
            [resolve(answers=[{"type": "A", "data": "127.0.0.1"}]), *https("connect", RESET)[1:]],
            True,
        ),
        (
            [
                resolve(answers=[{"type": "A", "data": "93.184.1.1"}]),
                step("extra_answer", 1, answers=[{"type": "A", "data": "93.184.1.2"}]),
                *https("connect", RESET)[1:],
            ],
            True,
        ),
    ],
)
def test_only_a_lookup_that_is_in_doubt_is_looked_into(steps: list[Step], doubtful: bool) -> None:
    world = World(udp={Endpoint(DECOY.ip, 53): silent})
    kinds = world.investigate(failed(steps))
    assert (f.NAME_AT_NON_RESOLVER in kinds) is doubtful


def test_a_target_without_a_name_has_no_lookup_to_doubt() -> None:
    world = World(udp={Endpoint(DECOY.ip, 53): silent})
    trial = measured("https", https("connect", RESET), url="https://192.0.2.1/")
    assert world.investigate(Evidence(trials=(trial,), **valid_control("93.184.1.1"))) == []


def test_an_odd_answer_is_asked_for_the_name_s_certificate_and_so_is_the_control_s() -> None:
    odd, good = Endpoint("93.184.1.1", 443), Endpoint("93.184.9.9", 443)
    world = World(tcp={odd: tls(serving(NAME, "self_signed")), good: tls(serving(NAME))}, decoys=())
    here = resolve(answers=[{"type": "A", "data": odd.ip}])
    refused = step("connect", 2, RESET, address=str(odd))
    kinds = world.investigate(failed([here, refused], **valid_control(good.ip)))
    assert kinds == [f.CERTIFICATE_AT_ANSWER, f.CERTIFICATE_AT_CONTROL_ANSWER]
    assert world.net.dialled == [odd, good]
    assert world.names() == [NAME, NAME]
    assert world.failures() == ["ssl_unknown_authority", None]


def test_a_few_odd_answers_suffice_and_impossible_or_known_ones_are_not_contacted() -> None:
    answered = [f"93.184.1.{n}" for n in range(1, 9)]
    impossible = ["127.0.0.1", "10.0.0.1", "192.168.1.1"]
    data = [{"type": "A", "data": ip} for ip in (*answered, *impossible)]
    world = World(decoys=())
    trial = [resolve(answers=data), step("connect", 2, RESET, address="93.184.1.1:443")]
    world.investigate(failed(trial, **valid_control("93.184.9.9", "93.184.9.8")))
    assert world.kinds.count(f.CERTIFICATE_AT_ANSWER) == 3
    assert world.kinds.count(f.CERTIFICATE_AT_CONTROL_ANSWER) == 1
    assert not {e.ip for e in world.net.dialled} & set(impossible)


def test_a_control_s_answer_from_its_own_network_is_not_contacted() -> None:
    world = World(decoys=())
    trial = [
        resolve(answers=[{"type": "A", "data": "93.184.1.1"}]),
        step("connect", 2, RESET, address="93.184.1.1:443"),
    ]
    world.investigate(failed(trial, **valid_control("192.168.1.1")))
    assert "192.168.1.1" not in {endpoint.ip for endpoint in world.net.dialled}


# --- transfers -----------------------------------------------------------------------------------


def stalled(done: int = 17000) -> Evidence:
    body = replace(step("transfer", 2, TIMEOUT, bytes=done, last_byte=1.0), t=20.0)
    return failed([*https("http_response")[:5], body])


def test_transfers_are_interleaved_on_one_line_in_three_rounds() -> None:
    size = 64 * 1024
    world = World(tcp={DECOY: honest(b"x" * size), TARGET: tls(serving(NAME), page(b"x" * size))})
    kinds = world.investigate(stalled())
    turn = [f.TRANSFER_FROM_TARGET, f.TRANSFER_NEUTRAL, f.TRANSFER_NAME]
    assert kinds == turn * 3
    assert [m.trial for m in world.recorded] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert world.names() == [NAME, NEUTRAL, NAME] * 3
    assert world.net.dialled == [TARGET, DECOY, DECOY] * 3
    assert world.failures() == [None] * 9


def test_the_token_for_the_decoy_s_bytes_is_in_no_record() -> None:
    size = 64 * 1024
    world = World(tcp={DECOY: honest(b"x" * size), TARGET: tls(serving(NAME), page(b"x" * size))})
    world.investigate(stalled())
    assert f"/bytes/{size}" in repr(world.recorded)
    assert "t0ken" not in repr(world.recorded)


# --- at the target's own address -----------------------------------------------------------------


def test_neutral_packets_go_to_the_target_s_address_only_when_it_has_rested() -> None:
    world = World(tcp={TARGET: accepting})
    evidence = hello(RESET)
    here = job(evidence)

    async def main() -> None:
        world.quarantine.anomaly(evidence.trial)
        assert await world.tools.at_targets(here, "now", evidence.trial) == ()
        assert world.net.dialled == []
        await asyncio.sleep(world.quarantine.remaining(TARGET))
        await world.tools.at_targets(here, "now", evidence.trial)

    run_virtual(main())
    assert world.kinds == [f.HARMLESS_AT_TARGET, f.NEUTRAL_AT_TARGET]
    assert world.net.dialled == [TARGET, TARGET]
    assert world.names() == [NEUTRAL]
    assert {m.cycle for m in world.recorded} == {"now"}


def test_a_one_off_check_waits_for_a_rest_that_ends_in_time_and_for_no_longer_one() -> None:
    world = World(tcp={TARGET: accepting}, decoys=())
    world.quarantine = world.tools.quarantine = Quarantine(VirtualClock().monotonic, 20.0)
    evidence = hello(RESET)

    async def main() -> None:
        world.quarantine.anomaly(evidence.trial)
        await world.tools.investigate(job(evidence), evidence, 19.0)
        assert world.recorded == []
        await world.tools.investigate(job(evidence), evidence, 60.0)
        assert world.kinds[0] == f.HARMLESS_AT_TARGET
        assert (world.recorded[0].started - DAY).total_seconds() == pytest.approx(20.0)

    run_virtual(main())


def test_a_neutral_twin_goes_to_the_decoy_and_to_none_that_rests() -> None:
    world = World(tcp={DECOY: honest()})
    evidence = hello(TIMEOUT)

    async def main() -> None:
        await world.tools.twin(job(evidence), "now", evidence.trial, 2)
        world.quarantine.anomaly(
            measured("tls", [step("tls_handshake", 1, RESET, address=str(DECOY))])
        )
        assert await world.tools.twin(job(evidence), "now", evidence.trial, 3) == ()

    run_virtual(main())
    assert [(m.followup, m.trial) for m in world.recorded] == [(f.NEUTRAL_TWIN, 2)]
    assert world.names() == [NEUTRAL]


def test_a_twin_does_not_wait_out_the_rest_that_another_target_s_silence_began() -> None:
    world = World(tcp={DECOY: by_name(honest(), silent)})
    evidence = hello(TIMEOUT)

    async def main() -> float:
        loop = asyncio.get_running_loop()
        first = asyncio.create_task(world.tools.investigate(job(evidence), evidence, WITHIN))
        await asyncio.sleep(0.5)
        assert world.kinds == [f.NEUTRAL_AT_DECOY]  # the silent name is on its way now
        await world.tools.twin(job(evidence), "now", evidence.trial, 2)
        took = loop.time()
        await first
        return took

    assert run_virtual(main()) < 60


# --- bounds --------------------------------------------------------------------------------------


def test_an_investigation_ends_in_its_time_and_keeps_what_it_had_until_then() -> None:
    world = World(tcp={DECOY: by_name(honest(), silent)})
    evidence = hello(RESET)
    assert run_virtual(world._investigate(evidence, 2.0)) == pytest.approx(2.0)
    assert world.kinds == [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    assert world.recorded[-1].steps[-1].failure == "interrupted"
    assert world.quarantine.remaining(DECOY) > 0


@pytest.mark.parametrize("within", [0.0, -5.0])
def test_with_no_time_left_nothing_is_recorded(within: float) -> None:
    world = World(tcp={DECOY: silent})
    assert world.investigate(hello(RESET), within) == []


def test_the_worst_failure_costs_no_more_measurements_than_allowed() -> None:
    """Every reason to look closer at once, and nothing that ever answers."""
    world = World(
        tcp=dict.fromkeys((DECOY, SECOND, TARGET), silent),
        udp=dict.fromkeys((Endpoint(d.ip, 53) for d in (DECOY, SECOND)), silent),
        decoys=(DECOY, SECOND),
    )
    data = [{"type": "A", "data": f"93.184.1.{n}"} for n in range(1, 60)]
    evidence = failed(
        [
            resolve(answers=data),
            *(
                step(op, n, failure)
                for n, (op, failure) in enumerate(
                    [("connect", None), ("tls_handshake", RESET), ("transfer", TIMEOUT)], 2
                )
            ),
        ],
        **valid_control("93.184.9.9"),
    )
    took = run_virtual(world._investigate(evidence, WITHIN))
    assert took <= WITHIN
    assert 0 < len(world.recorded) <= MOST


def test_two_experiments_do_not_share_a_decoy_at_one_time() -> None:
    under_way, most = itertools.count(), []
    open_ = set()

    def counted(serve: Serve) -> Serve:
        async def count(peer: FakePeer) -> None:
            this = next(under_way)
            open_.add(this)
            most.append(len(open_))
            try:
                await asyncio.sleep(0.1)
                await serve(peer)
            finally:
                open_.discard(this)

        return count

    world = World(tcp={DECOY: counted(honest())})
    evidence = hello(RESET)

    async def main() -> None:
        investigate = world.tools.investigate
        await asyncio.gather(*(investigate(job(evidence), evidence, WITHIN) for _ in range(3)))

    run_virtual(main())
    assert world.kinds.count(f.NAME_AT_DECOY) == 3
    assert max(most) == 1


# --- protocols that are known by their shape -----------------------------------------------------

ECHO = Endpoint("198.51.100.2", 7007)
VPN = Endpoint("192.0.2.1", 1194)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaped:
    """A check of a VPN protocol: its first packets begin with a byte that filters know."""

    name = "shaped"
    default_port = 1194
    host: str = NAME
    port: int = 1194
    transport: str = "udp"

    def first_packet(self) -> FirstPacket:
        return FirstPacket(self.transport, b"\x38" + os.urandom(13))

    async def run(self, kit: Kit) -> None:
        raise NotImplementedError

    def sends(self) -> Iterable[Sending]:
        return ()


def shape(failure: str | None = TIMEOUT) -> Evidence:
    steps = (resolve(), step("shaped_reset", 2, failure, address=str(VPN)))
    return Evidence(trials=(measured("shaped", steps, url=f"https://{NAME}/"),))


def at_echo(serve: Serve, evidence: Evidence, transport: str = "udp", **more: Any) -> World:
    world = World(decoys=(), echo=ECHO, **{transport: {ECHO: serve}}, **more)

    async def main() -> None:
        made = replace(job(evidence), check=Shaped(transport=transport))
        world.quarantine.anomaly(evidence.trial)
        await world.tools.investigate(made, evidence, WITHIN)

    run_virtual(main())
    return world


async def echoing(peer: FakePeer) -> None:
    while data := await peer.receive():
        peer.send(data)


async def filtering(peer: FakePeer) -> None:
    """An echo on a path that lets no packet of that protocol by."""
    while data := await peer.receive():
        if not data.startswith(b"\x38"):
            peer.send(data)


HARMLESS, SHAPE = f.HARMLESS_AT_ECHO, f.PROTOCOL_AT_ECHO


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_protocol_that_fails_is_tried_at_the_echo_after_harmless_bytes(transport: str) -> None:
    world = at_echo(filtering, shape(), transport)
    assert world.kinds == [HARMLESS, HARMLESS, SHAPE, SHAPE]
    assert world.failures() == [None, None, TIMEOUT, TIMEOUT]
    assert [m.trial for m in world.recorded] == [1, 2, 1, 2]


def test_a_shape_that_passes_at_the_echo_does_so_once() -> None:
    assert at_echo(echoing, shape()).kinds == [HARMLESS, HARMLESS, SHAPE]


def test_where_harmless_bytes_do_not_pass_the_protocol_s_are_not_sent() -> None:
    assert at_echo(silent, shape()).kinds == [HARMLESS]


@pytest.mark.parametrize("failure", [None, "connection_refused"])
def test_only_what_was_silent_or_cut_off_is_tried_at_the_echo(failure: str | None) -> None:
    assert at_echo(echoing, shape(failure)).kinds == []


def test_nothing_of_the_target_is_in_what_the_echo_is_shown() -> None:
    sent = []

    async def keeping(peer: FakePeer) -> None:
        while data := await peer.receive():
            sent.append(data)

    at_echo(keeping, shape(), "udp")
    assert sent
    assert len(set(sent)) == 1  # harmless ones, alike; and no word of the target
    assert NAME.encode() not in b"".join(sent)


def test_an_echo_that_rests_is_left_alone() -> None:
    first = shape()
    world = at_echo(filtering, first)
    assert world.quarantine.remaining(ECHO) > WITHIN


def test_where_quic_failed_the_neutral_name_goes_there_over_quic_alone() -> None:
    world = World(udp={TARGET: scripted()})
    steps = [step("quic_handshake", 1, TIMEOUT, address=str(TARGET))]
    evidence = Evidence(trials=(measured("quic", steps, started=DAY),))
    here = planned(targets=[{"id": "shop", "url": f"quic://{NAME}"}]).jobs[0]
    run_virtual(world.tools.at_targets(here, "now", evidence.trial))
    assert world.kinds == [f.NEUTRAL_AT_TARGET]
    assert world.net.dialled == [TARGET]
    (made,) = world.recorded
    assert [(s.op, s.failure, s.detail["server_name"]) for s in made.steps] == [
        ("quic_handshake", None, NEUTRAL)
    ]
