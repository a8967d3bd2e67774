"""Shadowsocks with authenticated encryption (SIP004 and SIP007, shadowsocks.org/doc/aead.html).

Theory of operation. The key is drawn from the password, and each direction of a connection begins
with a random salt, from which HKDF makes the key for what follows. Over TCP that is chunks: a
length of two octets and as many octets of data, each sealed by itself under a nonce that counts
up. The first data of the client begins with the place that the server is to connect to. Over UDP
each datagram has a salt of its own, and is sealed as a whole under the nonce 0.

Nothing on the wire is readable, nor even recognisable, and there is no handshake: a server says
nothing by itself, and is silent to a wrong key. So the only proof of a right key is something
that the key opens, and it takes a place that answers to get it. What the server sends is not
bound to what the client sent; only a salt that comes back is told to be our own.

The editions of 2022 (SIP022) are not spoken.
"""

import hashlib
import os
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from probe.core.failure import MalformedReplyError
from probe.wire.socks5 import place

PROTOCOL: Final = "shadowsocks"
LARGEST: Final = 0x3FFF  # bytes of data in one chunk
TAG: Final = 16
_Cipher = type[AESGCM] | type[ChaCha20Poly1305]

METHODS: Final[
    dict[str, tuple[int, _Cipher]]
] = {  # bytes of the key, which are those of the salt, and the cipher
    "chacha20-ietf-poly1305": (32, ChaCha20Poly1305),
    "aes-256-gcm": (32, AESGCM),
    "aes-128-gcm": (16, AESGCM),
}
_PLACES: Final = {1: 4, 4: 16}  # bytes of an address by its type; a name says its own length


def key_of(password: bytes, method: str) -> bytes:
    """The key of a password: OpenSSL's EVP_BytesToKey with MD5, once, and no salt."""
    length, _ = METHODS[method]
    key = last = b""
    while len(key) < length:
        last = hashlib.md5(last + password, usedforsecurity=False).digest()
        key += last
    return key[:length]


def subkey_of(key: bytes, salt: bytes) -> bytes:
    """The key of one direction, or of one datagram: HKDF-SHA1 (RFC 5869)."""
    # The protocol says so: here SHA-1 only mixes, which its collisions do not touch.
    kdf = HKDF(algorithm=SHA1(), length=len(key), salt=salt, info=b"ss-subkey")  # noqa: S303
    return kdf.derive(key)


class _Direction:
    """A cipher whose nonce counts up, in twelve octets, the lowest first."""

    def __init__(self, method: str, key: bytes, salt: bytes) -> None:
        self._cipher = METHODS[method][1](subkey_of(key, salt))
        self._count = 0

    def seal(self, data: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce(), data, None)

    def open(self, data: bytes) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(), data, None)
        except InvalidTag:
            raise MalformedReplyError(PROTOCOL, "nothing that this key opens") from None

    def _nonce(self) -> bytes:
        nonce = self._count.to_bytes(12, "little")
        self._count += 1
        return nonce


class Client:
    """The client's side of one TCP connection. Feed it what arrives."""

    def __init__(self, method: str, key: bytes) -> None:
        """Take the key that ``key_of`` gives."""
        self._method, self._key = method, key
        self._salt = os.urandom(len(key))
        self._out = _Direction(method, key, self._salt)
        self._in: _Direction | None = None
        self._length: int | None = None
        self._waiting = bytearray()

    def request(self, host: str, port: int, data: bytes) -> bytes:
        """The first bytes: the salt, and in one chunk where to connect to and what to say there.

        ValueError if that does not fit into a chunk.
        """
        payload = place(host, port) + data
        if len(payload) > LARGEST:
            raise ValueError(f"a chunk has at most {LARGEST} bytes")
        length = self._out.seal(struct.pack(">H", len(payload)))
        return self._salt + length + self._out.seal(payload)

    def feed(self, data: bytes) -> bytes:
        """Take what arrived, and give what could be opened of it. MalformedReplyError for what the
        key does not open: nobody with the same password has sent it."""
        self._waiting += data
        opened = b""
        while (piece := self._next()) is not None:
            opened += piece
        return opened

    def _next(self) -> bytes | None:
        """What one part gives, which is nothing for a salt and a length; None if it is not all
        there."""
        if self._in is None:
            if (salt := self._take(len(self._key))) is None:
                return None
            if salt == self._salt:
                raise MalformedReplyError(PROTOCOL, "our own bytes came back")
            self._in = _Direction(self._method, self._key, salt)
        elif self._length is None:
            if (sealed := self._take(2 + TAG)) is None:
                return None
            (self._length,) = struct.unpack(">H", self._in.open(sealed))
            if not 0 < self._length <= LARGEST:
                raise MalformedReplyError(PROTOCOL, f"a chunk of {self._length} bytes")
        else:
            if (sealed := self._take(self._length + TAG)) is None:
                return None
            self._length = None
            return self._in.open(sealed)
        return b""

    def _take(self, count: int) -> bytes | None:
        if len(self._waiting) < count:
            return None
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        return taken


def seal_datagram(method: str, key: bytes, host: str, port: int, data: bytes) -> bytes:
    """A datagram to the server, with what it is to send to a place."""
    salt = os.urandom(len(key))
    return salt + _Direction(method, key, salt).seal(place(host, port) + data)


def open_datagram(method: str, key: bytes, data: bytes) -> bytes:
    """What came back from a place, of a datagram from the server. MalformedReplyError for what the
    key does not open, or what names no place."""
    size = len(key)
    if len(data) < size + TAG:
        raise MalformedReplyError(PROTOCOL, f"a datagram of {len(data)} bytes")
    plain = _Direction(method, key, data[:size]).open(data[size:])
    kind = plain[0] if plain else 0
    length = 1 + plain[1] if kind == 3 and len(plain) > 1 else _PLACES.get(kind)
    if length is None or len(plain) < 1 + length + 2:
        raise MalformedReplyError(PROTOCOL, "a datagram from no place")
    return plain[1 + length + 2 :]
