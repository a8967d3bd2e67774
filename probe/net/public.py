"""The authorities that browsers trust: Mozilla's list, as certifi ships it.

This machine's own store may hold others, added by its owner or by somebody else, and may be too old
for some of these.
"""

import hashlib
import re
import ssl
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

_PEM: Final = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@cache
def public_roots() -> frozenset[str]:
    """SHA-256 of every one of them."""
    return frozenset(_hashes(public_list()))


def authorities_in(file: str) -> frozenset[str]:
    """SHA-256 of every authority in a PEM file that OpenSSL has read."""
    return frozenset(_hashes(_ders(file)))


def public_list() -> list[bytes]:
    """All of them, as DER."""
    import certifi

    return _ders(certifi.where())


def _hashes(authorities: Iterable[bytes]) -> Iterator[str]:
    return (hashlib.sha256(der).hexdigest() for der in authorities)


def _ders(file: str) -> list[bytes]:
    text = Path(file).read_text("ascii", "replace")
    return [ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(text)]
