"""The server's side of obfs4, by its specification."""

import hmac
import os

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probe.wire import elligator2


def raw(private: X25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Bridge:
    """A bridge; ``cert`` is what its line holds."""

    def __init__(self) -> None:
        self.node, self._private = os.urandom(20), X25519PrivateKey.generate()
        self.cert = self.node + raw(self._private)
        self._key = self.cert[20:] + self.node

    def _mac(self, data: bytes) -> bytes:
        return hmac.new(self._key, data, "sha256").digest()[:16]

    def hour(self, hello: bytes, now: int) -> bytes | None:
        """The hour that a client's part is dated to, if this bridge is meant and it is near."""
        if self._mac(hello[:32]) != hello[-32:-16]:
            return None
        for hour in (now - 1, now, now + 1):
            if self._mac(hello[:-16] + str(hour).encode()) == hello[-16:]:
                return str(hour).encode()
        return None

    def answer(self, hello: bytes, hour: bytes, padding: bytes = b"p" * 50) -> bytes:
        """The server's part."""
        shown = None
        while shown is None:
            private = X25519PrivateKey.generate()
            shown = elligator2.representative(raw(private))
        x, y, b = elligator2.public_of(hello[:32]), raw(private), self.cert[20:]
        client, name = X25519PublicKey.from_public_bytes(x), b"ntor-curve25519-sha256-1"
        common = b + b + x + y + name + self.node
        secret = private.exchange(client) + self._private.exchange(client) + common
        verify = hmac.new(name + b":key_verify", secret, "sha256").digest()
        proof = hmac.new(name + b":mac", verify + common + b"Server", "sha256").digest()
        said = shown + proof + padding + self._mac(shown)
        return said + self._mac(said + hour)
