"""A new control's folder: a configuration, a fresh token and a certificate of its own."""

import ipaddress
import os
import secrets
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from probe.control.public import is_public
from probe.core.address import is_ip
from probe.core.strictyaml import ConfigError

CONFIG, TOKEN, CERT, KEY = "control.yaml", "token", "api.pem", "api.key"
PORT, DECOY_PORT, ECHO_PORT = 8443, 443, 7007
_EXAMPLE: Final = "192.0.2.7"  # RFC 5737
_YEARS: Final = timedelta(days=3650)
_SLACK: Final = timedelta(days=1)  # a client's clock may be behind

_TEXT: Final = """\
# The control helper: probe control -c {config}
vantage: {{id: control-1, country: ZZ, network: datacenter}}   # say where this machine is
resolvers: [system]
control:
  listen: "{everywhere}:{port}"
  {public}
  decoy: "{everywhere}:{decoy}"   # one or a list
  echo: "{everywhere}:{echo}"
  cert: {cert}
  key: {key}
  token_file: {token}
"""


def write_fresh(folder: Path, host: str | None, now: datetime) -> str:
    """Write configuration, token and certificate; gives the name that clients reach it by.

    ``host`` is that name or address; without it the address that this machine uses towards the
    internet. Nothing is overwritten. ConfigError says what is in the way.
    """
    found = host or _outward()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (CONFIG, TOKEN, CERT, KEY):
            if (folder / name).exists():
                raise ConfigError(f"{folder / name}: is there already; nothing was changed")
        certificate, key = _self_signed(found, now)
        _write(folder / TOKEN, f"{secrets.token_urlsafe(32)}\n".encode(), 0o600)
        _write(folder / KEY, key, 0o600)
        _write(folder / CERT, certificate, 0o644)
        _write(folder / CONFIG, _configuration(folder, found).encode(), 0o640)
    except OSError as exc:
        raise ConfigError(
            f"{exc.filename or folder}: {(exc.strerror or str(exc)).lower()}"
        ) from None
    return found


def _configuration(folder: Path, host: str) -> str:
    everywhere = "[::]" if ":" in host else "0.0.0.0"  # noqa: S104  (a control is there for others)
    public = f'public: "{host}"' if is_ip(host) else f'# public: "{_EXAMPLE}"   # behind NAT'
    return _TEXT.format(
        config=folder / CONFIG,
        everywhere=everywhere,
        port=PORT,
        public=public,
        decoy=DECOY_PORT,
        echo=ECHO_PORT,
        cert=CERT,
        key=KEY,
        token=TOKEN,
    )


def _self_signed(host: str, now: datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    known = x509.IPAddress(ipaddress.ip_address(host)) if is_ip(host) else x509.DNSName(host)
    local = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    names = dict.fromkeys((known, *local))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _YEARS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret


def _outward() -> str:
    """The address that this machine would use towards the internet; nothing is sent to learn it.

    ConfigError where it has none, as behind NAT.
    """
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((far, 9))
                found = str(sock.getsockname()[0])
        except OSError:
            continue
        if is_public(found):
            return found
    raise ConfigError("this machine has no public address: say with --host what clients reach")


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a new file that has its mode from the start."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
