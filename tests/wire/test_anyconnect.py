"""probe.wire.anyconnect: what a login begins with, and which documents a gateway writes."""

from xml.dom import minidom

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled

from probe.core.failure import MalformedReplyError
from probe.wire.anyconnect import LARGEST, Answer, question, read_answer

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
REQUEST = HEAD + (
    b'<config-auth client="vpn" type="auth-request"><version who="sg">0.1(1)</version>'
    b'<auth id="main"><message>Please enter your username.</message>'
    b'<form method="post" action="/auth"><input type="text" name="username" label="Username:" />'
    b"</form></auth></config-auth>"
)
ANSWERS = {
    "login": (REQUEST, Answer("auth-request", "0.1(1)", "/auth")),
    "certificate": (
        b'<config-auth client="vpn" type="auth-request"><client-cert-request/></config-auth>',
        Answer("auth-request", certificate=True),
    ),
    "another wish": (b'<config-auth type="complete"/>', Answer("complete")),
    "no wish": (b"<config-auth/>", Answer("config-auth")),
    "the older kind": (
        b'<auth id="main"><form action="/login"/><form action="/2"/></auth>',
        Answer("auth", form="/login"),
    ),
    "another encoding is claimed": (
        b'<?xml version="1.0" encoding="UTF-7"?><auth><version>1</version></auth>',
        Answer("auth", "1"),
    ),
}


def test_a_login_begins_with_a_document_that_names_nobody():
    asked = minidom.parseString(question("https://vpn.example/a&b"))
    root = asked.documentElement
    assert (root.tagName, root.getAttribute("client"), root.getAttribute("type")) == (
        "config-auth", "vpn", "init",
    )  # fmt: skip
    assert root.getElementsByTagName("group-access")[0].firstChild.data == "https://vpn.example/a&b"
    assert [child.tagName for child in root.childNodes if child.nodeType == child.ELEMENT_NODE] == [
        "version", "device-id", "group-access",
    ]  # fmt: skip


@pytest.mark.parametrize(("data", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_every_kind_of_answer_is_read(data, answer):
    assert read_answer(data) == answer


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no XML: no element found"),
        (b"<!DOCTYPE html><html></html>", "declares a document type"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><auth>&b;</auth>', "declares a document type"),
        (b"<html><body><form action='/auth'/></body></html>", "the document is a 'html'"),
        (REQUEST + b"x", "no XML"),
        (b"<auth>" + b"<a>" * 40, "is larger than any answer"),
        (b"<auth>" + b"<a/>" * 2000 + b"</auth>", "is larger than any answer"),
        (b"<auth>" + b" " * LARGEST + b"</auth>", "is longer than"),
    ],
)
def test_what_no_gateway_writes_is_told(data, told):
    with pytest.raises(MalformedReplyError, match=told):
        read_answer(data)


def test_nothing_that_is_kept_is_long():
    read = read_answer(
        b'<config-auth type="%b"><version>%b</version><form action="%b"/></config-auth>'
        % ((b"x" * 9000,) * 3)
    )
    assert read == Answer("x" * 100, "x" * 100, "x" * 100)


@pytest.mark.parametrize("data", [data for data, _ in ANSWERS.values()], ids=ANSWERS)
def test_no_part_of_an_answer_passes_for_one(data):
    for end in range(len(data)):
        with pytest.raises(MalformedReplyError):
            read_answer(data[:end])


def survives(data):
    try:
        assert isinstance(read_answer(data), Answer)
    except MalformedReplyError as exc:
        assert exc.protocol == "anyconnect"


@pytest.mark.parametrize("data", [data for data, _ in ANSWERS.values()])
def test_every_flipped_bit_raises_nothing_else(data):
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        survives(bytes(changed))


@sampled
@given(st.sampled_from([data for data, _ in ANSWERS.values()]), st.data())
def test_several_flipped_bits_raise_nothing_else(data, draw):
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    survives(bytes(changed))


@fuzzed
@given(st.binary(max_size=300))
def test_anything_at_all_raises_nothing_else(data):
    survives(data)
    survives(HEAD + data)
    survives(b"<config-auth>" + data + b"</config-auth>")
    survives(b'<?xml version="1.0" encoding="' + data + b'"?><auth/>')
