"""probe.wire.quic: a question that every version understands, its answer, and whatever else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed
from wire.quic_messages import ids, negotiation

from probe.core.failure import MalformedReplyError
from probe.wire.quic import VERSIONS, Question, first_packet, offered, reserved_version

ASKED = Question(0x1A2A3A4A, bytes(range(8)), bytes(range(8, 16)))
ANSWER = negotiation(ASKED.to_wire(), 1, 0x6B3343CF)


def test_the_question_is_a_long_header_in_a_datagram_that_has_to_be_answered():
    data = ASKED.to_wire()
    assert len(data) == 1200
    assert data[0] & 0xF0 == 0xC0
    assert data[1:5] == bytes.fromhex("1a2a3a4a")
    assert ids(data) == (ASKED.to, ASKED.own)


def test_its_version_is_one_of_those_that_nobody_will_ever_speak():
    drawn = {reserved_version() for _ in range(200)}
    assert len(drawn) > 100
    assert all(version & 0x0F0F0F0F == 0x0A0A0A0A for version in drawn)


def test_every_question_is_new():
    assert len({Question().to_wire() for _ in range(50)}) == 50
    assert len({ids(Question().to_wire()) for _ in range(50)}) == 50


def test_a_first_packet_has_the_outside_of_an_initial_and_nothing_inside():
    data = first_packet()
    assert len(data) == 1200
    assert (data[0] & 0xF0, data[1:5]) == (0xC0, b"\0\0\0\1")
    to, own = ids(data)
    assert (len(to), len(own)) == (8, 8)
    at = 6 + 8 + 1 + 8
    assert data[at] == 0  # no token
    length = int.from_bytes(data[at + 1 : at + 3])
    assert (length >> 14, length & 0x3FFF) == (1, 1200 - at - 3)
    assert len({first_packet() for _ in range(50)}) == 50


def test_nobody_can_decrypt_it():
    packet = pytest.importorskip("aioquic.quic.packet")
    crypto = pytest.importorskip("aioquic.quic.crypto")
    buffer = pytest.importorskip("aioquic.buffer").Buffer
    data = first_packet()
    buf = buffer(data=data)
    header = packet.pull_quic_header(buf, host_cid_length=8)
    assert header.packet_type is packet.QuicPacketType.INITIAL
    assert header.packet_length == len(data)
    pair = crypto.CryptoPair()
    pair.setup_initial(header.destination_cid, is_client=False, version=1)
    with pytest.raises(crypto.CryptoError):
        pair.decrypt_packet(data, buf.tell(), 0)


def test_an_answer_gives_the_versions_in_the_server_s_order():
    assert offered(ANSWER, ASKED) == (1, 0x6B3343CF)
    assert offered(negotiation(ASKED.to_wire(), *range(1, 200)), ASKED) == tuple(
        range(1, VERSIONS + 1)
    )


STRAYS = {
    "nothing": b"",
    "garbage": b"garbage",
    "our own, sent back": ASKED.to_wire(),
    "to another's question": negotiation(Question().to_wire(), 1),
    "of a version": ANSWER[:1] + b"\0\0\0\1" + ANSWER[5:],
    "a short header": bytes([ANSWER[0] & 0x7F]) + ANSWER[1:],
}


@pytest.mark.parametrize("data", STRAYS.values(), ids=STRAYS)
def test_what_is_bound_to_none_of_ours_is_a_stray(data):
    assert offered(data, ASKED) is None


@pytest.mark.parametrize("tail", [b"", b"\0\0\0", b"\0\0\0\1\0"])
def test_what_bears_our_ids_and_holds_no_list_is_told(tail):
    with pytest.raises(MalformedReplyError, match="a list of versions"):
        offered(negotiation(ASKED.to_wire()) + tail, ASKED)


def test_no_part_of_an_answer_passes_for_another_but_a_shorter_list():
    for end in range(len(ANSWER)):
        try:
            assert offered(ANSWER[:end], ASKED) in {None, (1,)}
        except MalformedReplyError:
            assert end >= len(ANSWER) - 8


def survives(data):
    try:
        found = offered(data, ASKED)
    except MalformedReplyError:
        return
    assert found is None or (found and data[5:].startswith(b"\x08" + ASKED.own))


@fuzzed
@given(st.lists(st.integers(0, 8 * len(ANSWER) - 1), min_size=1, max_size=4))
def test_flipped_bits_raise_nothing_else(bits):
    changed = bytearray(ANSWER)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=300))
def test_anything_at_all_raises_nothing_else(data):
    survives(data)
    survives(negotiation(ASKED.to_wire()) + data)
