"""VMess with an authenticated header (v2fly, "VMess AEAD", which version 4.28 of 2020 brought in).

Theory of operation. All keys come from the user's id, a UUID. The client begins with 16 octets
that only who knows the id can tell from random ones: the time, random octets and a checksum, under
AES. Then comes a header, sealed under keys drawn from those, which names the place to connect to
and brings a key, an IV and one octet for the answer. The data follows in sealed chunks.

The answer begins with a header of its own, sealed under keys drawn from that key and IV, and has
that octet in it. So it is bound to this one request, and only who could read the request can have
made it: proof of the id, even where the place could not be reached. To a wrong id, a repetition, or
a clock that is more than two minutes off a server is silent.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from probe.core.failure import MalformedReplyError
from probe.wire.socks5 import place

PROTOCOL: Final = "vmess"
TAG: Final = 16
AUTH_ID: Final = 16
NONCE: Final = 8
_MAGIC: Final = b"c48619fe-8f02-49e0-b9e9-edf763e17e21"
_SALT: Final = b"VMess AEAD KDF"
_BLOCK: Final = 64  # bytes of a block of SHA-256
_CHUNKS: Final = 1  # option: the data comes in chunks
_AES_GCM: Final = 3  # how the data is sealed
_TCP: Final = 1  # command
_KINDS: Final = {1: 1, 3: 2, 4: 3}  # types of places, from SOCKS5's numbers to these

_Hash = Callable[[bytes], bytes]


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _hmac(inner: _Hash, key: bytes) -> _Hash:
    """RFC 2104 over any hash, also over another HMAC. Keys here are shorter than a block."""
    padded = key.ljust(_BLOCK, b"\0")
    first, second = (bytes(octet ^ pad for octet in padded) for pad in (0x36, 0x5C))
    return lambda data: inner(second + inner(first + data))


def kdf(key: bytes, *path: bytes) -> bytes:
    """32 bytes: HMACs within each other, each keyed with one step of the path."""
    function = _hmac(_sha256, _SALT)
    for step in path:
        function = _hmac(function, step)
    return function(key)


def command_key(user: UUID) -> bytes:
    """What all keys are drawn from."""
    return hashlib.md5(user.bytes + _MAGIC, usedforsecurity=False).digest()


def auth_id(key: bytes, now: datetime) -> bytes:
    """The first 16 octets: the date and random ones with a checksum, under AES."""
    plain = struct.pack(">Q", int(now.timestamp())) + os.urandom(4)
    plain += struct.pack(">I", zlib.crc32(plain))
    # One block under a key of its own: no mode is needed, and the protocol has none.
    cipher = Cipher(AES(kdf(key, b"AES Auth ID Encryption")[:16]), ECB()).encryptor()  # noqa: S305
    return cipher.update(plain) + cipher.finalize()


def fnv1a(data: bytes) -> int:
    """The header's checksum (Fowler, Noll and Vo, 32 bits)."""
    value = 0x811C9DC5
    for octet in data:
        value = (value ^ octet) * 0x01000193 & 0xFFFFFFFF
    return value


def _sealed(key: bytes, name: str, plain: bytes, bound: bytes, nonce: bytes) -> bytes:
    """Part of the request's header, under keys that this name and the beginning give."""
    secret = kdf(key, f"VMess Header AEAD Key{name}".encode(), bound, nonce)[:16]
    iv = kdf(key, f"VMess Header AEAD Nonce{name}".encode(), bound, nonce)[:12]
    return AESGCM(secret).encrypt(iv, plain, bound)


@dataclass(frozen=True, slots=True)
class Header:
    """What the answer's header holds besides our octet: an option, and a command of some length."""

    option: int
    command: int


class Client:
    """One request, and what is read of its answer."""

    def __init__(self, user: UUID) -> None:
        """Draw the keys of this request."""
        self._command_key = command_key(user)
        self._iv, self._key = os.urandom(16), os.urandom(16)
        self._mark = os.urandom(1)
        self._waiting = b""

    def request(self, now: datetime, host: str, port: int, data: bytes) -> bytes:
        """The first bytes, dated ``now``: where to connect to, and one chunk of data for there."""
        padding = os.urandom(os.urandom(1)[0] % 16)
        where = place(host, port)
        header = b"\1" + self._iv + self._key + self._mark
        header += bytes((_CHUNKS, len(padding) << 4 | _AES_GCM, 0, _TCP))
        header += where[-2:] + bytes((_KINDS[where[0]],)) + where[1:-2] + padding
        header += struct.pack(">I", fnv1a(header))
        bound, nonce = auth_id(self._command_key, now), os.urandom(NONCE)
        length = _sealed(self._command_key, "_Length", struct.pack(">H", len(header)), bound, nonce)
        head = bound + length + nonce + _sealed(self._command_key, "", header, bound, nonce)
        chunk = AESGCM(self._key).encrypt(bytes(2) + self._iv[2:12], data, None)
        return head + struct.pack(">H", len(chunk)) + chunk

    def feed(self, data: bytes) -> Header | None:
        """Take what arrived; the answer's header once it is all there.

        MalformedReplyError for what nobody can have made who could read the request.
        """
        self._waiting += data
        key, iv = _sha256(self._key)[:16], _sha256(self._iv)[:16]
        if len(self._waiting) < 2 + TAG:
            return None
        (length,) = struct.unpack(
            ">H", _opened(key, iv, "AEAD Resp Header Len", self._waiting[: 2 + TAG])
        )
        rest = self._waiting[2 + TAG :]
        if len(rest) < length + TAG:
            return None
        header = _opened(key, iv, "AEAD Resp Header", rest[: length + TAG])
        if len(header) < 4 or header[:1] != self._mark:
            raise MalformedReplyError(PROTOCOL, "a header that is not this request's")
        return Header(header[1], header[2])


def _opened(key: bytes, iv: bytes, name: str, data: bytes) -> bytes:
    secret = kdf(key, f"{name} Key".encode())[:16]
    nonce = kdf(iv, f"{name} IV".encode())[:12]
    try:
        return AESGCM(secret).decrypt(nonce, data, None)
    except InvalidTag:
        raise MalformedReplyError(PROTOCOL, "nothing that this request's key opens") from None
