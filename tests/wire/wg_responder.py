"""The other end of WireGuard's handshake, for tests: what a server does with an initiation."""

import os
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from probe.wire.wireguard import _hash, _hchacha20, _kdf, _mac, public_of
from probe.wire.wireguard_transport import Session

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
PROLOGUE = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


@dataclass
class Responder:
    """A server with one peer; ``seen`` are the timestamps that it was shown, ``session`` is that
    of the newest handshake: a real one forgets an unused one for it too."""

    peer: bytes
    psk: bytes = bytes(32)
    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    seen: list[bytes] = field(default_factory=list)
    session: Session | None = None

    @property
    def public(self) -> bytes:
        return public_of(self.private)

    def response(self, initiation: bytes) -> bytes | None:
        """Its answer; None, as a real one is silent, for whom it does not know."""
        sender, shown = initiation[4:8], initiation[8:40]
        if _mac(_hash(b"mac1----", self.public), initiation[:116]) != initiation[116:132]:
            return None
        theirs = X25519PublicKey.from_public_bytes(shown)
        chain = _hash(CONSTRUCTION)
        transcript = _hash(_hash(_hash(chain, PROLOGUE), self.public), shown)
        (chain,) = _kdf(1, chain, shown)
        chain, key = _kdf(2, chain, self.private.exchange(theirs))
        static = ChaCha20Poly1305(key).decrypt(bytes(12), initiation[40:88], transcript)
        if static != self.peer:
            return None
        known = X25519PublicKey.from_public_bytes(static)
        transcript = _hash(transcript, initiation[40:88])
        chain, key = _kdf(2, chain, self.private.exchange(known))
        stamp = ChaCha20Poly1305(key).decrypt(bytes(12), initiation[88:116], transcript)
        if self.seen and stamp <= max(self.seen):
            return None
        self.seen.append(stamp)
        transcript = _hash(transcript, initiation[88:116])
        ephemeral = X25519PrivateKey.generate()
        (chain,) = _kdf(1, chain, public_of(ephemeral))
        (chain,) = _kdf(1, chain, ephemeral.exchange(theirs))
        (chain,) = _kdf(1, chain, ephemeral.exchange(known))
        chain, mixed, key = _kdf(3, chain, self.psk)
        transcript = _hash(_hash(transcript, public_of(ephemeral)), mixed)
        tag = ChaCha20Poly1305(key).encrypt(bytes(12), b"", transcript)
        receiving, sending = _kdf(2, chain, b"")
        index = os.urandom(4)
        self.session = Session(index, sender, sending, receiving)
        message = b"\2\0\0\0" + index + sender + public_of(ephemeral) + tag
        return message + _mac(_hash(b"mac1----", static), message) + bytes(16)

    def cookie(self, initiation: bytes, value: bytes = b"sixteen bytes!!!") -> bytes:
        """What it says under load."""
        nonce = os.urandom(24)
        key = _hchacha20(_hash(b"cookie--", self.public), nonce[:16])
        sealed = ChaCha20Poly1305(key).encrypt(bytes(4) + nonce[16:], value, initiation[116:132])
        return b"\3\0\0\0" + initiation[4:8] + nonce + sealed


def seconds(stamp: bytes) -> int:
    """The UTC seconds of a timestamp."""
    return struct.unpack(">Q", stamp[:8])[0] - 2**62 - 10
