"""probe.wire.mtproto: a nonce that comes back, three ways of framing, and whatever else comes."""

import struct
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.core.failure import MalformedReplyError
from probe.wire.mtproto import (
    ERRORS,
    Answer,
    Obfuscated,
    Plain,
    fresh_nonce,
    pack,
    read_answer,
    request,
    unpack,
)

TRANSPORTS = ("abridged", "intermediate", "padded")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
# The example of core.telegram.org/mtproto/samples-auth_key ("Send (p,q) authorization", the
# server's response): a published exchange, octet by octet.
NONCE = bytes.fromhex("3E0549828CCA27E966B301A48FECE2FC")
PUBLISHED = bytes.fromhex(
    "0000000000000000"
    "01C8831EC97AE551"
    "40000000"
    "63241605"
    "3E0549828CCA27E966B301A48FECE2FC"
    "A5CF4D33F4A11EA877BA4AA573907330"
    "0817ED48941A08F981000000"
    "15C4B51C"
    "01000000"
    "216BE86C022BB4C3"
)
ERROR = struct.pack("<i", -404)


def message(body, key=0, length=None):
    told = len(body) if length is None else length
    return struct.pack("<qqI", key, 1, told) + body


def answer(pq=b"\x08" + bytes(8), tail=b"", constructor=0x05162463, nonce=NONCE):
    pq += bytes(-len(pq) % 4)
    return message(struct.pack("<I", constructor) + nonce + bytes(16) + pq + tail)


def test_the_question_is_an_unencrypted_message_whose_id_is_the_time():
    asked = request(NONCE, NOW)
    key, ident, length, constructor = struct.unpack_from("<qqII", asked)
    assert (key, length, constructor, asked[24:]) == (0, 20, 0xBE7E8EF1, NONCE)
    assert (ident >> 32, ident % 4) == (int(NOW.timestamp()), 0)
    assert len({fresh_nonce() for _ in range(50)}) == 50


def test_the_published_example_is_read():
    assert read_answer(PUBLISHED, NONCE) == Answer(keys=("c3b42b026ce86b21",))
    assert read_answer(PUBLISHED + bytes(15), NONCE) == Answer(keys=("c3b42b026ce86b21",))


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_a_transport_error_is_the_servers_own_word(code):
    assert read_answer(struct.pack("<i", -code), NONCE) == Answer(error=code)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (request(NONCE, NOW), "is of type 0xbe7e8ef1"),  # our own, sent back
        (struct.pack("<i", -405), "is too short"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(40), "no unencrypted message"),
        (message(bytes(36), key=7), "no unencrypted message"),
        (message(bytes(36), length=90), "no unencrypted message"),
        (answer(nonce=bytes(16)), "repeats another nonce"),
        (answer(pq=b""), "no number to factor"),
        (answer(pq=b"\xfe" + bytes(7)), "no number to factor"),
        (answer(), "is cut short"),
        (answer(tail=struct.pack("<II", 1, 0)), "no list of keys"),
        (answer(tail=struct.pack("<II", 0x1CB5C415, 2**32 - 1)), "no list of keys"),
    ],
)
def test_what_is_no_answer_is_told(data, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_answer(data, NONCE)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("length", [4, 84, 504, 508, 4080])
def test_each_transport_gives_back_what_was_put_in(transport, length):
    packed = pack(transport, bytes(length))
    assert unpack(transport, packed)[:length] == bytes(length)
    assert len(unpack(transport, packed)) - length < (16 if transport == "padded" else 1)
    assert all(unpack(transport, packed[:end]) is None for end in range(len(packed)))


@pytest.mark.parametrize(
    ("transport", "data"),
    [("abridged", b"\0"), ("abridged", b"\x7f\xff\xff\xff"), ("intermediate", b"HTTP")],
)
def test_a_length_that_no_answer_has_is_told_at_once(transport, data):
    with pytest.raises(MalformedReplyError, match="announces"):
        unpack(transport, data)


def test_the_opening_says_which_transport_follows():
    assert [Plain(transport).opening.hex() for transport in TRANSPORTS] == [
        "ef",
        "eeeeeeee",
        "dddddddd",
    ]
    assert Plain("padded").open(Plain("padded").seal(b"as it is")) == b"as it is"


@pytest.mark.parametrize(
    ("transport", "tag"), [("abridged", "ef"), ("intermediate", "ee"), ("padded", "dd")]
)
def test_the_keys_of_the_obfuscation_stand_in_its_opening(transport, tag):
    """As a server reads it, by "Transport obfuscation": the keys are in the clear octets, and
    decrypted under them the last eight name the transport."""
    ours = Obfuscated(transport)
    init = ours.opening
    theirs = Cipher(AES(init[8:40]), CTR(init[40:56])).decryptor()
    clear = theirs.update(init)
    assert (len(init), clear[56:60].hex()) == (64, tag * 4)
    assert theirs.update(ours.seal(b"a") + ours.seal(b" question")) == b"a question"
    back = init[8:56][::-1]
    sending = Cipher(AES(back[:32]), CTR(back[32:48])).encryptor()
    assert ours.open(sending.update(b"an ")) + ours.open(sending.update(b"answer")) == b"an answer"
    assert Obfuscated(transport).opening != init


def survives(data, nonce=NONCE):
    try:
        return read_answer(data, nonce)
    except MalformedReplyError:
        return None


def test_no_part_of_an_answer_passes_for_one():
    assert [end for end in range(len(PUBLISHED)) if survives(PUBLISHED[:end]) is not None] == []


@fuzzed
@given(st.data())
def test_flipped_bits_raise_nothing_else(draw):
    changed = bytearray(PUBLISHED)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(changed) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=200), st.sampled_from(TRANSPORTS))
def test_anything_at_all_raises_nothing_else(data, transport):
    survives(data)
    survives(message(data))
    survives(answer(tail=data))
    try:
        unpacked = unpack(transport, data)
    except MalformedReplyError:
        return
    assert unpacked is None or unpacked in data
