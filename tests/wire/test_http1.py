"""probe.wire.http1: one exchange, bounded at every point, however the bytes come."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.core.failure import EndOfStreamError, NamedFailure
from probe.wire.http1 import MAX_HEAD, MAX_HEADER_VALUE, Exchange, Head, decode_body

HOST = [("Host", "a.example")]

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"
)
CLOSED = b"HTTP/1.0 200 OK\r\n\r\nhello"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + PLAIN
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def sent() -> Exchange:
    exchange = Exchange()
    exchange.request("GET", "/", HOST, b"")
    return exchange


def run(pieces: list[bytes], *, closed: bool = True) -> tuple[Head, bytes]:
    """Feed pieces as the probe does; EOFError if the response is still incomplete at the end."""
    exchange, waiting, arrived = sent(), [*pieces, b""] if closed else list(pieces), 0

    def feed() -> None:
        nonlocal arrived
        if not waiting:
            raise EOFError
        piece = waiting.pop(0)
        arrived += len(piece)
        exchange.feed(piece)

    head = None
    while head is None:
        feed()
        head = exchange.head(arrived)
    body = b""
    while (piece := exchange.body()) is not None:
        if not piece:
            feed()
        body += piece
    return head, body


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED, CLOSED, EARLY, EMPTY])
def test_a_response_reads_the_same_in_one_piece_and_byte_by_byte(raw: bytes) -> None:
    head, body = run([raw])
    assert (head, body) == run([raw[at : at + 1] for at in range(len(raw))])
    assert body == (b"" if raw is EMPTY else b"hello")
    assert head.status == (204 if raw is EMPTY else 200)


def test_headers_keep_their_order_and_are_found_in_any_case() -> None:
    head, _ = run([PLAIN])
    assert head.headers == (("content-length", "5"), ("x-a", "1"), ("x-a", "2"))
    assert (head.get("X-A"), head.get("none")) == ("1", None)


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED, EARLY, EMPTY])
def test_every_truncation_is_an_early_close(raw: bytes) -> None:
    for length in range(1, len(raw)):
        with pytest.raises(EndOfStreamError):
            run([raw[:length]])
        with pytest.raises(EOFError):  # while the line is open, more may come
            run([raw[:length]], closed=False)


def test_a_close_ends_a_body_without_a_length() -> None:
    assert run([CLOSED])[1] == b"hello"
    with pytest.raises(EOFError):
        run([CLOSED], closed=False)


@pytest.mark.parametrize(
    "raw",
    [
        b"220 mail.example ESMTP\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00",
        b"<html>",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 99 + b"5\r\n",
    ],
)
def test_what_is_no_http_has_its_own_failure(raw: bytes) -> None:
    for pieces in ([raw], [raw[at : at + 1] for at in range(len(raw))]):
        with pytest.raises(NamedFailure) as caught:
            run(pieces, closed=False)
        assert caught.value.name == "http_request_failed"


@pytest.mark.parametrize(
    "endless",
    [
        b"X-A: " + b"a" * 1000 + b"\r\n",
        b"a" * 1000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 40,
    ],
    ids=["headers", "one line", "informational"],
)
def test_a_head_without_end_is_cut_off(endless: bytes) -> None:
    first = b"" if endless.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n"
    pieces = [first + endless, *[endless] * (2 * MAX_HEAD // len(endless))]
    with pytest.raises(NamedFailure) as caught:
        run(pieces, closed=False)
    assert caught.value.name == "http_request_failed"


def test_a_head_just_below_the_limit_is_read() -> None:
    filler = b"X-A: " + b"a" * (MAX_HEAD - 1000) + b"\r\n"
    head, body = run([b"HTTP/1.1 200 OK\r\n" + filler + b"Content-Length: 2\r\n\r\nok"])
    assert body == b"ok"
    (_, kept), *_ = head.detail()["headers"]
    assert len(kept) == MAX_HEADER_VALUE


def test_switching_protocols_unasked_is_no_answer() -> None:
    with pytest.raises((NamedFailure, EndOfStreamError)):
        run([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"])


def test_a_request_is_one_block_of_bytes_with_its_body() -> None:
    data = Exchange().request("POST", "/dns-query?a=1", HOST, b"\x00\xff")
    assert data.startswith(b"POST /dns-query?a=1 HTTP/1.1\r\nHost: a.example\r\n")
    assert data.endswith(b"Content-Length: 2\r\n\r\n\x00\xff")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ b", HOST),
        ("/\r\nX: y", HOST),
        ("/ä", HOST),
        ("/", [("Host", "a\r\nX: y")]),
        ("/", [*HOST, ("bad name", "x")]),
        ("/", [*HOST, ("X-A", "\u20ac")]),
    ],
)
def test_a_request_that_would_smuggle_something_is_refused(path: str, headers: list) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        Exchange().request("GET", path, headers, b"")


@fuzzed
@given(st.lists(st.binary(max_size=80), max_size=8), st.booleans())
def test_arbitrary_bytes_end_in_a_response_or_a_named_failure(
    pieces: list[bytes], closed: bool
) -> None:
    for begun in ([], [b"HTTP/1.1 200 OK\r\n"], [CHUNKED[:52]]):
        try:
            run([*begun, *pieces], closed=closed)
        except (NamedFailure, EndOfStreamError, EOFError):
            continue


@fuzzed
@given(st.sampled_from([PLAIN, CHUNKED, EARLY]), st.data())
def test_flipped_bits_in_a_response_are_survived(raw: bytes, data: st.DataObject) -> None:
    broken = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        run([bytes(broken)])
    except (NamedFailure, EndOfStreamError):
        return


TEXT = b"a page that repeats itself, " * 100


def deflated(data: bytes, window: int) -> bytes:
    packer = zlib.compressobj(wbits=window)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        (" X-GZIP ", gzip.compress(TEXT, mtime=0)),
        ("deflate", deflated(TEXT, zlib.MAX_WBITS)),
        ("deflate", deflated(TEXT, -zlib.MAX_WBITS)),
        ("identity", TEXT),
        (None, TEXT),
        ("br", TEXT),
    ],
)
def test_a_body_is_decoded_up_to_the_limit(encoding: str | None, raw: bytes) -> None:
    assert decode_body(raw, encoding, 10_000) == TEXT
    assert decode_body(raw, encoding, 10) == TEXT[:10]


def test_a_cut_off_body_is_decoded_as_far_as_it_goes() -> None:
    half = decode_body(gzip.compress(TEXT, mtime=0)[:40], "gzip", 10_000)
    assert TEXT.startswith(half)
    assert half


@pytest.mark.parametrize("raw", [b"not gzip at all", b"", b"\x1f\x8b\x08\xff" + b"x" * 20])
def test_a_broken_body_is_given_back_as_it_came(raw: bytes) -> None:
    assert decode_body(raw, "gzip", 10) == raw[:10]


def test_a_bomb_stays_unexploded() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1024**2)) for _ in range(64)) + packer.flush()
    tracemalloc.start()
    try:
        assert decode_body(bomb, "gzip", 64 * 1024) == bytes(64 * 1024)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024**2


@fuzzed
@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", None]))
def test_decoding_arbitrary_bytes_never_fails(raw: bytes, encoding: str | None) -> None:
    assert len(decode_body(raw, encoding, 100)) <= 100
