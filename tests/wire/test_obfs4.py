"""probe.wire.obfs4, elligator2: keys that look random, proofs that only the bridge can give."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from wire.obfs4_server import Bridge

from probe.core.failure import MalformedReplyError
from probe.wire import elligator2
from probe.wire.obfs4 import LARGEST, Client, read_cert
from probe.wire.wireguard import public_of

NOW = datetime(2026, 11, 28, 10, 20, 30, tzinfo=UTC)
HOUR = int(NOW.timestamp()) // 3600
BRIDGE = Bridge()


def asked(bridge: Bridge = BRIDGE) -> tuple[Client, bytes]:
    client = Client(bridge.cert)
    hello = client.hello(NOW)
    return client, hello


def answered(padding: bytes = b"p" * 50) -> tuple[Client, bytes]:
    client, hello = asked()
    hour = BRIDGE.hour(hello, HOUR)
    assert hour
    return client, BRIDGE.answer(hello, hour, padding)


@pytest.mark.parametrize(
    ("shown", "public"),
    [
        # elligator.org, vectors/curve25519_direct.vec
        (
            "66665895c5bc6e44ba8d65fd9307092e3244bf2c18877832bd568cb3a2d38a12",
            "04d44290d13100b2c25290c9343d70c12ed4813487a07ac1176daa5925e7975e",
        ),
        # RFC 9380, appendix J.4.1, u[0] and Q0.x of the empty message, lowest octet first
        (
            "6a5a647fd9b4fb5bc0a99286e165330b74a6f5ad6c5e106ca1f0feb8a7e85f00",
            "984f90bb6195e29b163c31283bb96c9ac0e29e6ef36cbf7c70644c860cdfb436",
        ),
        ("00" * 32, "00" * 32),
    ],
)
def test_a_representative_stands_for_the_published_key(shown: str, public: str) -> None:
    assert elligator2.public_of(bytes.fromhex(shown)).hex() == public


@sampled
@given(st.binary(min_size=32, max_size=32))
def test_what_a_representative_stands_for_has_one(data: bytes) -> None:
    public = elligator2.public_of(data)
    shown = elligator2.representative(public)
    if shown is not None:  # 0 has none that is drawn
        assert elligator2.public_of(shown) == public
        assert shown[31] < 64
    else:
        assert not any(public)


@fuzzed
@given(st.binary(min_size=32, max_size=32))
def test_a_key_that_has_a_representative_is_what_it_stands_for(data: bytes) -> None:
    public = public_of(X25519PrivateKey.from_private_bytes(data))
    shown = elligator2.representative(public)
    assert shown is None or elligator2.public_of(shown) == public
    any_octets = elligator2.representative(data)  # no key's, most of them
    assert any_octets is None or len(any_octets) == 32


def test_a_bridge_reads_the_hello_and_no_other_bridge_does() -> None:
    hellos = [asked()[1] for _ in range(5)]
    assert len({hello[:32] for hello in hellos}) == 5
    for hello in hellos:
        assert 149 <= len(hello) <= LARGEST
        assert BRIDGE.hour(hello, HOUR + 1) == str(HOUR).encode()
        assert BRIDGE.hour(hello, HOUR + 2) is None
        assert Bridge().hour(hello, HOUR) is None


@pytest.mark.parametrize("padding", [0, 1, 5000, LARGEST - 96])
def test_the_bridge_proves_itself_however_its_answer_is_cut(padding: int) -> None:
    for size in (1000, LARGEST + 100):
        client, answer = answered(b"p" * padding)
        whole = answer + b"a frame that follows"
        found = [client.feed(whole[at : at + size]) for at in range(0, len(whole), size)]
        assert any(found)


def test_every_truncation_is_too_little() -> None:
    client, answer = answered()
    for octet in answer[:-1]:
        assert not client.feed(bytes([octet]))
    assert client.feed(answer[-1:])


def test_an_answer_to_another_hello_is_none() -> None:
    client, hello = asked()
    _, other = asked()
    with pytest.raises(MalformedReplyError, match="without the server's key"):
        client.feed(BRIDGE.answer(other, str(HOUR).encode()))
    client, hello = asked()
    with pytest.raises(MalformedReplyError, match="wrong MAC"):
        client.feed(BRIDGE.answer(hello, str(HOUR + 1).encode()))
    client, hello = asked()
    assert not client.feed(hello[:200])


def test_what_has_no_mark_within_the_limit_is_none() -> None:
    client, _ = asked()
    assert not client.feed(bytes(LARGEST))
    with pytest.raises(MalformedReplyError, match=f"no mark within {LARGEST}"):
        client.feed(b"x")


def test_a_cert_has_one_form() -> None:
    text = base64.b64encode(BRIDGE.cert).decode()
    assert read_cert(text) == read_cert(text.rstrip("=")) == BRIDGE.cert
    for wrong in ("", "AAAA", text[4:], "ü" * 70, "A" * 80):
        with pytest.raises(ValueError, match="70 characters"):
            read_cert(wrong)


@sampled
@given(st.text(max_size=80), st.integers(0, 70))
def test_anything_at_all_is_a_cert_or_none(text: str, right: int) -> None:
    whole = base64.b64encode(BRIDGE.cert).decode().rstrip("=")
    for data in (text, whole[:right] + text):
        try:
            assert len(read_cert(data)) == len(BRIDGE.cert)
        except ValueError as exc:
            assert "70 characters" in str(exc)


CLIENT, WHOLE = answered(b"")


def fed(data: bytes) -> bool:
    CLIENT._waiting = b""
    try:
        return CLIENT.feed(data)
    except MalformedReplyError:
        return False


@fuzzed
@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_no_bit_can_be_flipped(at: int) -> None:
    changed = bytearray(WHOLE)
    changed[at // 8] ^= 1 << at % 8
    # The two highest bits of the key shown are no part of it, but the mark is over them.
    assert not fed(bytes(changed))


@fuzzed
@given(st.binary(max_size=300), st.integers(0, len(WHOLE) - 1))
def test_anything_at_all_raises_nothing_else(data: bytes, right: int) -> None:
    assert not fed(WHOLE[:right] + data) or data.startswith(WHOLE[right:])
