"""probe.net.verify: the same certificates, the same codes as the ssl module's own handshake."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.authority import authority, ca_file, pem, serving
from support.servers import tls
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.net.tls import TlsStream
from probe.net.trust import Policy, Trust
from probe.net.verify import verify

AT = Endpoint("192.0.2.1", 443)
NAME = "a.example"


def leaf(kind: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(Path(pem(NAME, kind)).read_text().partition("-----BEGIN PR")[0])


def code_of_ssl(kind: str, name: str, ca: str | None) -> int | None:
    """What a handshake over TLS says of such a server."""

    async def main() -> int | None:
        stream = await FakeNetwork(tcp={AT: tls(serving(NAME, kind), b"")}).connect(AT)
        client = TlsStream(stream, Trust().prepare(Policy(ca_file=ca)), name)
        try:
            await client.handshake()
        except ssl.SSLCertVerificationError as exc:
            return exc.verify_code
        return None

    return run_virtual(main())


def code_of_ours(chain: list[bytes], name: str, ca: str | None) -> int | None:
    try:
        verify(chain, name, ca)
    except ssl.SSLCertVerificationError as exc:
        assert exc.reason
        return exc.verify_code
    return None


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("name", [NAME, "other.example", "192.0.2.1", "sub.a.example"])
@pytest.mark.parametrize("kind", ["valid", "expired", "self_signed", "wrong_name"])
def test_every_certificate_gets_the_code_that_tls_gives_it(
    kind: str, name: str, trusted: bool
) -> None:
    ca = ca_file() if trusted else None
    assert code_of_ours([leaf(kind)], name, ca) == code_of_ssl(kind, name, ca)


def test_it_names_the_authority_that_vouches() -> None:
    der = ssl.PEM_cert_to_DER_cert(Path(ca_file()).read_text())
    found = x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex()
    assert verify([leaf("valid")], NAME, ca_file()) == found
    assert verify([leaf("valid"), der], NAME, ca_file()) == found


@pytest.mark.parametrize(
    ("purposes", "code"),
    [
        ([ExtendedKeyUsageOID.CLIENT_AUTH], 26),
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], None),
        ([], None),
    ],
)
def test_a_certificate_that_is_not_for_servers_is_refused(
    tmp_path: Path, purposes: list[x509.ObjectIdentifier], code: int | None
) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    made = builder.sign(key, hashes.SHA256())
    trusted = tmp_path / "own.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    der = made.public_bytes(Encoding.DER)
    assert code_of_ours([der], NAME, str(trusted)) == code


def test_what_is_no_certificate_is_refused_and_not_ours_to_answer_for() -> None:
    assert authority()
    assert code_of_ours([b"garbage"], NAME, ca_file()) == 1
    assert code_of_ours([leaf("valid"), b"garbage"], NAME, ca_file()) == 1
