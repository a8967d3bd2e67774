"""WireGuard's handshake: an initiation, and what may come back (whitepaper, section 5.4).

Theory of operation. Noise_IKpsk2 over X25519, ChaCha20-Poly1305 and BLAKE2s. The initiation holds
an ephemeral key, the initiator's own public key encrypted to the responder, and a timestamp. The
responder answers only if that key is one of its peers' and the timestamp is newer than the last
one; to everybody else it is silent, by design. So an answer is proof and silence is none.

* A *response* is bound to the initiation by its sender index, by ``mac1``, which takes our public
  key, and by a tag that only the responder's key can make. Where a pre-shared key is missing or
  wrong the tag alone fails, because that key enters nothing that we sent.
* A *cookie* comes from a responder under load, to anybody whose ``mac1`` is right. It is encrypted
  with our own ``mac1`` as associated data, and is to come back as ``mac2``.

A responder takes the address of a valid initiation for its peer's new endpoint, and never again
listens to an older timestamp: a key that is in use elsewhere must not be used for this.
"""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probe.core.failure import MalformedReplyError
from probe.wire.wireguard_transport import Session

PROTOCOL: Final = "wireguard"
KEY: Final = 32  # bytes of any key
INITIATION: Final = 148  # bytes of the messages
RESPONSE: Final = 92
COOKIE: Final = 64
_CONSTRUCTION: Final = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
_PROLOGUE: Final = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
_TAI: Final = 2**62 + 10  # TAI64's zero, and the ten seconds that UTC was behind in 1970


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2s(b"".join(parts)).digest()


def _mac(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2s(data, digest_size=16, key=key).digest()


def _kdf(count: int, key: bytes, data: bytes) -> list[bytes]:
    """HKDF with HMAC-BLAKE2s, as Noise section 4.3 has it."""
    secret = hmac.digest(key, data, "blake2s")
    outputs, last = [], b""
    for number in range(1, count + 1):
        last = hmac.digest(secret, last + bytes([number]), "blake2s")
        outputs.append(last)
    return outputs


def public_of(private: X25519PrivateKey) -> bytes:
    """The 32 bytes of a private key's public one."""
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _tai64n(at: datetime) -> bytes:
    seconds, microseconds = divmod(int(at.timestamp() * 1_000_000), 1_000_000)
    return struct.pack(">QI", _TAI + seconds, microseconds * 1000)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``kind`` is ``response`` or ``cookie``; ``complete`` says that the response's
    tag was right too: else the pre-shared keys differ. ``cookie`` is what ``mac2`` is made with.
    A complete response begins a ``session``; ``number`` is that of the initiation it answers.
    """

    kind: str
    complete: bool = False
    cookie: bytes = b""
    number: int = field(default=0, compare=False)
    session: Session | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Sent:
    """One initiation: what its answer is read with. The first one's ``number`` is 1."""

    number: int
    ephemeral: X25519PrivateKey
    chain: bytes
    transcript: bytes
    mac1: bytes


class Initiator:
    """Makes initiations with one key, each of them new, and reads what comes back to any."""

    def __init__(self, private: bytes, responder: bytes, psk: bytes = bytes(KEY)) -> None:
        """Take raw keys of 32 bytes: ours, the responder's public one, the pre-shared one.

        ValueError for a public key with which nobody can agree on anything (RFC 7748 section 6.1).
        """
        self._private = X25519PrivateKey.from_private_bytes(private)
        self._responder = X25519PublicKey.from_public_bytes(responder)
        self._responder_raw, self._psk = responder, psk
        self._public = public_of(self._private)
        self._static = self._private.exchange(self._responder)
        self._sent: dict[bytes, _Sent] = {}

    def initiation(self, now: datetime, cookie: bytes = b"") -> bytes:
        """A new initiation, dated ``now``; with a cookie, for a responder that asked for it."""
        ephemeral, index = X25519PrivateKey.generate(), os.urandom(4)
        shown = public_of(ephemeral)
        chain = _hash(_CONSTRUCTION)
        transcript = _hash(_hash(_hash(chain, _PROLOGUE), self._responder_raw), shown)
        (chain,) = _kdf(1, chain, shown)
        chain, key = _kdf(2, chain, ephemeral.exchange(self._responder))
        static = ChaCha20Poly1305(key).encrypt(bytes(12), self._public, transcript)
        transcript = _hash(transcript, static)
        chain, key = _kdf(2, chain, self._static)
        timestamp = ChaCha20Poly1305(key).encrypt(bytes(12), _tai64n(now), transcript)
        transcript = _hash(transcript, timestamp)
        message = b"\1\0\0\0" + index + shown + static + timestamp
        mac1 = _mac(_hash(b"mac1----", self._responder_raw), message)
        mac2 = _mac(cookie, message + mac1) if cookie else bytes(16)
        self._sent[index] = _Sent(len(self._sent) + 1, ephemeral, chain, transcript, mac1)
        return message + mac1 + mac2

    def read(self, data: bytes) -> Answer | None:
        """An answer to one of the initiations; None for what is bound to none of them.

        MalformedReplyError for what bears one's index and nobody with the right keys has sent.
        """
        if len(data) < 12:
            return None
        kind = data[:4]
        if kind == b"\2\0\0\0" and (sent := self._sent.get(data[8:12])):
            return self._response(data, sent)
        if kind == b"\3\0\0\0" and (sent := self._sent.get(data[4:8])):
            return self._cookie(data, sent)
        return None

    def _response(self, data: bytes, sent: _Sent) -> Answer:
        if len(data) != RESPONSE:
            raise MalformedReplyError(PROTOCOL, f"a response of {len(data)} bytes")
        if _mac(_hash(b"mac1----", self._public), data[:60]) != data[60:76]:
            raise MalformedReplyError(PROTOCOL, "a response with a wrong mac1")
        theirs, tag = data[12:44], data[44:60]
        try:
            public = X25519PublicKey.from_public_bytes(theirs)
            (chain,) = _kdf(1, sent.chain, theirs)
            (chain,) = _kdf(1, chain, sent.ephemeral.exchange(public))
            (chain,) = _kdf(1, chain, self._private.exchange(public))
        except ValueError:
            raise MalformedReplyError(PROTOCOL, "a response with a key that is none") from None
        chain, mixed, key = _kdf(3, chain, self._psk)
        transcript = _hash(_hash(sent.transcript, theirs), mixed)
        try:
            ChaCha20Poly1305(key).decrypt(bytes(12), tag, transcript)
        except InvalidTag:
            return Answer("response")
        sending, receiving = _kdf(2, chain, b"")
        session = Session(data[8:12], data[4:8], sending, receiving)
        return Answer("response", complete=True, number=sent.number, session=session)

    def _cookie(self, data: bytes, sent: _Sent) -> Answer:
        if len(data) != COOKIE:
            raise MalformedReplyError(PROTOCOL, f"a cookie reply of {len(data)} bytes")
        key = _hash(b"cookie--", self._responder_raw)
        nonce, sealed = data[8:32], data[32:]
        try:
            # XChaCha20-Poly1305: a key of its own from 16 bytes of the nonce (RFC draft, 2.3).
            cipher = ChaCha20Poly1305(_hchacha20(key, nonce[:16]))
            cookie = cipher.decrypt(bytes(4) + nonce[16:], sealed, sent.mac1)
        except InvalidTag:
            raise MalformedReplyError(PROTOCOL, "a cookie that is not the responder's") from None
        return Answer("cookie", cookie=cookie)


def _hchacha20(key: bytes, nonce: bytes) -> bytes:
    """The first and last row of ChaCha20's state after its rounds, without adding what it began
    with (draft-irtf-cfrg-xchacha, section 2.2)."""
    state = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key)]
    state += struct.unpack("<4I", nonce)
    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for a, b, c, d in (columns + diagonals) * 10:
        for one, other, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[one] = (state[one] + state[other]) & 0xFFFFFFFF
            mixed = state[turned] ^ state[one]
            state[turned] = (mixed << bits | mixed >> (32 - bits)) & 0xFFFFFFFF
    return struct.pack("<8I", *state[:4], *state[12:])
