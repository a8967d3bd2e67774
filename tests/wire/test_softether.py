"""probe.wire.softether: which packs greet, and whatever else may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from wire.softether_packs import GREETING, data, long, number, pack, text

from probe.core.failure import MalformedReplyError
from probe.wire.softether import LARGEST, Answer, read_answer

RANDOM = data(bytes(20))
HELLO = text(b"hi")
ANSWERS = {
    "greeting": (GREETING, Answer("SoftEther VPN Server (64 bit)", 501, 9674)),
    "short": (pack(hello=HELLO, random=RANDOM), Answer("hi")),
    "capitals": (pack(Hello=HELLO, RANDOM=RANDOM), Answer("hi")),
    "other types": (pack(hello=HELLO, random=RANDOM, time=long(7), name=(3, text(b"\xc3\xa9")[1])),
                    Answer("hi")),
    "long": (pack(hello=text(b"x" * 500), random=RANDOM), Answer("x" * 100)),
    "no text": (pack(hello=text(b"\xff"), random=RANDOM), Answer("\ufffd")),
    "error": (pack(error=number(5)), Answer(error=5)),
    "no error": (pack(error=number(0), hello=HELLO, random=RANDOM), Answer("hi")),
    "several values": (
        (3).to_bytes(4) + pack(hello=HELLO, random=RANDOM)[4:]
        + (6).to_bytes(4) + b"build" + bytes(4) + (2).to_bytes(4) + bytes([0, 0, 0, 7, 0, 0, 0, 8]),
        Answer("hi", 0, 7),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_every_kind_of_answer_is_read(body, answer):
    assert read_answer(body) == answer


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "is cut short"),
        (b"<html>", "says that it has 1013478509 elements"),
        (bytes(4), "a pack that greets nobody"),
        (pack(random=RANDOM), "a pack that greets nobody"),
        (pack(hello=number(1), random=RANDOM), "a pack that greets nobody"),
        (pack(hello=text(b""), random=RANDOM), "a pack that greets nobody"),
        (pack(hello=HELLO), "a greeting without its random octets"),
        (pack(hello=HELLO, random=data(bytes(19))), "a greeting without its random octets"),
        (pack(hello=HELLO, random=RANDOM, build=text(b"7")), "build is no number"),
        (pack(error=text(b"7")), "error is no number"),
        (GREETING + b"x", "more follows than was said"),
        (pack(hello=(5, b"")), "an element of type 5"),
        (pack(**{"x" * 64: HELLO}), "a name of 64 octets"),
        ((1).to_bytes(4) + bytes(4), "a name of -1 octets"),
        ((1).to_bytes(4) + (2).to_bytes(4) + b"x" + bytes(4) + b"\xff" * 4, "4294967295 values"),
        (pack(hello=(2, b"\xff" * 4)), "is cut short"),
        (bytes(LARGEST + 1), "is longer than"),
    ],
)
def test_what_no_server_sends_is_told(body, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_answer(body)


@pytest.mark.parametrize("body", [body for body, _ in ANSWERS.values()], ids=ANSWERS)
def test_no_part_of_an_answer_passes_for_one(body):
    for end in range(len(body)):
        with pytest.raises(MalformedReplyError):
            read_answer(body[:end])


def survives(body):
    try:
        assert isinstance(read_answer(body), Answer)
    except MalformedReplyError as exc:
        assert exc.protocol == "softether"


@pytest.mark.parametrize("body", [body for body, _ in ANSWERS.values()])
def test_every_flipped_bit_raises_nothing_else(body):
    for bit in range(8 * len(body)):
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << bit % 8
        survives(bytes(changed))


@sampled
@given(st.sampled_from([body for body, _ in ANSWERS.values()]), st.data())
def test_several_flipped_bits_raise_nothing_else(body, draw):
    changed = bytearray(body)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(body) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=300), st.integers(0, 70), st.integers(0, 6))
def test_anything_at_all_raises_nothing_else(body, count, kind):
    survives(body)
    survives(count.to_bytes(4) + body)
    survives(count.to_bytes(4) + GREETING[4:] + body)
    survives((1).to_bytes(4) + (6).to_bytes(4) + b"hello" + kind.to_bytes(4) + body)
