"""probe.wire.dns: hostile bytes have one failure name, and an answer says what it amounts to."""

import base64

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.core.failure import NamedFailure
from probe.wire.dns import MAX_DATA, MAX_RECORDS, UDP_PAYLOAD, Answer, Query

ID = 0x1234
NAME = "www.example.com"
QUERY = Query.make(NAME, "A", ID)


def response(
    *records: str,
    query: Query = QUERY,
    rcode: int = dns.rcode.NOERROR,
    flags: int = 0,
) -> dns.message.Message:
    """An answer; each record as in a zone file, TTL first: "www.example.com 60 IN A 192.0.2.1"."""
    made = dns.message.make_response(dns.message.from_wire(query.to_wire()))
    made.set_rcode(rcode)
    made.flags |= flags
    for record in records:
        name, ttl, class_, type_, data = record.split(" ", 4)
        made.answer.append(dns.rrset.from_text(f"{name}.", int(ttl), class_, type_, data))
    return made


def read(raw: bytes, query: Query = QUERY) -> Answer:
    """``read`` must give an answer or a NamedFailure, and its detail must hold plain JSON."""
    answer = query.read(raw)
    detail = answer.detail()
    assert base64.b64decode(detail["raw"]) == raw
    assert len(detail["answers"]) <= MAX_RECORDS
    return answer


REAL = response(
    "www.example.com 300 IN CNAME edge.cdn.example.net.",
    "edge.cdn.example.net 60 IN A 192.0.2.1",
    "edge.cdn.example.net 60 IN A 192.0.2.2",
    "edge.cdn.example.net 60 IN AAAA 2001:db8::1",
    "edge.cdn.example.net 60 IN TXT \"v=spf1\" \"-all\"",
).to_wire()  # fmt: skip


def test_a_query_is_one_question_with_edns() -> None:
    message = dns.message.from_wire(QUERY.to_wire())
    assert (message.id, message.flags & dns.flags.RD) == (ID, dns.flags.RD)
    assert [question.to_text() for question in message.question] == [f"{NAME}. IN A"]
    assert (message.edns, message.payload, message.options) == (0, UDP_PAYLOAD, ())


@pytest.mark.parametrize(
    ("name", "type_"),
    [("a" * 64 + ".example", "A"), ("a..b", "A"), ("." + "a." * 130, "A"), ("a.example", "NOPE")],
)
def test_what_cannot_be_asked_for_is_told_before_anything_is_sent(name: str, type_: str) -> None:
    with pytest.raises(ValueError, match="cannot be asked for"):
        Query.make(name, type_, ID)


def test_a_real_answer_with_compressed_names_is_read_whole() -> None:
    assert REAL.count(b"example") < 6  # it is compressed
    answer = read(REAL)
    assert (answer.id, answer.rcode, answer.failure, answer.edns) == (ID, "NOERROR", None, True)
    assert answer.addresses() == ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    first = answer.records[0]
    assert (first.type, first.data, first.ttl) == ("CNAME", "edge.cdn.example.net.", 300)


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        (response(rcode=dns.rcode.NXDOMAIN), "dns_nxdomain_error"),
        (response(rcode=dns.rcode.SERVFAIL), "dns_servfail_error"),
        (response(rcode=dns.rcode.REFUSED), "dns_refused_error"),
        (response(rcode=dns.rcode.FORMERR), "dns_server_misbehaving"),
        (response(rcode=dns.rcode.BADVERS), "dns_server_misbehaving"),
        (response(), "dns_no_answer"),
        (response(f"{NAME} 60 IN CNAME other.example."), "dns_no_answer"),
        (response(f"{NAME} 60 IN AAAA 2001:db8::1"), "dns_no_answer"),
        (response(f"{NAME} 60 IN A 192.0.2.1", flags=dns.flags.TC), "dns_server_misbehaving"),
        (response(f"{NAME} 60 IN A 192.0.2.1", flags=dns.flags.AA), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_amounts_to_a_failure_or_to_none(
    message: dns.message.Message, failure: str | None
) -> None:
    answer = read(message.to_wire())
    assert answer.failure == failure
    assert answer.truncated == bool(message.flags & dns.flags.TC)
    assert answer.authoritative == bool(message.flags & dns.flags.AA)


def test_any_kind_of_record_will_do_where_any_was_asked_for() -> None:
    query = Query.make(NAME, "ANY", ID)
    assert read(response(f"{NAME} 60 IN TXT x", query=query).to_wire(), query).failure is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x12",
        QUERY.to_wire(),
        Query.make("other.example", "A", ID).to_wire(),
        response(query=Query.make("other.example", "A", ID)).to_wire(),
        response(query=Query.make(NAME, "AAAA", ID)).to_wire(),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + b"\xc0\x0c" * 30,
        b"\x12\x34\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00",
    ],
)
def test_what_is_no_answer_to_the_question_is_misbehaviour(raw: bytes) -> None:
    with pytest.raises(NamedFailure) as caught:
        read(raw)
    assert caught.value.name == "dns_server_misbehaving"
    assert caught.value.raw


def test_a_refusal_may_leave_the_question_out() -> None:
    refused = response(rcode=dns.rcode.REFUSED)
    refused.question.clear()
    assert read(refused.to_wire()).failure == "dns_refused_error"


def test_the_name_is_compared_without_regard_to_case() -> None:
    other_case = Query.make(NAME.upper(), "A", ID)
    assert read(response(f"{NAME} 60 IN A 192.0.2.1", query=other_case).to_wire()).failure is None


def test_the_id_is_told_and_not_judged() -> None:
    assert read(b"\xff\xff" + REAL[2:]).id == 0xFFFF


def test_hostile_records_are_kept_bounded_and_printable() -> None:
    texts = " ".join(f'"{"x" * 200}"' for _ in range(10))
    records = [f"{NAME} 60 IN A 192.0.2.{n}" for n in range(100)]
    long, strange = f"{NAME} 60 IN TXT {texts}", r"a 1 IN TXT \000\007\027[31m"
    answer = read(response(*records, long, strange).to_wire(max_size=65535))
    assert len(answer.records) == 102
    assert all(record.data.isprintable() for record in answer.records)
    detail = read(response(long).to_wire(max_size=65535)).detail()
    assert len(detail["answers"][0]["data"]) == MAX_DATA


def test_every_truncation_of_a_real_answer_fails_by_name() -> None:
    for length in range(len(REAL)):
        with pytest.raises(NamedFailure):
            read(REAL[:length])


def test_bytes_behind_the_message_are_ignored() -> None:
    assert read(REAL + b"\x00rest").addresses() == read(REAL).addresses()


@fuzzed
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_an_answer_or_a_named_failure(raw: bytes) -> None:
    try:
        read(raw)
    except NamedFailure as exc:
        assert exc.name == "dns_server_misbehaving"


@fuzzed
@given(st.data())
def test_flipped_bits_in_a_real_answer_are_survived(data: st.DataObject) -> None:
    raw = bytearray(REAL)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read(bytes(raw))
    except NamedFailure as exc:
        assert exc.name == "dns_server_misbehaving"


@fuzzed
@given(st.binary(max_size=120))
def test_an_answer_section_of_arbitrary_bytes_is_survived(rest: bytes) -> None:
    question = QUERY.to_wire()[12 : 12 + len(NAME) + 2 + 4]
    head = b"\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00"
    try:
        read(head + question + rest)
    except NamedFailure as exc:
        assert exc.name == "dns_server_misbehaving"
