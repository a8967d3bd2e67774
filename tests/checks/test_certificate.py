"""probe.checks.certificate: the facts that a reader wants, from whatever a server sends."""

import ssl
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.authority import ca_file, serving

from probe.checks.certificate import describe
from probe.core.times import parse_instant


def authority_der() -> bytes:
    return ssl.PEM_cert_to_DER_cert(Path(ca_file()).read_text())


def test_the_facts_of_a_certificate() -> None:
    facts = describe(authority_der())
    assert facts["subject"] == facts["issuer"] == "Embedded Internet Demo CA"
    assert facts["names"] == []
    assert parse_instant(facts["not_before"]) < parse_instant(facts["not_after"])


@pytest.mark.parametrize("broken", [b"", b"\x30\x82", b"-----BEGIN CERTIFICATE-----"])
def test_what_cannot_be_read_says_so(broken: bytes) -> None:
    assert set(describe(broken)) == {"unreadable"}


LEAF = b"a.example"


def leaf_der() -> bytes:
    """The certificate of a server."""
    serving(LEAF.decode())
    pem = Path(ca_file()).with_name("a.example-valid.pem").read_text()
    return ssl.PEM_cert_to_DER_cert(pem.partition("-----BEGIN PRIVATE KEY")[0])


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"),  # a version that does not exist
        (b"\x55\x1d\x0e", b"\x55\x1d\x13"),  # the same extension twice
        (b"\x82\x09" + LEAF, b"\xa3\x09" + LEAF),  # a kind of name that nobody uses
    ],
)
def test_what_no_certificate_should_hold_makes_it_unreadable(found: bytes, instead: bytes) -> None:
    der = leaf_der()
    assert found in der
    assert describe(der)["names"] == ["a.example"]
    assert set(describe(der.replace(found, instead, 1))) == {"unreadable"}


def test_an_odd_certificate_is_described_without_a_word_on_the_terminal() -> None:
    der = bytearray(leaf_der())
    serial = der.index(b"\xa0\x03\x02\x01\x02") + 5
    assert der[serial] == 2
    der[serial + 2] |= 0x80  # a negative number
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert describe(bytes(der))["subject"] == "a.example"
    assert told == []


@given(st.data())
def test_a_damaged_certificate_is_survived(data: st.DataObject) -> None:
    der = bytearray(authority_der())
    for _ in range(data.draw(st.integers(1, 6))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    facts = describe(bytes(der))
    assert all(isinstance(value, str | list) for value in facts.values())
