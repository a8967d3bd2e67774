"""probe.wire.pptp: how a connection is started, what may come back, and whatever else may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from wire.pptp_messages import ECHO, STOP, STOPPED, message, reply

from probe.core.failure import MalformedReplyError
from probe.wire.pptp import Head, Reply, read_head, read_reply, start, stop

REPLIES = {
    "established": (reply(), Reply("established", 0, "1.0", "local", "linux")),
    "not authorized": (reply(4, 6), Reply("not authorized", 6, "1.0", "local", "linux")),
    "unknown result": (reply(77, vendor=b""), Reply("77", 0, "1.0", "local", "")),
    "names without an end": (
        reply(host=b"x" * 64, vendor=b"\xff" * 64),
        Reply("established", 0, "1.0", "x" * 64, "\ufffd" * 64),
    ),
}


def test_the_question_has_the_length_and_the_fields_of_the_standard():
    asked = start()
    assert len(asked) == 156
    assert asked[:28] == bytes.fromhex(
        "009c 0001 1a2b3c4d 0001 0000 0100 0000 00000003 00000003 0000 0000"
    )
    assert asked[28:] == bytes(128)
    assert stop() == bytes.fromhex("0010 0001 1a2b3c4d 0003 0000 01 00 0000")


@pytest.mark.parametrize(("data", "answer"), REPLIES.values(), ids=REPLIES)
def test_every_kind_of_reply_is_read(data, answer):
    assert read_head(data[:10]) == Head(2, 146)
    assert read_reply(data[10:]) == answer


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        (STOPPED, 4, "Stop-Control-Connection-Reply"),
        (STOP, 3, "Stop-Control-Connection-Request"),
        (stop(), 3, "Stop-Control-Connection-Request"),
        (ECHO, 5, "Echo-Request"),
    ],
)
def test_what_else_a_server_may_say_is_known(data, kind, name):
    head = read_head(data[:10])
    assert (head, head.name) == (Head(kind, len(data) - 10), name)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (start(), "is of type 1"),  # our own, sent back
        (message(2, bytes(146), magic=b"1a2b"), "lacks the protocol's number"),
        (message(2, bytes(146), kind=2), "lacks the protocol's number"),
        (message(2, bytes(146), length=16), "type 2 has 16 octets"),
        (message(4, bytes(6), length=65535), "type 4 has 65535 octets"),
        (b"SSH-2.0-garbage", "lacks the protocol's number"),
    ],
)
def test_what_no_server_says_is_told(data, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_head(data[:10])


def test_no_part_of_a_reply_passes_for_one():
    data = reply()
    for end in range(10):
        with pytest.raises(MalformedReplyError):
            read_head(data[:end])
    for end in range(146):
        with pytest.raises(MalformedReplyError):
            read_reply(data[10 : 10 + end])


def survives(data):
    try:
        head = read_head(data[:10])
        assert head.rest in {6, 146}
        assert isinstance(read_reply(data[10 : 10 + head.rest]), Reply)
    except MalformedReplyError as exc:
        assert exc.protocol == "pptp"


@pytest.mark.parametrize("data", [reply(), STOPPED, STOP, ECHO])
def test_every_flipped_bit_raises_nothing_else(data):
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        survives(bytes(changed))


@sampled
@given(st.sampled_from([reply(), STOPPED, STOP, ECHO]), st.data())
def test_several_flipped_bits_raise_nothing_else(data, draw):
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=200))
def test_anything_at_all_raises_nothing_else(data):
    survives(data)
    survives(reply()[:10] + data)
    survives(reply()[:10] + (data + bytes(146))[:146])
