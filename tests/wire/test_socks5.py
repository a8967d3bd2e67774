"""probe.wire.socks5: a few octets there, a few back, and whatever else may come."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled

from probe.core.failure import MalformedReplyError
from probe.wire import socks5

READERS = (socks5.read_method, socks5.read_login, socks5.read_reply)


def test_a_password_is_offered_only_where_there_is_one():
    assert socks5.greeting(password=False) == b"\5\1\0"
    assert socks5.greeting(password=True) == b"\5\2\0\2"


def test_the_examples_of_the_rfcs():
    assert socks5.login("me", "secret") == b"\1\2me\6secret"
    assert socks5.connect("192.0.2.1", 443) == b"\5\1\0\1\xc0\0\2\1\1\xbb"
    assert socks5.connect("2001:db8::1", 1) == b"\5\1\0\4\x20\1\x0d\xb8" + bytes(11) + b"\1\0\1"
    assert socks5.connect("a.example", 80) == b"\5\1\0\3\x09a.example\0\x50"


@pytest.mark.parametrize(
    ("user", "word"), [("", "x"), ("x", ""), ("x" * 256, "y"), ("x", "ü" * 128)]
)
def test_what_does_not_fit_is_our_error(user, word):
    with pytest.raises(ValueError, match="1 to 255 bytes"):
        socks5.login(user, word)


def test_answers_are_read():
    assert socks5.read_method(b"\5\xff") == socks5.NONE_ACCEPTABLE
    assert (socks5.read_login(b"\1\0"), socks5.read_login(b"\1\1")) == (True, False)
    assert socks5.read_reply(b"\5\0\0\1\x7f") == socks5.Reply(0, 5)
    assert socks5.read_reply(b"\5\4\0\4\0") == socks5.Reply(4, 17)
    assert socks5.read_reply(b"\5\2\0\3\x09").rest == 11
    assert socks5.read_reply(b"\5\5\0\1\0").text == "connection refused"
    assert socks5.Reply(99, 0).text == "code 99"


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "data", [b"", b"\5", b"HTTP/1.1 400", b"\4\0", b"\5\0\1\1\0", b"\5\0\0\2\0"]
)
def test_anything_else_is_no_socks(read, data):
    try:
        read(data)
    except MalformedReplyError:
        return
    assert data[0] == 5


@pytest.mark.parametrize(
    ("read", "whole"),
    [
        (socks5.read_method, b"\5\2"),
        (socks5.read_login, b"\1\0"),
        (socks5.read_reply, b"\5\0\0\1\x7f"),
        (socks5.read_reply, b"\5\0\0\3\x09"),
    ],
)
def test_no_part_of_an_answer_passes_for_one_and_a_flipped_bit_raises_nothing_else(read, whole):
    read(whole)
    for end in range(len(whole)):
        with pytest.raises(MalformedReplyError):
            read(whole[:end])
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        with contextlib.suppress(MalformedReplyError):
            read(bytes(changed))


@fuzzed
@given(st.binary(max_size=8), st.sampled_from(READERS))
def test_anything_at_all_raises_nothing_else(data, read):
    for end in range(len(data) + 1):
        with contextlib.suppress(MalformedReplyError):
            read(data[:end])


@sampled
@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_a_login_can_be_read_again(user, word):
    data = socks5.login(user, word)
    size = data[1]
    assert data[2 : 2 + size].decode() == user
    assert data[3 + size :].decode() == word
