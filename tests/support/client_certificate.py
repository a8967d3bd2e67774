"""An authority for a tunnel: certificates for its server and for its users, as files."""

import atexit
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class TunnelAuthority:
    """Writes ``NAME.pem`` and ``NAME.key`` into its folder; its own certificate is ``ca.pem``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"authority {secrets.token_hex(4)}")]
        )
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        made = self._made(self._name, self._key).add_extension(constraints, critical=True)
        self.ca_file = str(folder / "ca.pem")
        certificate = made.sign(self._key, hashes.SHA256())
        (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def __call__(self, name: str, *, server: bool = False) -> tuple[str, str]:
        """A certificate's file and its key's; of a user's unless it is said to be a server's."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._made(subject, key).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        certificate, secret = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        signed = made.sign(self._key, hashes.SHA256())
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        secret.chmod(0o600)
        return str(certificate), str(secret)

    def _made(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )


@cache
def tunnel_authority() -> TunnelAuthority:
    """One for all tests; its files go away with the test run."""
    folder = TemporaryDirectory(prefix="probe-tests-")
    atexit.register(folder.cleanup)
    return TunnelAuthority(Path(folder.name))
