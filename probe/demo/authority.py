"""The embedded internet's own certificate authority, made anew at every start.

Its key never leaves memory, and its certificates bind only reserved names: whoever forgets to
remove the demo's ``ca.pem`` from somewhere has trusted nobody.
"""

import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from probe.demo.world import Certificate

_DAY: Final = timedelta(days=1)
_SLACK: Final = timedelta(hours=1)  # the certificates of a machine whose clock is set back a little
_SOMEBODY_ELSE: Final = "somebody-else.example"


class Authority:
    """Issues server certificates, good ones and each kind of bad one (EC P-256, RFC 5280)."""

    def __init__(
        self,
        folder: Path,
        now: datetime,
        *,
        since: datetime | None = None,
        name: str = "Embedded Internet Demo CA",
    ) -> None:
        """Make the authority and write its certificate to ``folder/ca.pem`` (0640).

        Certificates are good for a day from ``now`` on, and before it from ``since`` on (default:
        an hour).
        """
        self._folder = folder
        self._now = now
        self._since = since
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = (
            _builder(self._name, self._name, self._key, self._start(), now + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = folder / "ca.pem"
        _write(self.ca_file, certificate.public_bytes(Encoding.PEM), 0o640)

    def context(self, name: str, kind: Certificate) -> ssl.SSLContext:
        """A server's TLS settings with a fresh certificate; its key is in a file of mode 0600."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._issue(name, kind, key)
        pem = certificate.public_bytes(Encoding.PEM) + key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        path = self._folder / f"{name}-{kind}.pem"
        _write(path, pem, 0o600)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(path)
        return context

    def _start(self) -> datetime:
        return self._since or self._now - _SLACK

    def _issue(
        self, name: str, kind: Certificate, key: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        start, end = self._start(), self._now + _DAY
        if kind == "expired":
            start, end = self._now - 30 * _DAY, self._now - _DAY
        bound_to = _SOMEBODY_ELSE if kind == "wrong_name" else name
        subject = _name(bound_to)
        alone = kind == "self_signed"
        signer = key if alone else self._key
        return (
            _builder(subject, subject if alone else self._name, key, start, end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(bound_to)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    # RFC 5280 allows 64 characters here; the name that counts stands in subjectAltName.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a new file that has its mode from the start, whatever stood there before."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
