"""The authorities that browsers trust: Mozilla's list, as certifi ships it.

This machine's own store may hold others, added by its owner or by somebody else, and may be too old
for some of these.
"""

import hashlib
import ipaddress
import re
import ssl
import warnings
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from probe.core.address import is_ip

_LONGEST: Final = 10  # certificates of a chain that are looked at
# cryptography's own errors have no common ancestor, and not all are ValueErrors.
_BROKEN: Final = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_PEM: Final = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@cache
def public_roots() -> frozenset[str]:
    """SHA-256 of every one of them."""
    return authorities_in(_list())


def authorities_in(file: str) -> frozenset[str]:
    """SHA-256 of every authority in a PEM file that OpenSSL has read."""
    return frozenset(hashlib.sha256(der).hexdigest() for der in _ders(file))


def vouched_by_public(chain: Sequence[bytes], name: str, when: datetime) -> bool:
    """Whether one of them vouches for this name's certificate (DER, leaf first) at that time."""
    try:
        subject = x509.IPAddress(ipaddress.ip_address(name)) if is_ip(name) else x509.DNSName(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a server's oddities are no news for our terminal
            leaf, *others = map(x509.load_der_x509_certificate, chain[:_LONGEST])
            policy = PolicyBuilder().store(_store()).time(when)
            policy.build_server_verifier(subject).verify(leaf, others)
    except (VerificationError, *_BROKEN):
        return False
    return True


@cache
def _store() -> Store:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for der in _ders(_list()):
            try:
                found.append(x509.load_der_x509_certificate(der))
            except _BROKEN:
                continue  # an old one, made before today's rules
    return Store(found)


def _list() -> str:
    import certifi

    return certifi.where()


def _ders(file: str) -> list[bytes]:
    text = Path(file).read_text("ascii", "replace")
    return [ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(text)]
