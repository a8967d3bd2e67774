"""probe.checks.certificate: the facts that a reader wants, from whatever a server sends."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.authority import ca_file

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


@given(st.data())
def test_a_damaged_certificate_is_survived(data: st.DataObject) -> None:
    der = bytearray(authority_der())
    for _ in range(data.draw(st.integers(1, 6))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    facts = describe(bytes(der))
    assert all(isinstance(value, str | list) for value in facts.values())
