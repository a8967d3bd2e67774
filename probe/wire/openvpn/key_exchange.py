"""Key method 2: what both ends say first inside the control channel's TLS, and the keys of it.

**Theory.** Each end sends one message: four zero bytes, the method's number, its secrets, and texts
of which each has its length before it (two bytes) and a NUL at its end, which counts. The client's
secrets are a *pre-master secret* of 48 bytes and two randoms of 32; its texts are its options, user
name, password, and *peer info* (lines ``IV_…=…``: what it understands). The server's secrets are
two randoms, and of its texts only the options matter here.

The data channel's keys come of the PRF of TLS 1.0 (RFC 2246, section 5), twice: the pre-master
secret and the first randoms give a master secret; that, the second randoms and both session ids
give 256 bytes: 128 for the packets from the client, then 128 for those to it, each 64 for a cipher
and 64 for an HMAC. TLS hides the secrets, so that all of it is as safe as TLS is.

Sources: the chapters "Key generation" and "OpenVPN's network protocol" of OpenVPN's developer
documentation, and src/openvpn/ssl.c of OpenVPN 2.6 (``key_method_2_write``, ``openvpn_PRF``).
"""

import hmac
import os
import struct
from dataclasses import dataclass, field
from typing import Final

from probe.core.failure import MalformedReplyError
from probe.wire.openvpn.packets import NAME

KEYS: Final = 256  # bytes
LONGEST: Final = 4096  # bytes of a message; OpenVPN itself has room for 2048
_METHOD: Final = 2
_RANDOM: Final = 32
_PRE_MASTER: Final = 48
_MASTER: Final = 48
_HEAD: Final = 5 + 2 * _RANDOM  # bytes of the server's message before its options


def _random() -> bytes:
    return os.urandom(_RANDOM)


@dataclass(frozen=True, slots=True)
class Offer:
    """The client's secrets, drawn for one session."""

    pre_master: bytes = field(default_factory=lambda: os.urandom(_PRE_MASTER), repr=False)
    first: bytes = field(default_factory=_random, repr=False)
    second: bytes = field(default_factory=_random, repr=False)

    def message(self, *, options: str, username: str, password: str, info: str) -> bytes:
        """The client's message; what it holds is secret, and belongs inside TLS."""
        texts = b"".join(_text(text) for text in (options, username, password, info))
        return bytes(4) + bytes([_METHOD]) + self.pre_master + self.first + self.second + texts


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's secrets and its ``options``, such as ``dev-type tun``."""

    first: bytes = field(repr=False)
    second: bytes = field(repr=False)
    options: tuple[str, ...] = ()


def read_reply(data: bytes) -> Reply | None:
    """What a server said; None while it is not complete. MalformedReplyError if it is none."""
    if any(data[:4]):
        raise MalformedReplyError(NAME, "a key exchange begins with four zero bytes")
    if data[4:5] and data[4] & 0x0F != _METHOD:
        raise MalformedReplyError(NAME, f"key method {data[4] & 0x0F}")
    if len(data) > LONGEST:
        raise MalformedReplyError(NAME, f"a key exchange of {len(data)} bytes")
    length = int.from_bytes(data[_HEAD : _HEAD + 2])
    if length > LONGEST - _HEAD:
        raise MalformedReplyError(NAME, f"a key exchange with a text of {length} bytes")
    text = data[_HEAD + 2 : _HEAD + 2 + length]
    if len(data) < _HEAD + 2 or len(text) < length:
        return None
    options = text.rstrip(b"\0").decode("latin-1").split(",")
    return Reply(data[5 : 5 + _RANDOM], data[5 + _RANDOM : _HEAD], tuple(options))


def data_keys(offer: Offer, reply: Reply, client: bytes, server: bytes) -> bytes:
    """The data channel's 256 bytes; ``client`` and ``server`` are the session ids."""
    seed = b"OpenVPN master secret" + offer.first + reply.first
    master = prf(offer.pre_master, seed, _MASTER)
    seed = b"OpenVPN key expansion" + offer.second + reply.second + client + server
    return prf(master, seed, KEYS)


def prf(secret: bytes, seed: bytes, size: int) -> bytes:
    """RFC 2246, section 5: the halves of the secret, which share the middle byte of an odd one."""
    half = (len(secret) + 1) // 2
    left, right = _hash(secret[:half], "md5", seed, size), _hash(secret[-half:], "sha1", seed, size)
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _hash(secret: bytes, digest: str, seed: bytes, size: int) -> bytes:
    out, chained = b"", seed
    while len(out) < size:
        chained = hmac.digest(secret, chained, digest)
        out += hmac.digest(secret, chained + seed, digest)
    return out[:size]


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return struct.pack("!H", len(data)) + data
