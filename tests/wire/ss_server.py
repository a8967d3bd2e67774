"""The server's side of Shadowsocks, written by its specification and independently of the client:
the ciphers and the key derivation straight from their library."""

import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def cipher(method: str, key: bytes, salt: bytes) -> AESGCM | ChaCha20Poly1305:
    """What seals and opens under this salt."""
    kdf = HKDF(algorithm=SHA1(), length=len(key), salt=salt, info=b"ss-subkey")
    subkey = kdf.derive(key)
    return ChaCha20Poly1305(subkey) if method.startswith("chacha20") else AESGCM(subkey)


def nonce(number: int) -> bytes:
    return struct.pack("<QI", number, 0)


def received(method: str, key: bytes, data: bytes) -> bytes:
    """All that the chunks of a client hold."""
    opener, at, number, found = cipher(method, key, data[: len(key)]), len(key), 0, b""
    while at < len(data):
        (length,) = struct.unpack(">H", opener.decrypt(nonce(number), data[at : at + 18], None))
        sealed = data[at + 18 : at + 18 + length + 16]
        found += opener.decrypt(nonce(number + 1), sealed, None)
        at, number = at + 18 + length + 16, number + 2
    return found


def answer(method: str, key: bytes, *chunks: bytes, length: int | None = None) -> bytes:
    """A server's bytes: these chunks, all with that ``length`` if one is given."""
    salt = os.urandom(len(key))
    sealer, said = cipher(method, key, salt), salt
    for number, chunk in enumerate(chunks):
        told = struct.pack(">H", len(chunk) if length is None else length)
        said += sealer.encrypt(nonce(2 * number), told, None)
        said += sealer.encrypt(nonce(2 * number + 1), chunk, None)
    return said


def datagram(method: str, key: bytes, plain: bytes) -> bytes:
    """A datagram with exactly this in it."""
    salt = os.urandom(len(key))
    return salt + cipher(method, key, salt).encrypt(nonce(0), plain, None)
