"""The server's side of VMess, written independently of the client: its nested HMACs are those of
the standard library, each with the one before as its hash."""

import hashlib
import hmac
import struct
import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB


class _Nested:
    """An HMAC as hmac.new takes a hash."""

    digest_size, block_size, name = 32, 64, "nested"

    def __init__(self, make: Callable[[], Any], data: bytes = b"") -> None:
        self._make, self._inner = make, make()
        self._inner.update(data)

    def update(self, data: bytes) -> None:
        self._inner.update(data)

    def digest(self) -> bytes:
        return bytes(self._inner.digest())

    def copy(self) -> "_Nested":
        other = _Nested(self._make)
        other._inner = self._inner.copy()
        return other


def kdf(key: bytes, *path: bytes) -> bytes:
    def make(level: int) -> Callable[[], Any]:
        if level < 0:
            return lambda: hmac.new(b"VMess AEAD KDF", digestmod=hashlib.sha256)
        return lambda: hmac.new(path[level], digestmod=lambda d=b"": _Nested(make(level - 1), d))

    found = make(len(path) - 1)()
    found.update(key)
    return bytes(found.digest())


class Request:
    """A request as the server reads it; ValueError or InvalidTag where it is not the user's."""

    def __init__(self, user: UUID, data: bytes) -> None:
        magic = b"c48619fe-8f02-49e0-b9e9-edf763e17e21"
        key = hashlib.md5(user.bytes + magic).digest()
        bound, sealed, nonce, rest = data[:16], data[16:34], data[34:42], data[42:]
        aes = Cipher(AES(kdf(key, b"AES Auth ID Encryption")[:16]), ECB()).decryptor()
        first = aes.update(bound) + aes.finalize()
        if zlib.crc32(first[:12]) != int.from_bytes(first[12:]):
            raise ValueError("another id")
        (self.time,) = struct.unpack(">Q", first[:8])

        def opened(name: bytes, data: bytes) -> bytes:
            secret = kdf(key, b"VMess Header AEAD Key" + name, bound, nonce)[:16]
            iv = kdf(key, b"VMess Header AEAD Nonce" + name, bound, nonce)[:12]
            return AESGCM(secret).decrypt(iv, data, bound)

        (length,) = struct.unpack(">H", opened(b"_Length", sealed))
        header = opened(b"", rest[: length + 16])
        self.iv, self.key, self.mark = header[1:17], header[17:33], header[33:34]
        self.options, self.cipher, self.command = header[34], header[35] & 15, header[37]
        (self.port,) = struct.unpack(">H", header[38:40])
        self.kind, padding = header[40], header[35] >> 4
        self.place = header[41 : len(header) - 4 - padding]
        chunk = rest[length + 16 :]
        assert struct.unpack(">H", chunk[:2])[0] == len(chunk) - 2
        self.data = AESGCM(self.key).decrypt(bytes(2) + self.iv[2:12], chunk[2:], None)

    def answer(self, header: bytes | None = None, body: bytes = b"") -> bytes:
        """The server's first bytes; by default a header with the request's own octet."""
        key = hashlib.sha256(self.key).digest()[:16]
        iv = hashlib.sha256(self.iv).digest()[:16]
        plain = self.mark + b"\0\0\0" if header is None else header

        def sealed(name: bytes, data: bytes) -> bytes:
            secret, nonce = kdf(key, name + b" Key")[:16], kdf(iv, name + b" IV")[:12]
            return AESGCM(secret).encrypt(nonce, data, None)

        length = sealed(b"AEAD Resp Header Len", struct.pack(">H", len(plain)))
        return length + sealed(b"AEAD Resp Header", plain) + body
