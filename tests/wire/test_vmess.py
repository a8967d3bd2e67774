"""probe.wire.vmess: requests that a server reads, answers that only it can give."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from wire import vmess_server

from probe.core.failure import MalformedReplyError
from probe.wire.vmess import Client, Header, fnv1a, kdf

USER = UUID("0b7b1c5e-6d3f-4f0a-9d57-0d3c2c1f9a11")
NOW = datetime(2026, 11, 28, 10, 20, 30, tzinfo=UTC)


def asked(data: bytes = b"HEAD") -> tuple[Client, vmess_server.Request]:
    client = Client(USER)
    sent = client.request(NOW, "shop.example", 443, data)
    return client, vmess_server.Request(USER, sent)


def test_the_checksum_gives_its_authors_examples() -> None:
    # isthe.com/chongo/src/fnv/test_fnv.c
    assert (fnv1a(b""), fnv1a(b"a"), fnv1a(b"foobar")) == (0x811C9DC5, 0xE40C292C, 0xBF9CF968)


@given(st.binary(max_size=64), st.lists(st.binary(max_size=64), max_size=3))
@sampled
def test_keys_are_nested_hmacs(key: bytes, path: list[bytes]) -> None:
    assert kdf(key, *path) == vmess_server.kdf(key, *path)


@pytest.mark.parametrize(
    ("host", "kind", "place"),
    [
        ("shop.example", 2, b"\x0cshop.example"),
        ("192.0.2.1", 1, bytes((192, 0, 2, 1))),
        ("2001:db8::1", 3, bytes.fromhex("20010db8" + "0" * 23 + "1")),
    ],
)
def test_a_server_reads_the_request(host: str, kind: int, place: bytes) -> None:
    found = vmess_server.Request(USER, Client(USER).request(NOW, host, 443, b"HEAD"))
    assert (found.time, found.port, found.data) == (int(NOW.timestamp()), 443, b"HEAD")
    assert (found.kind, found.place) == (kind, place)
    assert (found.options, found.cipher, found.command) == (1, 3, 1)


def test_no_request_is_like_another_and_none_is_another_user_s() -> None:
    sent = [Client(USER).request(NOW, "shop.example", 443, b"") for _ in range(2)]
    assert sent[0][:16] != sent[1][:16]
    with pytest.raises(ValueError, match="another id"):
        vmess_server.Request(UUID(int=1), sent[0])


def test_the_answer_s_header_is_proof_however_it_is_cut() -> None:
    for size in (1, 5, 30, 500):
        client, request = asked()
        whole = request.answer(body=b"chunks that follow")
        found = [client.feed(whole[at : at + size]) for at in range(0, len(whole), size)]
        assert Header(0, 0) in found
        assert found[0] is None or size == 500


def test_every_truncation_of_it_is_too_little() -> None:
    client, request = asked()
    whole = request.answer()
    before = 0
    for end in range(len(whole)):
        assert client.feed(whole[before:end]) is None
        before = end
    assert client.feed(whole[before:]) == Header(0, 0)


def test_an_answer_to_another_request_is_none() -> None:
    client, request = asked()
    _, other = asked()
    with pytest.raises(MalformedReplyError, match="nothing that this request's key opens"):
        client.feed(other.answer())
    for header in (b"", b"\0", bytes((request.mark[0] ^ 1, 0, 0, 0))):
        again = Client(USER)
        sent = vmess_server.Request(USER, again.request(NOW, "a.example", 1, b""))
        wrong = header if len(header) < 4 else bytes((sent.mark[0] ^ 1, 0, 0, 0))
        with pytest.raises(MalformedReplyError, match="not this request's"):
            again.feed(sent.answer(wrong))


CLIENT, REQUEST = asked()
WHOLE = REQUEST.answer()


def fresh() -> Client:
    """The same request's client, before anything came."""
    CLIENT._waiting = b""
    return CLIENT


@fuzzed
@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_no_bit_can_be_flipped(at: int) -> None:
    changed = bytearray(WHOLE)
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(MalformedReplyError):
        fresh().feed(bytes(changed))


@fuzzed
@given(st.lists(st.binary(max_size=80), max_size=5), st.integers(0, len(WHOLE) - 1))
def test_anything_at_all_raises_nothing_else(pieces: list[bytes], right: int) -> None:
    client = fresh()
    try:
        for piece in [WHOLE[:right], *pieces]:
            assert client.feed(piece) is None or b"".join(pieces).startswith(WHOLE[right:])
    except MalformedReplyError:
        pass
