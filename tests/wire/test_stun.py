"""probe.wire.stun: a question of twenty octets, answers that repeat its id, and whatever else."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.core.failure import MalformedReplyError
from probe.wire.stun import REQUEST, Answer, fresh_id, read_answer, request

# RFC 5769 section 2.2 and 2.3: the transaction id of all test vectors, and two answers.
ID = bytes.fromhex("b7e7a701bc34d686fa87dfae")
IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112"
    "a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113"
    "a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)


def message(kind=0x0101, body=b"", ours=ID, length=None):
    told = len(body) if length is None else length
    return struct.pack(">HHI", kind, told, 0x2112A442) + ours + body


def attribute(name, value):
    return struct.pack(">HH", name, len(value)) + value + bytes(-len(value) % 4)


REFUSED = message(0x0111, attribute(0x0009, b"\0\0\4\1Unauthorized"))


def test_the_question_is_a_header():
    asked = request(ID)
    assert (len(asked), asked) == (REQUEST, bytes.fromhex("000100002112a442") + ID)
    assert len({fresh_id() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("data", "mapped"), [(IPV4, "192.0.2.1"), (IPV6, "2001:db8:1234:5678:11:2233:4455:6677")]
)
def test_the_examples_of_rfc_5769_are_read(data, mapped):
    assert read_answer(data, ID) == Answer(mapped, software="test vector")


def test_an_error_is_an_answer():
    assert read_answer(REFUSED, ID) == Answer(error=401)


def test_older_servers_say_the_address_in_clear():
    old = message(body=attribute(0x0001, b"\0\1\x12\x34\xc0\0\2\1"))
    assert read_answer(old, ID) == Answer("192.0.2.1")


def test_another_transaction_and_another_protocol_are_none_of_ours():
    assert read_answer(message(ours=bytes(12)), ID) is None
    assert read_answer(b"\x16\xfe\xfd" + bytes(60), ID) is None
    assert read_answer(IPV4[:19], ID) is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (request(ID), "is of type 0x0001"),  # our own, sent back
        (message(length=4), "says 4 octets and has 0"),
        (message(body=b"\0\0"), "says 2 octets"),
        (message(0x0111), "an error without its code"),
        (message(body=b"\0\x20\0\x08"), "longer than the message"),
        (message(body=attribute(0x0020, b"\0\3" + bytes(6))), "of no family"),
        (message(body=attribute(0x0020, b"\0\1")), "of no family"),
        (message(body=attribute(0x8000, b"") * 65), "more than 64 attributes"),
    ],
)
def test_what_bears_our_id_and_is_no_answer_is_told(data, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_answer(data, ID)


def survives(data):
    try:
        return read_answer(data, ID)
    except MalformedReplyError:
        return None


@pytest.mark.parametrize("data", [IPV4, IPV6, REFUSED])
def test_no_part_of_an_answer_passes_for_one(data):
    assert [end for end in range(len(data)) if survives(data[:end]) is not None] == []


@fuzzed
@given(st.sampled_from([IPV4, IPV6, REFUSED]), st.data())
def test_flipped_bits_raise_nothing_else(data, draw):
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=200))
def test_anything_at_all_raises_nothing_else(data):
    survives(data)
    survives(message(body=data))
    survives(message(0x0111, data))
