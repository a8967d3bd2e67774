"""What is around a control packet: nothing, an HMAC, or encryption, by a key of the server's.

Each wrapping seals what a client sends and opens what a server sends. Opening raises
NotAuthenticError for a packet that has the right shape and was not made with the key.
"""

import hashlib
import hmac
import struct
from typing import Final, NamedTuple, Protocol

from probe.core.failure import MalformedReplyError
from probe.wire.openvpn.keys import ClientKey
from probe.wire.openvpn.packets import HEAD, NAME, Opcode

# Names of OpenSSL's as ``auth`` takes them, and hashlib's.
DIGESTS: Final = {
    "SHA1": "sha1",
    "SHA224": "sha224",
    "SHA256": "sha256",
    "SHA384": "sha384",
    "SHA512": "sha512",
    "SHA3-256": "sha3_256",
    "SHA3-512": "sha3_512",
    "MD5": "md5",
}
_STAMP: Final = 8  # bytes: a number and a time
_TAG: Final = 32
_HALF: Final = 128  # bytes of a static key; in each, the HMAC's part begins in the middle
_MAC: Final = 64
_EARLY: Final = 0x0F000000  # packet_id.h: numbers above it say "I know early negotiation"


class NotAuthenticError(MalformedReplyError):
    """A packet that the key has not made."""


class Stamp(NamedTuple):
    """A replay id: the packet's number and the time, in seconds, at which its sender began."""

    number: int
    time: int

    def packed(self) -> bytes:
        """As it is sent: eight bytes."""
        return struct.pack("!II", self.number, self.time & 0xFFFFFFFF)


class Wrapping(Protocol):
    """What stands between a packet and the wire.

    ``name`` is OpenVPN's option; ``first`` the number of the first replay id; ``overhead`` how many
    bytes it adds to a packet; ``reset`` the opcode of a client's first packet.
    """

    name: str
    first: int
    overhead: int
    reset: Opcode

    def seal(self, head: bytes, body: bytes, stamp: Stamp) -> bytes:
        """What is sent in place of this packet."""

    def open(self, data: bytes) -> tuple[bytes, bytes]:
        """Head and body of a packet that a server sent; raises only MalformedReplyError."""

    def trailer(self, opcode: Opcode) -> bytes:
        """What is sent behind a packet with this opcode, outside of it."""


class Plain:
    """No wrapping."""

    name, first, overhead, reset = "none", 1, 0, Opcode.HARD_RESET_CLIENT_V2

    def seal(self, head: bytes, body: bytes, stamp: Stamp) -> bytes:  # noqa: ARG002
        """As it is; there is no replay id."""
        return head + body

    def open(self, data: bytes) -> tuple[bytes, bytes]:
        """As it is."""
        return data[:HEAD], data[HEAD:]

    def trailer(self, opcode: Opcode) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""


class TlsAuth:
    """``tls-auth``: an HMAC over everything, and a replay id."""

    name, first, reset = "tls-auth", 1, Opcode.HARD_RESET_CLIENT_V2

    def __init__(self, key: bytes, digest: str, direction: int | None) -> None:
        """A static key's 256 bytes, a name of ``DIGESTS``, and the client's ``key-direction``."""
        self._digest = DIGESTS[digest]
        self._size = hashlib.new(self._digest, usedforsecurity=False).digest_size
        to_server = _HALF if direction == 1 else 0
        to_client = 0 if direction != 0 else _HALF
        self._sending = _hmac_part(key, to_server, self._size)
        self._receiving = _hmac_part(key, to_client, self._size)
        self.overhead = self._size + _STAMP

    def seal(self, head: bytes, body: bytes, stamp: Stamp) -> bytes:
        """Head, HMAC, replay id, body."""
        made = self._hmac(self._sending, stamp.packed() + head + body)
        return head + made + stamp.packed() + body

    def open(self, data: bytes) -> tuple[bytes, bytes]:
        """Head and body, if the server's key made the HMAC."""
        head, rest = data[:HEAD], data[HEAD + self._size :]
        if len(rest) <= _STAMP:
            raise NotAuthenticError(NAME, "too short for an HMAC")
        made = self._hmac(self._receiving, rest[:_STAMP] + head + rest[_STAMP:])
        if not hmac.compare_digest(made, data[HEAD : HEAD + self._size]):
            raise NotAuthenticError(NAME, "its HMAC was not made with this key")
        return head, rest[_STAMP:]

    def trailer(self, opcode: Opcode) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self._digest)


class TlsCrypt:
    """``tls-crypt``: everything behind the session id is encrypted."""

    name, first, reset = "tls-crypt", 1, Opcode.HARD_RESET_CLIENT_V2
    overhead: int = _STAMP + _TAG

    def __init__(self, key: bytes) -> None:
        """A static key's 256 bytes: the second half is the client's, the first the server's."""
        self._sending = key[_HALF : _HALF + 32], _hmac_part(key, _HALF, 32)
        self._receiving = key[:32], _hmac_part(key, 0, 32)

    def seal(self, head: bytes, body: bytes, stamp: Stamp) -> bytes:
        """Head, replay id, tag, the body encrypted."""
        cipher, mac = self._sending
        start = head + stamp.packed()
        tag = hmac.digest(mac, start + body, "sha256")
        return start + tag + _aes_ctr(cipher, tag, body)

    def open(self, data: bytes) -> tuple[bytes, bytes]:
        """Head and body, if the server's key made the tag."""
        cipher, mac = self._receiving
        start, tag = data[: HEAD + _STAMP], data[HEAD + _STAMP : HEAD + _STAMP + _TAG]
        hidden = data[HEAD + _STAMP + _TAG :]
        if not hidden:
            raise NotAuthenticError(NAME, "too short to be encrypted")
        body = _aes_ctr(cipher, tag, hidden)
        if not hmac.compare_digest(hmac.digest(mac, start + body, "sha256"), tag):
            raise NotAuthenticError(NAME, "it was not encrypted with this key")
        return data[:HEAD], body

    def trailer(self, opcode: Opcode) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""


class TlsCryptV2(TlsCrypt):
    """``tls-crypt-v2``: the same with a key of this client's, which travels along."""

    name, first, reset = "tls-crypt-v2", _EARLY + 1, Opcode.HARD_RESET_CLIENT_V3

    def __init__(self, key: ClientKey) -> None:
        """The client's key, and the same wrapped for the server."""
        super().__init__(key.key)
        self._wrapped = key.wrapped

    def trailer(self, opcode: Opcode) -> bytes:
        """The wrapped key, behind the packets that carry it."""
        carries = opcode in {Opcode.HARD_RESET_CLIENT_V3, Opcode.CONTROL_WKC_V1}
        return self._wrapped if carries else b""


def _hmac_part(key: bytes, half: int, size: int) -> bytes:
    return key[half + _MAC : half + _MAC + size]


def _aes_ctr(key: bytes, tag: bytes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    working = Cipher(algorithms.AES256(key), modes.CTR(tag[:16])).encryptor()
    return working.update(data) + working.finalize()
