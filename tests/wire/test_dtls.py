"""probe.wire.dtls: what a server is told, what it may answer, and whatever else may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed
from wire.dtls_messages import ALERT, HELLO_VERIFY, SERVER_HELLO, handshake, record

from probe.core.failure import MalformedReplyError
from probe.wire.dtls import Answer, Hello, goodbye, read_answer

COOKIE = bytes(range(20))
VERIFY, CHOSEN, REFUSED = HELLO_VERIFY(COOKIE), SERVER_HELLO(), ALERT(40)
CERTIFICATE = record(handshake(11, b"chain"))
ANSWERS = {
    "cookie": (VERIFY, Answer("hello_verify", "DTLS 1.0", cookie=COOKIE)),
    "cookie under 1.2": (
        HELLO_VERIFY(COOKIE, version=0xFEFD),
        Answer("hello_verify", "DTLS 1.2", cookie=COOKIE),
    ),
    "no cookie in it": (HELLO_VERIFY(b""), Answer("hello_verify", "DTLS 1.0")),
    "hello": (CHOSEN, Answer("server_hello", "DTLS 1.2", suite=0xC030)),
    "hello with a session": (
        SERVER_HELLO(session=bytes(32)),
        Answer("server_hello", "DTLS 1.2", suite=0xC030),
    ),
    "hello and more": (CHOSEN + CERTIFICATE, Answer("server_hello", "DTLS 1.2", suite=0xC030)),
    "more and hello": (CERTIFICATE + CHOSEN, Answer("server_hello", "DTLS 1.2", suite=0xC030)),
    "alert": (REFUSED, Answer("alert", "DTLS 1.2", alert="handshake_failure")),
    "unknown alert": (ALERT(200), Answer("alert", "DTLS 1.2", alert="200")),
    "unknown version": (
        SERVER_HELLO(version=0xFE00),
        Answer("server_hello", "0xfe00", suite=0xC030),
    ),
}


def test_the_question_is_a_client_hello_without_anybody_s_name():
    hello = Hello(bytes(range(32)))
    asked = hello.to_wire()
    assert asked[:13] == bytes.fromhex("16feff 0000 000000000000") + (len(asked) - 13).to_bytes(2)
    assert asked[13] == 1
    assert asked[14:17] == asked[22:25] == (len(asked) - 25).to_bytes(3)
    assert asked[17:22] == bytes(5)
    assert asked[25:61] == b"\xfe\xfd" + bytes(range(32)) + b"\0\0"
    at, kinds = 61 + 2 + int.from_bytes(asked[61:63]) + 2 + 2, []
    while at < len(asked):
        kinds.append(int.from_bytes(asked[at : at + 2]))
        at += 4 + int.from_bytes(asked[at + 2 : at + 4])
    assert at == len(asked)
    assert 10 in kinds
    assert 0 not in kinds  # server_name


def test_with_a_cookie_the_same_is_said_again_as_the_second_message():
    hello = Hello()
    plain, again = hello.to_wire(), hello.to_wire(3, COOKIE)
    assert again[5:11] == (3).to_bytes(6)
    assert again[17:19] == b"\0\1"
    assert again[25:61] == plain[25:60] + bytes([20])
    assert again[61:] == COOKIE + plain[61:]


def test_every_client_draws_its_own_random_and_a_repetition_keeps_it():
    assert len({Hello().to_wire() for _ in range(50)}) == 50
    hello = Hello()
    assert hello.to_wire(0)[13:] == hello.to_wire(1)[13:]


def test_it_says_good_bye():
    assert goodbye(2) == bytes.fromhex("15fefd 0000 000000000002 0002 0100")


@pytest.mark.parametrize(("data", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_every_kind_of_answer_is_read(data, answer):
    assert read_answer(data, 0) == answer


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-garbage\r\n",
        b"\x16\x03\x03" + bytes(40),  # TLS
        HELLO_VERIFY(COOKIE, sequence=1),  # the answer to a record that we never sent
        CERTIFICATE,
        record(handshake(2, b"x" * 40, offset=40, whole=80)),  # the rest of a ServerHello
        record(b"x" * 40, epoch=1),  # encrypted
    ],
)
def test_what_answers_nothing_of_ours_is_a_stray(data):
    assert read_answer(data, 0) is None


def test_the_answer_to_a_repetition_counts():
    late = HELLO_VERIFY(COOKIE, sequence=1)
    assert read_answer(late, 1) == ANSWERS["cookie"][1]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (Hello(bytes(32)).to_wire(), "is a request"),  # our own, sent back
        (VERIFY[:-1], "a record is longer"),
        (CERTIFICATE + VERIFY[:5], "a record is cut short"),
        (record(VERIFY[13:-1]), "a fragment is longer"),
        (record(handshake(3, b"\xfe\xff\x14" + bytes(19))), "a cookie is cut short"),
        (record(handshake(2, bytes(37))), "a ServerHello is cut short"),
        (SERVER_HELLO(version=0x0303), "names the version 0x0303"),
        (record(b"\1"), "a message is cut short"),
        (record(b"\2", kind=21), "an alert of no level"),
        (record(b"\7\0", kind=21), "an alert of no level"),
        (record(b"", kind=23), "begins with a record of type 23"),
        (CERTIFICATE * 40, "more than 32 records"),
    ],
)
def test_what_is_a_record_and_no_answer_is_told(data, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_answer(data, 0)


@pytest.mark.parametrize("data", [data for data, _ in ANSWERS.values()], ids=ANSWERS)
def test_no_part_of_an_answer_passes_for_another(data):
    whole = read_answer(data, 0)
    for end in range(len(data)):
        try:
            assert read_answer(data[:end], 0) in {None, whole}
        except MalformedReplyError:
            assert end >= 13


def survives(data):
    try:
        read_answer(data, 5)
    except MalformedReplyError:
        return


@fuzzed
@given(
    st.sampled_from([data for data, _ in ANSWERS.values()]),
    st.lists(st.integers(0, 8 * 200 - 1), min_size=1, max_size=4),
)
def test_flipped_bits_raise_nothing_else(data, bits):
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8 % len(data)] ^= 1 << bit % 8
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=600), st.integers(0, 4))
def test_anything_at_all_raises_nothing_else(data, kind):
    survives(data)
    survives(record(data))
    survives(record(data, kind=21))
    survives(record(handshake(kind, data)) + data)
