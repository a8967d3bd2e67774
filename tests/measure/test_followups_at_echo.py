"""probe.measure.followups: protocols that are known by their shape, at a control's echo."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from support.investigating import NAME, NEUTRAL, TARGET, TIMEOUT, WITHIN, World, job
from support.plans import planned
from support.quic import scripted
from support.records import measured, resolve, step
from support.servers import Serve, silent
from support.virtual import DAY, run_virtual

from probe.checks.kit import Kit
from probe.checks.sending import FirstPacket, Sending
from probe.core.address import Endpoint
from probe.judge import decoy
from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.net.fake import FakePeer

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
def test_what_succeeded_or_was_refused_is_not_tried_at_the_echo(failure: str | None) -> None:
    assert at_echo(echoing, shape(failure)).kinds == []


async def injecting(peer: FakePeer) -> None:
    """An echo on a path that answers that protocol's packets itself."""
    while data := await peer.receive():
        peer.send(b"HTTP/1.1 403 Forbidden\r\n\r\n" if data.startswith(b"\x38") else data)


@pytest.mark.parametrize(
    ("transport", "ended"), [("tcp", "unknown_failure: malformed echo reply"), ("udp", TIMEOUT)]
)
def test_what_drew_a_strange_answer_is_tried_there_too(transport: str, ended: str) -> None:
    garbage = shape("unknown_failure: malformed shaped reply")
    assert at_echo(echoing, garbage, transport).kinds == [HARMLESS, HARMLESS, SHAPE]
    world = at_echo(injecting, garbage, transport)
    assert world.kinds == [HARMLESS, HARMLESS, SHAPE, SHAPE]
    assert world.failures() == [None, None, ended, ended]
    assert decoy.protocol_replaced(replace(garbage, followups=tuple(world.recorded)))


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
