"""probe.net.chains: what browsers would accept, whatever this machine's own store holds."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.authority import known_to_browsers, pem, serving

from probe.net.chains import vouched_by_public

NAME, NOW = "a.example", datetime.now(UTC)


def chain(kind: str = "valid") -> list[bytes]:
    serving(NAME, kind)
    certificate = pem(NAME, kind).read_text().partition("-----BEGIN PRIVATE")[0]
    return [ssl.PEM_cert_to_DER_cert(certificate)]


@pytest.fixture
def newer() -> Iterator[None]:
    with known_to_browsers():
        yield


@pytest.mark.usefixtures("newer")
def test_a_certificate_of_a_known_authority_is_vouched_for_under_its_name_and_in_its_time() -> None:
    assert vouched_by_public(chain(), NAME, NOW)
    for name in ("b.example", "192.0.2.1", "2001:db8::1", "", "\u00e4.example", "a" * 300):
        assert not vouched_by_public(chain(), name, NOW)
    for days in (-400, 400):
        assert not vouched_by_public(chain(), NAME, NOW + timedelta(days=days))


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("kind", ["self_signed", "expired", "wrong_name"])
def test_any_other_is_not(kind: str) -> None:
    assert not vouched_by_public(chain(kind), NAME, NOW)


def test_nobody_knows_the_tests_own_authority() -> None:
    assert not vouched_by_public(chain(), NAME, NOW)


@given(st.lists(st.binary(max_size=64), max_size=12))
def test_whatever_a_server_sends_is_no_error(sent: list[bytes]) -> None:
    assert not vouched_by_public(sent, NAME, NOW)
    assert not vouched_by_public([*chain(), *sent], NAME, NOW)
