"""Certificates as OpenSSL sees them, and the modes of the files that they are kept in."""

import ssl
import stat
from datetime import UTC, datetime

import pytest

from probe.demo.authority import Authority

NAME = "shop.example"
# OpenSSL's X509_V_ERR_* codes (x509_vfy.h).
EXPIRED, SELF_SIGNED, WRONG_NAME = 10, 18, 62


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, datetime.now(UTC))


def handshake(server_context, client_context):
    """Both sides in memory; raises what the client finds."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=NAME)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client


def trusting(authority):
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    # What Python 3.13 demands by default: extensions as RFC 5280 wants them.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def test_a_valid_certificate_passes_the_strictest_check(authority):
    client = handshake(authority.context(NAME, "valid"), trusting(authority))
    assert client.getpeercert()["subjectAltName"] == (("DNS", NAME),)


@pytest.mark.parametrize(
    ("kind", "code"),
    [("expired", EXPIRED), ("self_signed", SELF_SIGNED), ("wrong_name", WRONG_NAME)],
)
def test_each_fault_is_exactly_that_fault(authority, kind, code):
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        handshake(authority.context(NAME, kind), trusting(authority))
    assert caught.value.verify_code == code


def test_nobody_trusts_the_authority_unasked(authority):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority.context(NAME, "valid"), ssl.create_default_context())


def test_keys_are_readable_by_their_owner_only(authority, tmp_path):
    authority.context(NAME, "valid")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes["ca.pem"] & ~0o640 == 0
    assert modes[f"{NAME}-valid.pem"] == 0o600


def test_the_key_of_the_authority_is_never_written(authority):
    assert b"PRIVATE KEY" not in authority.ca_file.read_bytes()


def test_an_older_file_with_wider_rights_is_replaced(authority, tmp_path):
    old = tmp_path / f"{NAME}-valid.pem"
    old.write_text("old")
    old.chmod(0o644)
    authority.context(NAME, "valid")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
