"""probe.checks.echo: a first packet comes back as it was, or does not."""

import itertools

import pytest
from support.kits import run_check

from probe.checks.echo import EchoCheck, harmless
from probe.checks.harmless import PAYLOAD
from probe.checks.sending import FirstPacket
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork

ECHO = Endpoint("198.51.100.2", 7007)


def check(transport):
    numbers = itertools.count()
    return EchoCheck(
        host=ECHO.ip, port=ECHO.port, make=lambda: FirstPacket(transport, b"%08d" % next(numbers))
    )


def run(transport, serve):
    return run_check(check(transport), FakeNetwork(**{transport: {ECHO: serve}}))


async def echo(peer):
    while data := await peer.receive():
        peer.send(data)


async def silent(peer):
    while await peer.receive():
        pass


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_comes_back_is_what_was_sent(transport):
    step = run(transport, echo).only("echo")
    assert (step.failure, step.detail["bytes"], step.address) == (None, 8, str(ECHO))


def test_a_lost_packet_is_sent_anew_and_an_older_one_may_come_back():
    async def slow(peer):
        first = await peer.receive()
        assert await peer.receive() != first
        peer.send(b"not mine")
        peer.send(first)

    step = run("udp", slow).only("echo")
    assert (step.failure, step.detail["packets"], step.detail["strays"]) == (None, 2, 1)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_silence_is_silence(transport):
    step = run(transport, silent).only("echo")
    assert (step.failure, step.t) == ("generic_timeout_error", 4.0)


def test_a_reset_and_other_bytes_are_told_apart():
    async def reset(peer):
        await peer.receive()
        peer.reset()

    async def other(peer):
        await peer.receive()
        peer.send(b"HTTP/1.1 403 Forbidden\r\n")

    assert run("tcp", reset).only("echo").failure == "connection_reset"
    assert run("tcp", other).only("echo").failure == "unknown_failure: malformed echo reply"


@pytest.mark.parametrize(("length", "made"), [(4, 16), (148, 148), (8128, 1200)])
def test_harmless_bytes_are_as_many_and_printable(length, made):
    packet = harmless(FirstPacket("udp", bytes(length)))
    assert packet.transport == "udp"
    assert len(packet.payload) == made
    assert packet.payload.startswith(PAYLOAD[:14])
    assert packet.payload.replace(b"\r\n", b"").decode("ascii").isprintable() or made % 16


def test_over_a_stream_a_long_first_packet_has_a_harmless_twin_as_long():
    # Else a path that loses long segments would look like one that filters a protocol.
    assert len(harmless(FirstPacket("tcp", bytes(8128))).payload) == 8128


def test_the_plan_can_say_what_is_sent():
    (sending,) = check("udp").sends()
    assert (sending.transport, sending.what) == ("udp", "a first packet of 8 bytes")
