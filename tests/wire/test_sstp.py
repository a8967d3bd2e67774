"""probe.wire.sstp: how a call is asked for, what may come back, and whatever else may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled

from probe.core.failure import MalformedReplyError
from probe.wire import sstp
from probe.wire.sstp import Message, read_control, read_head

NONCE = bytes(range(32))


def control(kind, *attributes):
    """A packet with these (name, value) attributes, built without the codec."""
    body = b"".join(
        bytes([0, name]) + (4 + len(value)).to_bytes(2) + value for name, value in attributes
    )
    whole = kind.to_bytes(2) + len(attributes).to_bytes(2) + body
    return b"\x10\x01" + (4 + len(whole)).to_bytes(2) + whole


def ack(hashes=3):
    return control(2, (4, bytes([0, 0, 0, hashes]) + NONCE))


def status(number, name=1):
    return (2, bytes([0, 0, 0, name]) + number.to_bytes(4))


PACKETS = {
    "ack": (ack(), Message(2, ("sha1", "sha256"))),
    "ack with one hash": (ack(2), Message(2, ("sha256",))),
    "nak": (control(3, status(4)), Message(3, status="VALUE_NOT_SUPPORTED")),
    "nak with what was meant": (
        control(3, (2, bytes([0, 0, 0, 1, 0, 0, 0, 4, 0, 1]))),
        Message(3, status="VALUE_NOT_SUPPORTED"),
    ),
    "abort": (control(5), Message(5)),
    "abort, and why": (control(5, status(99)), Message(5, status="99")),
    "disconnect": (control(6, (0, b"")), Message(6)),
    "disconnect ack": (control(7), Message(7)),
    "echo": (control(8), Message(8)),
}


def read(packet):
    """A whole packet, as the check takes it from the stream."""
    is_control, rest = read_head(packet[:4])
    assert is_control
    assert rest == len(packet) - 4
    return read_control(packet[4:])


def test_the_question_is_the_one_of_the_specification():
    assert sstp.connect_request() == bytes.fromhex("1001000e 00010001 00010006 0001")
    assert sstp.disconnect() == bytes.fromhex("10010008 00060000")
    assert sstp.disconnect_ack() == bytes.fromhex("10010008 00070000")


def test_every_call_has_an_id_of_its_own():
    ids = {sstp.correlation() for _ in range(50)}
    assert len(ids) == 50
    assert all(len(one) == 38 and one[0] + one[-1] == "{}" for one in ids)


@pytest.mark.parametrize(("packet", "message"), PACKETS.values(), ids=PACKETS)
def test_every_kind_of_message_is_read(packet, message):
    assert read(packet) == message
    assert message.name == sstp.MESSAGES[message.kind]


def test_the_tunnels_data_is_no_message_and_reserved_bits_count_for_nothing():
    assert read_head(b"\x10\x00\x00\x08") == (False, 4)
    assert read_head(b"\x10\xfe\xf0\x08") == (False, 4)


def test_our_own_packets_are_read_as_they_were_written():
    assert read(sstp.disconnect()) == Message(6)
    assert read(sstp.disconnect_ack()) == Message(7)


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (sstp.connect_request(), "is a request"),
        (control(10), "is of type 10"),
        (control(2), "an acknowledgement without its nonce"),
        (ack(0), "an acknowledgement without its nonce"),
        (control(2, (4, bytes(35))), "a nonce of another length"),
        (control(5, (2, bytes(7))), "a status is cut short"),
        (control(5)[:-1] + b"\x01", "an attribute is cut short"),
        (control(5)[:-1] + b"\xff", "says that it has 255 attributes"),
        (control(5, (1, b"ab"))[:-3] + b"\x09ab", "longer than the message"),
        (control(5, (1, b"ab"))[:-3] + b"\x03ab", "longer than the message"),
        (b"\x10\x01\x00\x09\x00\x05\x00\x00x", "more follows than was said"),
        (b"\x10\x01\x00\x06\x00\x05", "a message is cut short"),
        (b"\x11\x01\x00\x08\x00\x05\x00\x00", "is of version 1.1"),
        (b"\x10\x01\x00\x03", "a packet of 3 octets"),
    ],
)
def test_what_no_server_sends_is_told(packet, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_control(packet[4:][: read_head(packet[:4])[1]])


@pytest.mark.parametrize("packet", [packet for packet, _ in PACKETS.values()], ids=PACKETS)
def test_no_part_of_a_message_passes_for_one(packet):
    for end in range(4):
        with pytest.raises(MalformedReplyError):
            read_head(packet[:end])
    for end in range(len(packet) - 4):
        with pytest.raises(MalformedReplyError):
            read_control(packet[4:][:end])


def survives(data):
    try:
        _, rest = read_head(data[:4])
        assert 0 <= rest < 4092
        assert isinstance(read_control(data[4 : 4 + rest]), Message)
    except MalformedReplyError as exc:
        assert exc.protocol == "sstp"


@pytest.mark.parametrize("packet", [packet for packet, _ in PACKETS.values()])
def test_every_flipped_bit_raises_nothing_else(packet):
    for bit in range(8 * len(packet)):
        changed = bytearray(packet)
        changed[bit // 8] ^= 1 << bit % 8
        survives(bytes(changed))


@sampled
@given(st.sampled_from([packet for packet, _ in PACKETS.values()]), st.data())
def test_several_flipped_bits_raise_nothing_else(packet, draw):
    changed = bytearray(packet)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(packet) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=300))
def test_anything_at_all_raises_nothing_else(data):
    survives(data)
    survives(b"\x10\x01" + (4 + len(data)).to_bytes(2) + data)
    survives(b"\x10\x01" + (8 + len(data)).to_bytes(2) + b"\x00\x02\x00\x01" + data)
