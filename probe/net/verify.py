"""Verifies a chain of certificates that was received already, as a TLS handshake would have.

OpenSSL does it, with the trust of every other check (``net.trust``): the system's store,
``SSL_CERT_FILE`` and ``SSL_CERT_DIR``, and a file of further authorities. Its codes come in the
exception that the ssl module would raise, so that a failure has the same name everywhere.

This module needs the extra ``quic``; nothing else in ``net`` imports it.
"""

import hashlib
import ssl
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import service_identity
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto
from service_identity import cryptography as identity

from probe.core.address import is_ip

# OpenSSL's X509_V_ERR_* codes (x509_vfy.h).
_NO_ISSUER: Final = {2, 18, 19, 20, 21, 27}
_UNSPECIFIED, _WRONG_PURPOSE, _WRONG_NAME, _WRONG_ADDRESS = 1, 26, 62, 64


def prepare(ca_file: str | None) -> None:
    """Read the trusted authorities before anything is timed."""
    paths = ssl.get_default_verify_paths()
    _store(paths.cafile, paths.capath, ca_file)


def verify(chain: Sequence[bytes], server_name: str, ca_file: str | None) -> str:
    """The SHA-256 of the authority that vouches for this name's certificate, leaf first (DER).

    Raises ssl.SSLCertVerificationError with OpenSSL's ``verify_code``: an unknown issuer before a
    wrong name, and both before a time that is over, as OpenSSL finds them.
    """
    paths = ssl.get_default_verify_paths()
    trouble: tuple[int, str] | None = None
    verified: list[crypto.X509] = []
    try:
        leaf, *others = (x509.load_der_x509_certificate(der) for der in chain)
        store = _store(paths.cafile, paths.capath, ca_file)
        context = crypto.X509StoreContext(
            store,
            crypto.X509.from_cryptography(leaf),
            [crypto.X509.from_cryptography(other) for other in others],
        )
        verified = context.get_verified_chain()
    except (ValueError, crypto.Error) as exc:
        raise _error(_UNSPECIFIED, f"unreadable: {exc}") from None
    except crypto.X509StoreContextError as exc:
        trouble = (int(exc.errors[0]), str(exc.errors[2]))
    if trouble is None or trouble[0] not in _NO_ISSUER:
        trouble = _named(leaf, server_name) or _purpose(leaf) or trouble
    if trouble is not None:
        raise _error(*trouble)
    return hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, verified[-1])).hexdigest()


@lru_cache(maxsize=32)
def _store(cafile: str | None, capath: str | None, ca_file: str | None) -> crypto.X509Store:
    """Made once for each set of files: reading them takes tens of milliseconds."""
    store = crypto.X509Store()
    if cafile or capath:
        store.load_locations(cafile, capath)
    if ca_file:
        store.load_locations(ca_file)
    return store


def _named(leaf: x509.Certificate, name: str) -> tuple[int, str] | None:
    try:
        if is_ip(name):
            identity.verify_certificate_ip_address(leaf, name)
        else:
            identity.verify_certificate_hostname(leaf, name)
    except (service_identity.VerificationError, service_identity.CertificateError, ValueError):
        code = _WRONG_ADDRESS if is_ip(name) else _WRONG_NAME
        kind = "IP address" if is_ip(name) else "Hostname"
        return code, f"{kind} mismatch, certificate is not valid for '{name}'."
    return None


def _purpose(leaf: x509.Certificate) -> tuple[int, str] | None:
    """A certificate that says what it is for has to say that it is for servers."""
    try:
        uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    except ValueError:
        return _WRONG_PURPOSE, "unreadable extensions"
    allowed = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return None if allowed & set(uses) else (_WRONG_PURPOSE, "unsuitable certificate purpose")


def _error(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {message}")
    error.verify_code, error.verify_message = code, message
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    return error
