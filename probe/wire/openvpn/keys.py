"""Key files, as ``openvpn --genkey`` writes them and as they stand inside a profile.

What a file is, its BEGIN line says. Errors name the fault and never what is in the file.
"""

import binascii
import re
from dataclasses import dataclass, field
from typing import Final

STATIC: Final = "OpenVPN Static key V1"
CLIENT_V2: Final = "OpenVPN tls-crypt-v2 client key"
KEY: Final = 256  # bytes of a static key: two halves, each 64 for a cipher and 64 for an HMAC
MOST_WRAPPED: Final = 1024  # bytes (tls_crypt.h, TLS_CRYPT_V2_MAX_WKC_LEN)
_LEAST_WRAPPED: Final = 32 + KEY + 2  # a tag, the key itself and the length behind it


class KeyFormatError(ValueError):
    """This is no key of the kind that was asked for."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A tls-crypt-v2 client key: the key, and the same wrapped for the server (WKc)."""

    key: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


def read_static(text: bytes) -> bytes:
    """The 256 bytes of a static key, for tls-auth and tls-crypt. KeyFormatError otherwise."""
    data = _between(text, STATIC)
    try:
        key = binascii.unhexlify(re.sub(rb"\s", b"", data))
    except binascii.Error:
        raise KeyFormatError("is no hexadecimal text between its BEGIN and END") from None
    if len(key) != KEY:
        raise KeyFormatError(f"holds {len(key)} bytes in place of {KEY}")
    return key


def read_client_v2(text: bytes) -> ClientKey:
    """A tls-crypt-v2 client key. KeyFormatError otherwise."""
    data = _between(text, CLIENT_V2)
    try:
        both = binascii.a2b_base64(re.sub(rb"\s", b"", data), strict_mode=True)
    except binascii.Error:
        raise KeyFormatError("is no base64 between its BEGIN and END") from None
    key, wrapped = both[:KEY], both[KEY:]
    if not _LEAST_WRAPPED <= len(wrapped) <= MOST_WRAPPED:
        raise KeyFormatError(f"holds {len(wrapped)} bytes after the key, which is no wrapped key")
    if int.from_bytes(wrapped[-2:], "big") != len(wrapped):
        raise KeyFormatError("holds a wrapped key that was cut off")
    return ClientKey(key, wrapped)


def _between(text: bytes, kind: str) -> bytes:
    """What stands between the BEGIN and the END of this kind of key."""
    found = re.search(rb"-----BEGIN ([ -~]{1,60}?)-----", text)
    if found is None:
        raise KeyFormatError(f"has no line '-----BEGIN {kind}-----'")
    said = found[1].decode("ascii")
    if said != kind:
        raise KeyFormatError(f"is a '{said}', not a '{kind}'")
    end = text.find(b"-----END " + found[1] + b"-----", found.end())
    if end < 0:
        raise KeyFormatError(f"has no line '-----END {kind}-----'")
    return text[found.end() : end]
