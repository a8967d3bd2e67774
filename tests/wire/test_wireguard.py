"""probe.wire.wireguard: initiations that a server accepts, answers that only it can give."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed
from wire.wg_responder import Responder, seconds

from probe.core.failure import MalformedReplyError
from probe.wire.wireguard import (
    COOKIE,
    INITIATION,
    RESPONSE,
    Answer,
    Initiator,
    _hchacha20,
    _mac,
    public_of,
)

NOW = datetime(2026, 11, 28, 10, 20, 30, 123456, tzinfo=UTC)
OURS = bytes(range(32))
PSK = b"\x07" * 32
COMPLETE = Answer("response", complete=True)


def pair(psk: bytes = bytes(32), theirs: bytes = bytes(32)) -> tuple[Initiator, Responder]:
    responder = Responder(public_of(X25519PrivateKey.from_private_bytes(OURS)), psk=theirs)
    return Initiator(OURS, responder.public, psk), responder


def test_hchacha20_gives_the_draft_s_example() -> None:
    # draft-irtf-cfrg-xchacha-03, section 2.2.1
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    told = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    assert _hchacha20(bytes(range(32)), nonce).hex() == told


@pytest.mark.parametrize("psk", [bytes(32), PSK])
def test_a_server_that_knows_us_answers_and_its_answer_is_complete(psk: bytes) -> None:
    initiator, responder = pair(psk, psk)
    message = initiator.initiation(NOW)
    assert (len(message), message[:4], message[132:]) == (INITIATION, b"\1\0\0\0", bytes(16))
    response = responder.response(message)
    assert response and len(response) == RESPONSE
    assert initiator.read(response) == COMPLETE
    assert seconds(responder.seen[0]) == int(NOW.timestamp())
    assert int.from_bytes(responder.seen[0][8:]) == 123456000


@pytest.mark.parametrize(("ours", "theirs"), [(bytes(32), PSK), (PSK, bytes(32)), (PSK, OURS)])
def test_another_pre_shared_key_shows_only_in_the_tag(ours: bytes, theirs: bytes) -> None:
    initiator, responder = pair(ours, theirs)
    response = responder.response(initiator.initiation(NOW))
    assert response
    assert initiator.read(response) == Answer("response", complete=False)


def test_every_initiation_is_new_and_each_may_be_the_one_that_is_answered() -> None:
    initiator, responder = pair()
    messages = [initiator.initiation(NOW + timedelta(seconds=n)) for n in range(3)]
    assert len({message[8:40] for message in messages}) == 3
    for message in messages:
        response = responder.response(message)
        assert response
        assert initiator.read(response) == COMPLETE
    assert responder.response(messages[0]) is None  # an exact repetition is a replay


def test_a_cookie_is_opened_and_comes_back_as_mac2() -> None:
    initiator, responder = pair()
    message = initiator.initiation(NOW)
    cookie = responder.cookie(message)
    assert len(cookie) == COOKIE
    answer = initiator.read(cookie)
    assert answer == Answer("cookie", cookie=b"sixteen bytes!!!")
    again = initiator.initiation(NOW, b"sixteen bytes!!!")
    assert again[132:] == _mac(b"sixteen bytes!!!", again[:132])


def test_what_is_bound_to_nothing_is_nobody_s_answer() -> None:
    initiator, responder = pair()
    other, _ = pair()
    message = initiator.initiation(NOW)
    response = responder.response(message)
    assert response
    assert other.read(response) is None
    assert initiator.read(message) is None  # our own, sent back
    assert initiator.read(b"") is None
    assert initiator.read(b"\2\0\0\0" + os.urandom(88)) is None


@pytest.mark.parametrize("kind", ["response", "cookie"])
def test_who_lacks_the_keys_cannot_answer(kind: str) -> None:
    initiator, responder = pair()
    message = initiator.initiation(NOW)
    right = responder.response(message) if kind == "response" else responder.cookie(message)
    assert right
    for forged in (right[:12] + os.urandom(len(right) - 12), right[:-20], right + b"x"):
        with pytest.raises(MalformedReplyError, match=f"a {kind}|of {len(forged)} bytes"):
            initiator.read(forged[:12] + forged[12:])


def test_a_server_s_key_with_which_nobody_can_agree_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"(?i)shared key|all zero|error computing"):
        Initiator(OURS, bytes(32))


def answers() -> tuple[Initiator, list[bytes]]:
    initiator, responder = pair()
    message = initiator.initiation(NOW)
    response = responder.response(message)
    assert response
    return initiator, [response, responder.cookie(message)]


def test_no_part_of_an_answer_passes_for_one() -> None:
    initiator, whole = answers()
    for data in whole:
        for end in range(len(data)):
            try:
                assert initiator.read(data[:end]) is None
            except MalformedReplyError:
                assert end >= 12


INITIATOR, WHOLE = answers()


def survives(data: bytes) -> Answer | None:
    try:
        return INITIATOR.read(data)
    except MalformedReplyError:
        return None


@fuzzed
@given(st.sampled_from(WHOLE), st.data())
def test_flipped_bits_raise_nothing_else_and_never_pass_for_whole(
    data: bytes, draw: st.DataObject
) -> None:
    changed = bytearray(data)
    at = draw.draw(st.integers(0, len(data) * 8 - 1))
    changed[at // 8] ^= 1 << at % 8
    answer = survives(bytes(changed))
    # mac2 (the last 16 bytes of a response) and the responder's index are nothing to us.
    free = len(data) == RESPONSE and (at // 8 >= 76 or 4 <= at // 8 < 8)
    assert answer is None or free or not answer.complete


@fuzzed
@given(st.binary(max_size=200), st.sampled_from([b"", *(data[:12] for data in WHOLE)]))
def test_anything_at_all_raises_nothing_else(data: bytes, head: bytes) -> None:
    assert survives(head + data) is None
