"""probe.wire.l2tp: how a tunnel is asked for, what may come back, and whatever else may come."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from wire.l2tp_messages import NUMBER, SCCRP, STOPPED, avp, message

from probe.core.failure import MalformedReplyError
from probe.wire.l2tp import MESSAGES, Answer, Tunnel, fresh_number, read_answer

ANSWERS = {
    "granted": (SCCRP, Answer(2, 1, 0x2BD4, "gate", "maker")),
    "with a challenge": (
        message(avp(0, b"\0\2"), avp(9, b"\0\7"), avp(11, b"who are you?")),
        Answer(2, 1, 7, challenge=True),
    ),
    "what a vendor added, and what is hidden": (
        message(avp(0, b"\0\2"), avp(9, b"\0\7"),
                avp(7, b"x", vendor=9), avp(8, b"x", hidden=True)),
        Answer(2, 1, 7),
    ),
    "what stands twice": (
        message(avp(0, b"\0\2"), avp(9, b"\0\7"), avp(9, b"\0\x08")), Answer(2, 1, 7),
    ),
    "refused": (STOPPED, Answer(4, 1, 7, result=2, error=4)),
    "refused shortly": (message(avp(0, b"\0\4"), avp(1, b"\0\1")), Answer(4, 1, result=1)),
    "acknowledged": (message(), Answer(0, 1)),
    "acknowledged twice": (message(acknowledges=2), Answer(0, 2)),
    "are you there": (message(avp(0, b"\0\6")), Answer(6, 1)),
}  # fmt: skip


def asked(data):
    """Its attributes, read without the codec."""
    found, at = [], 12
    while at < len(data):
        head, vendor, name = struct.unpack_from(">HHH", data, at)
        assert (head & 0xFC00, vendor) == (0x8000, 0)
        found.append((name, data[at + 6 : at + (head & 0x3FF)]))
        at += head & 0x3FF
    return found


def test_a_tunnel_is_asked_for_under_number_0():
    data = Tunnel(0x1234).request()
    assert data[:12] == bytes.fromhex("c802 004f 0000 0000 0000 0000")
    assert asked(data) == [
        (0, b"\0\1"), (2, b"\1\0"), (3, b"\0\0\0\3"), (4, b"\0\0\0\0"),
        (7, b"anonymous"), (9, b"\x12\x34"), (10, b"\0\4"),
    ]  # fmt: skip
    assert Tunnel(0x1234).request() == data


def test_it_is_given_up_under_the_servers_number():
    data = Tunnel(0x1234).stop(0x2BD4)
    assert data[:12] == bytes.fromhex("c802 0024 2bd4 0000 0001 0001")
    assert asked(data) == [(0, b"\0\4"), (1, b"\0\1"), (9, b"\x12\x34")]


def test_every_tunnel_has_another_number_and_none_is_zero():
    numbers = [fresh_number() for _ in range(2000)]
    assert len(set(numbers)) > 1800
    assert all(0 < number < 65536 for number in numbers)


@pytest.mark.parametrize(("data", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_every_kind_of_answer_is_read(data, answer):
    assert read_answer(data, NUMBER) == answer
    assert answer.name == MESSAGES[answer.kind]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SCCRP[:11],
        Tunnel(NUMBER).request(),  # our own, sent back
        message(avp(0, b"\0\2"), tunnel=NUMBER ^ 1),
        message(acknowledges=0),
        message(session=1),
        b"\x48\x02" + message()[2:],  # data
        b"\xc8\x03" + message()[2:],  # version 3
        b"garbage, and more of it",
    ],
)
def test_what_is_bound_to_none_of_ours_is_no_answer(data):
    assert read_answer(data, NUMBER) is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (SCCRP + b"x", "says 83 octets and has 84"),
        (message(avp(0, b"\0\1"), avp(9, b"\0\7")), "is of type 1"),
        (message(avp(0, b"\0\x09")), "is of type 9"),
        (message(avp(0, b"\0\0")), "is of type 0"),
        (message(avp(0, b"\0")), "attribute 0 has 1 octets"),
        (message(avp(9, b"\0\7")), "attribute 0 has 0 octets"),
        (message(avp(0, b"\0\2")), "a tunnel without its number"),
        (message(avp(0, b"\0\2"), avp(9, b"\0\0")), "a tunnel without its number"),
        (message(avp(0, b"\0\2"), avp(9, b"\0\0\7")), "attribute 9 has 3 octets"),
        (message(b"\x80\x08\0"), "an attribute is cut short"),
        (message(b"\x80\x09\0\0\0\0\0\2"), "longer than the message"),
        (message(b"\x80\x05\0\0\0\0\0\2"), "longer than the message"),
        (message(*[avp(5, b"")] * 65), "more than 64 attributes"),
    ],
)
def test_what_bears_our_number_and_is_no_answer_is_told(data, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_answer(data, NUMBER)


@pytest.mark.parametrize("data", [data for data, _ in ANSWERS.values()], ids=ANSWERS)
def test_no_part_of_an_answer_passes_for_one(data):
    for end in range(len(data)):
        try:
            assert read_answer(data[:end], NUMBER) is None
        except MalformedReplyError:
            assert end >= 12


def survives(data):
    try:
        answer = read_answer(data, NUMBER)
    except MalformedReplyError as exc:
        assert exc.protocol == "l2tp"
        return
    assert answer is None or data[4:6] == NUMBER.to_bytes(2)


@pytest.mark.parametrize("data", [data for data, _ in ANSWERS.values()])
def test_every_flipped_bit_raises_nothing_else(data):
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        survives(bytes(changed))


@sampled
@given(st.sampled_from([data for data, _ in ANSWERS.values()]), st.data())
def test_several_flipped_bits_raise_nothing_else(data, draw):
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=300))
def test_anything_at_all_raises_nothing_else(data):
    survives(data)
    survives(message(data))
    survives(message(avp(0, b"\0\2"), data))
