"""probe.wire.shadowsocks: what is sealed is opened by the same password, and by nothing else."""

import hmac
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from wire.ss_server import answer, datagram, received

from probe.core.failure import MalformedReplyError
from probe.wire.shadowsocks import (
    LARGEST,
    METHODS,
    TAG,
    Client,
    key_of,
    open_datagram,
    seal_datagram,
    subkey_of,
)
from probe.wire.socks5 import place

WORD = b"of the tests"
KEYS = {method: key_of(WORD, method) for method in METHODS}
KEY = KEYS["aes-256-gcm"]
FIRST = "aes-256-gcm"
AT = ("shop.example", 443)
each_method = pytest.mark.parametrize("method", METHODS)


def test_a_password_gives_the_key_that_other_programs_make_of_it() -> None:
    # shadowsocks-go, encrypt_test.go, TestEvpBytesToKey
    told = "3858f62230ac3c915f300c664312c63f568378529614d22ddb49237d2f60bfdf"
    assert key_of(b"foobar", "aes-256-gcm").hex() == told
    assert key_of(b"foobar", "aes-128-gcm").hex() == told[:32]


def test_the_key_of_a_direction_is_hkdf_as_the_rfc_computes_it() -> None:
    """By hand (RFC 5869, section 2): extract, then as many blocks as are needed."""
    salt = bytes(range(32))
    prk = hmac.digest(salt, KEY, "sha1")
    one = hmac.digest(prk, b"ss-subkey\1", "sha1")
    two = hmac.digest(prk, one + b"ss-subkey\2", "sha1")
    assert subkey_of(KEY, salt) == (one + two)[:32]


@each_method
def test_a_request_names_its_place_and_its_data_and_is_new_each_time(method: str) -> None:
    key = KEYS[method]
    sent = [Client(method, key).request(*AT, b"hello") for _ in range(2)]
    for data in sent:
        assert received(method, key, data) == place(*AT) + b"hello"
        assert len(data) == len(key) + 2 + TAG + len(place(*AT)) + 5 + TAG
    assert sent[0][: len(key)] != sent[1][: len(key)]
    with pytest.raises(ValueError, match="at most"):
        Client(method, key).request(*AT, bytes(LARGEST))


@each_method
def test_an_answer_is_opened_however_it_is_cut(method: str) -> None:
    key = KEYS[method]
    whole = answer(method, key, b"HTTP/1.1 200 OK\r\n\r\n", b"and", b"x" * LARGEST)
    for size in (1, 7, 50, len(whole)):
        client = Client(method, key)
        pieces = [client.feed(whole[at : at + size]) for at in range(0, len(whole), size)]
        assert b"".join(pieces) == b"HTTP/1.1 200 OK\r\n\r\nand" + b"x" * LARGEST


def test_every_truncation_gives_less_and_raises_nothing() -> None:
    whole = answer(FIRST, KEY, b"one", b"two")
    for end in range(len(whole)):
        assert Client(FIRST, KEY).feed(whole[:end]) in {b"", b"one"}


@pytest.mark.parametrize(
    ("method", "key"), [(FIRST, key_of(b"another", FIRST)), ("chacha20-ietf-poly1305", KEY)]
)
def test_another_password_or_method_opens_nothing(method: str, key: bytes) -> None:
    with pytest.raises(MalformedReplyError, match="nothing that this key opens"):
        Client(method, key).feed(answer(FIRST, KEY, b"one"))
    with pytest.raises(MalformedReplyError, match="nothing that this key opens"):
        open_datagram(method, key, seal_datagram(FIRST, KEY, *AT, b"one"))


def test_our_own_bytes_are_no_answer() -> None:
    client = Client(FIRST, KEY)
    with pytest.raises(MalformedReplyError, match="our own"):
        client.feed(client.request(*AT, b"hello"))


@pytest.mark.parametrize("length", [0, LARGEST + 1, 0xFFFF])
def test_a_chunk_of_an_impossible_length_is_none(length: int) -> None:
    with pytest.raises(MalformedReplyError, match=f"a chunk of {length} bytes"):
        Client(FIRST, KEY).feed(answer(FIRST, KEY, b"one", length=length))


@each_method
@pytest.mark.parametrize("host", ["shop.example", "192.0.2.1", "2001:db8::1"])
def test_a_datagram_comes_back_from_any_kind_of_place(method: str, host: str) -> None:
    data = seal_datagram(method, KEYS[method], host, 53, b"answer")
    assert open_datagram(method, KEYS[method], data) == b"answer"


def test_no_part_of_a_datagram_passes_for_one() -> None:
    whole = seal_datagram(FIRST, KEY, *AT, b"answer")
    for end in range(len(whole)):
        with pytest.raises(MalformedReplyError):
            open_datagram(FIRST, KEY, whole[:end])


@pytest.mark.parametrize("plain", [b"", b"\1\2\3", b"\3", b"\3\x09name\0\1", b"\7" + bytes(30)])
def test_a_datagram_from_no_place_is_none(plain: bytes) -> None:
    with pytest.raises(MalformedReplyError, match="from no place"):
        open_datagram(FIRST, KEY, datagram(FIRST, KEY, plain))


@sampled
@given(st.binary(max_size=LARGEST), st.sampled_from(sorted(METHODS)), st.integers(1, 65535))
def test_what_is_sent_is_what_is_received(data: bytes, method: str, port: int) -> None:
    data = data[: LARGEST - 20]
    sent = Client(method, KEYS[method]).request("a.example", port, data)
    assert received(method, KEYS[method], sent) == place("a.example", port) + data
    assert struct.unpack(">H", place("a.example", port)[-2:]) == (port,)


WHOLE = answer(FIRST, KEY, b"one", b"two")
DATAGRAM = seal_datagram(FIRST, KEY, *AT, b"answer")


@fuzzed
@given(st.integers(0, len(WHOLE) * 8 - 1), st.integers(0, len(DATAGRAM) * 8 - 1))
def test_no_bit_can_be_flipped(at: int, of_datagram: int) -> None:
    with pytest.raises(MalformedReplyError):
        open_datagram(FIRST, KEY, flipped(DATAGRAM, of_datagram))
    with pytest.raises(MalformedReplyError):
        assert Client(FIRST, KEY).feed(flipped(WHOLE, at)) == b"one"


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


@fuzzed
@given(st.lists(st.binary(max_size=100), max_size=5), st.integers(0, 32 + 2 + TAG))
def test_anything_at_all_raises_nothing_else(pieces: list[bytes], right: int) -> None:
    client = Client(FIRST, KEY)
    try:
        for piece in [WHOLE[:right], *pieces]:
            assert client.feed(piece) == b""
    except MalformedReplyError:
        pass
    with pytest.raises(MalformedReplyError):
        open_datagram(FIRST, KEY, b"".join(pieces))
