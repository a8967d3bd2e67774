"""probe.wire.ikev2: what a daemon is asked, what it may answer, and whatever else may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed
from wire import ike_messages
from wire.ike_messages import SPI, THEIRS, message, notify

from probe.core.failure import MalformedReplyError
from probe.wire.ikev2 import (
    GROUPS,
    MARKER,
    Answer,
    Hello,
    fresh_spi,
    main_mode,
    read_answer,
    version_probe,
)

AGREED = ike_messages.AGREED(SPI)
ANSWERS = {
    "agreed": (AGREED, Answer(2, 34, agreed=True)),
    "no proposal": (message((41, notify(14))), Answer(2, 34, ("NO_PROPOSAL_CHOSEN",))),
    "other group": (
        message((41, notify(17, b"\x00\x1f"))),
        Answer(2, 34, ("INVALID_KE_PAYLOAD",), group=31),
    ),
    "cookie": (message((41, notify(16390, b"ck"))), Answer(2, 34, ("COOKIE",), cookie=b"ck")),
    "version": (message((41, notify(5)), spr=bytes(8)), Answer(2, 34, ("INVALID_MAJOR_VERSION",))),
    "unknown": (message((41, notify(40001))), Answer(2, 34, ("40001",))),
    "nothing in it": (message(), Answer(2, 34)),
    "version 1": (message((1, bytes(48)), version=0x10, exchange=2, flags=0),
                  Answer(1, 2, agreed=True)),
    "version 1 refuses": (
        message((11, notify(14, at=b"\x00\x00\x00\x01")), version=0x10, exchange=5, flags=0),
        Answer(1, 5, ("NO_PROPOSAL_CHOSEN",)),
    ),
}  # fmt: skip


def test_the_light_question_is_a_header_of_a_version_that_nobody_speaks():
    asked = version_probe(SPI)
    assert asked == SPI + bytes(8) + bytes([0, 0x30, 34, 8]) + bytes(4) + (28).to_bytes(4)


@pytest.mark.parametrize(
    ("group", "length", "number"), [("modp2048", 376, 14), ("x25519", 152, 31)]
)
def test_the_usual_question_has_the_length_that_real_ones_have(group, length, number):
    hello = Hello(group)
    asked = hello.to_wire()
    assert (len(asked), len(hello.public)) == (length, GROUPS[group][1])
    assert asked[:8] == hello.spi
    assert number.to_bytes(2) + bytes(2) + hello.public in asked
    assert asked.endswith(hello.nonce)


def test_with_a_cookie_the_same_question_is_asked_again():
    hello = Hello("x25519")
    plain, again = hello.to_wire(), hello.to_wire(b"cookie!!")
    assert len(again) == len(plain) + 16
    assert again[28:44] == bytes([33, 0, 0, 16, 0, 0]) + (16390).to_bytes(2) + b"cookie!!"
    assert again[44:] == plain[28:]


def test_version_1_has_its_own_question():
    asked = main_mode(SPI)
    assert (len(asked), asked[17:20]) == (84, bytes([0x10, 2, 0]))


def test_every_question_is_new():
    assert len({Hello().to_wire() for _ in range(50)}) == 50
    assert len({fresh_spi() for _ in range(50)}) == 50
    assert all(Hello().public[0] < 0x80 for _ in range(50))


@pytest.mark.parametrize(("data", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_every_kind_of_answer_is_read(data, answer):
    assert read_answer(data, SPI) == answer


def test_what_bears_another_spi_is_no_answer_of_ours():
    assert read_answer(AGREED, THEIRS) is None
    assert read_answer(b"", SPI) is None
    assert read_answer(MARKER + AGREED, SPI) is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (message(flags=0x08), "is a request"),  # our own, sent back
        (message(version=0x40), "is of version 4"),
        (message((1, bytes(48)), spr=bytes(8), version=0x10, exchange=2), "no responder's cookie"),
        (AGREED + b"x", "says"),
        (message((41, b"\x00"))[:-1] + b"", "says"),
        (message((41, b"\x00\x00")), "a notification is cut short"),
        (message(*[(43, b"")] * 40), "more than 32 payloads"),
        (message()[:16] + b"\x29" + message()[17:], "a payload is cut short"),
    ],
)  # fmt: skip
def test_what_bears_our_spi_and_is_no_answer_is_told(data, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_answer(data, SPI)


@pytest.mark.parametrize("data", [data for data, _ in ANSWERS.values()], ids=ANSWERS)
def test_no_part_of_an_answer_passes_for_one(data):
    for end in range(len(data)):
        try:
            assert read_answer(data[:end], SPI) is None
        except MalformedReplyError:
            assert end >= 28


def survives(data):
    try:
        answer = read_answer(data, SPI)
    except MalformedReplyError:
        return
    assert answer is None or data.startswith(SPI)


@fuzzed
@given(st.sampled_from([data for data, _ in ANSWERS.values()]), st.data())
def test_flipped_bits_raise_nothing_else(data, draw):
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(8, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=600))
def test_anything_at_all_raises_nothing_else(data):
    survives(data)
    survives(SPI + data)
    survives(
        SPI + THEIRS + bytes([41, 0x20, 34, 0x20]) + bytes(4) + (28 + len(data)).to_bytes(4) + data
    )
