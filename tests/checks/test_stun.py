"""probe.checks.stun: the answer counts, and the address in it is hidden."""

import errno

from support.kits import run_check

from probe.checks import Imitable
from probe.checks.stun import StunCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, os_error

AT = Endpoint("192.0.2.8", 3478)
CHECK = StunCheck(host=AT.ip, port=AT.port)
OURS = "203.0.113.77"


def run(serve):
    return run_check(CHECK, FakeNetwork(udp={AT: serve}))


def answer(data, software=b"of 203.0.113.77"):
    """A success: our address XORed with the magic number, and the server's own words."""
    xored = bytes(a ^ b for a, b in zip(bytes((203, 0, 113, 77)), data[4:8], strict=True))
    mapped = b"\0\x20\0\x08\0\x01\0\0" + xored
    words = b"\x80\x22" + len(software).to_bytes(2) + software + bytes(-len(software) % 4)
    return b"\x01\x01" + len(mapped + words).to_bytes(2) + data[4:20] + mapped + words


async def server(peer):
    while data := await peer.receive():
        peer.send(answer(data))


def test_an_answer_tells_our_address_which_is_learnt_and_not_shown():
    done = run(server)
    step = done.only("stun_binding")
    assert (step.failure, step.detail["mapped"]) == (None, True)
    assert done.kit.trace.scrubber.owns(OURS)
    assert OURS not in str(step.detail)
    assert step.detail["software"] == "of [scrubbed]"


def test_an_answer_to_an_earlier_packet_counts_and_one_to_nobody_does_not():
    async def slow(peer):
        first = await peer.receive()
        second = await peer.receive()
        assert first[8:] != second[8:]
        peer.send(answer(b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12)))
        peer.send(answer(first))

    step = run(slow).only("stun_binding")
    assert (step.failure, step.detail["strays"]) == (None, 1)


def test_an_error_is_an_answer_too():
    async def refusing(peer):
        data = await peer.receive()
        peer.send(b"\x01\x11\0\x08" + data[4:20] + b"\0\x09\0\x04\0\0\4\1")

    step = run(refusing).only("stun_binding")
    assert (step.failure, step.detail["error_code"], step.detail["mapped"]) == (None, 401, False)


def test_a_closed_port_and_silence_are_told_apart():
    async def closed(peer):
        await peer.receive()
        peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))

    async def silent(peer):
        while await peer.receive():
            pass

    assert run(closed).only("stun_binding").failure == "connection_refused"
    assert run(silent).only("stun_binding").failure == "generic_timeout_error"


def test_its_packet_is_the_same_for_everybody_but_for_its_id():
    assert isinstance(CHECK, Imitable)
    packet = CHECK.first_packet()
    assert (packet.transport, packet.payload[:8].hex()) == ("udp", "000100002112a442")
    assert [sending.what for sending in CHECK.sends()] == ["STUN Binding request"]
