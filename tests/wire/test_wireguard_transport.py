"""probe.wire.wireguard_transport: what goes through a tunnel, once, whole, and from nobody else."""

import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from wire.wg_responder import Responder

from probe.wire.wireguard import Initiator, public_of
from probe.wire.wireguard_transport import HEADER, TAG, Session

OURS = bytes(range(32))


def tunnel() -> tuple[Session, Session]:
    """Both ends, after a handshake."""
    responder = Responder(public_of(X25519PrivateKey.from_private_bytes(OURS)))
    initiator = Initiator(OURS, responder.public)
    response = responder.response(initiator.initiation(datetime(2026, 11, 28, tzinfo=UTC)))
    assert response
    answer = initiator.read(response)
    assert answer and answer.session and responder.session
    return answer.session, responder.session


@sampled
@given(st.binary(max_size=1500))
def test_a_packet_comes_out_as_it_went_in_and_padding_behind_it(packet: bytes) -> None:
    for sender, receiver in (tunnel(), tunnel()[::-1]):
        message = sender.seal(packet)
        assert len(message) % 16 == 0
        opened = receiver.open(message)
        assert opened is not None
        assert (opened[: len(packet)], set(opened[len(packet) :]) | {0}) == (packet, {0})
        assert len(opened) - len(packet) < 16


def test_a_keepalive_is_32_bytes_and_opens_as_nothing() -> None:
    ours, theirs = tunnel()
    message = ours.seal()
    assert (len(message), message[:4]) == (HEADER + TAG, b"\4\0\0\0")
    assert (message[4:8], message[8:16]) == (theirs.index, bytes(8))
    assert theirs.open(message) == b""
    assert ours.seal()[8:16] == b"\1" + bytes(7)  # counts up, little end first


def test_a_message_counts_once_in_whatever_order() -> None:
    ours, theirs = tunnel()
    messages = [ours.seal(bytes([n])) for n in range(5)]
    for number in (2, 0, 4, 1):
        assert not theirs.replayed(messages[number])
        assert theirs.open(messages[number])
        assert theirs.open(messages[number]) is None
        assert theirs.replayed(messages[number])
    assert theirs.open(messages[3])


def test_what_is_too_old_to_know_is_taken_for_a_replay() -> None:
    ours, theirs = tunnel()
    older, old = ours.seal(), ours.seal()
    for _ in range(2047):
        last = ours.seal()
    assert theirs.open(last) == b""
    assert theirs.open(old) == b""  # 2047 behind
    assert theirs.open(older) is None


def test_a_forged_counter_moves_nothing() -> None:
    ours, theirs = tunnel()
    message = ours.seal(b"x")
    far = message[:8] + b"\xff" * 8 + message[16:]
    assert theirs.open(far) is None
    assert not theirs.replayed(far)
    assert theirs.open(message)


def test_other_sessions_messages_are_not_opened() -> None:
    (ours, theirs), (_, others) = tunnel(), tunnel()
    message = ours.seal(b"x")
    assert others.open(message) is None
    assert others.open(message[:4] + others.index + message[8:]) is None
    assert ours.open(message) is None  # its own, sent back
    assert theirs.open(message)


def test_the_handshake_s_keys_differ_each_time_and_by_direction() -> None:
    (ours, theirs), (again, _) = tunnel(), tunnel()
    same = bytes(48)
    assert len({end.seal(same)[16:] for end in (ours, theirs, again)}) == 3


OUR_END, THEIR_END = tunnel()
WHOLE = THEIR_END.seal(os.urandom(84))


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_no_part_of_a_message_passes_for_one(end: int) -> None:
    assert OUR_END.open(WHOLE[:end]) is None


@fuzzed
@given(st.integers(0, len(WHOLE) * 8 - 1), st.binary(max_size=200))
def test_flipped_bits_and_anything_else_open_nothing(at: int, anything: bytes) -> None:
    changed = bytearray(WHOLE)
    changed[at // 8] ^= 1 << at % 8
    for data in (bytes(changed), anything, WHOLE[:16] + anything, WHOLE[:8] + anything):
        if data != WHOLE:
            assert OUR_END.open(data) is None
            OUR_END.replayed(data)
