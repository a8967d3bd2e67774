"""The decoy's one certificate: made once, kept over restarts, shown for every server name.

Nobody trusts it; the probe knows it by the SHA-256 that the session tells. Its dates are fixed, so
that neither clock, the helper's or the vantage's, can void it.
"""

import hashlib
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_FILE: Final = "decoy.pem"
_NAME: Final = "server.invalid"  # RFC 6761: nobody's, and in TLS 1.2 the path reads it
_START: Final = datetime(2020, 1, 1, tzinfo=UTC)
_END: Final = datetime(2049, 12, 31, tzinfo=UTC)


def decoy_context(folder: Path) -> tuple[ssl.SSLContext, str]:
    """The decoy's TLS settings, and the SHA-256 of its certificate's DER in hexadecimal digits.

    The certificate and its key are in ``folder/decoy.pem`` (0600), made when they are missing.
    OSError if that cannot be read or written; ValueError if it holds something else.
    """
    path = folder / _FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, _issued())
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # A resumed session shows no certificate, and each handshake is to be a whole one.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        context.load_cert_chain(path, password="")  # else OpenSSL asks the terminal for one
    except (ValueError, ssl.SSLError):
        raise ValueError(
            f"{path} holds no certificate with its key: remove it, and a new one will be made"
        ) from None
    return context, hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _issued() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_START)
        .not_valid_after(_END)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM) + key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, and has its mode from the start."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
