"""obfs4's handshake: ntor, behind keys and padding that look random (obfs4-spec.txt, section 4).

Theory of operation. The bridge line holds the server's identity (20 octets) and its public key B.
The client begins with the representative of a new key X (``elligator2``), 85 to 8128 random octets,
a mark that only who has the bridge line can find, and a MAC over all of it with the hour. The
server answers alike, with a proof that it holds the private key of B (ntor, tor-spec 5.1.4). To
everybody else, to a repetition, and where the hours are further apart than one it is silent.

The answer's MAC holds the hour that we sent, and its proof our key: it is bound to this question.
"""

import base64
import binascii
import hmac
import os
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probe.core.failure import MalformedReplyError
from probe.wire import elligator2

PROTOCOL: Final = "obfs4"
NODE: Final = 20  # octets of the server's identity
KEY: Final = 32
MARK: Final = 16  # octets of a mark and of a MAC
LARGEST: Final = 8192  # octets of either side's handshake
PADDING: Final = (85, 8128)
_ID: Final = b"ntor-curve25519-sha256-1"


def read_cert(text: str) -> bytes:
    """The identity and the key in a bridge line's ``cert``. ValueError, without it, for anything
    else."""
    try:
        found = base64.b64decode(text.strip().rstrip("=") + "==", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != NODE + KEY:
        raise ValueError("a bridge's cert is 70 characters of base64")
    return found


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")[:MARK]


class Client:
    """One handshake."""

    def __init__(self, cert: bytes) -> None:
        """Take what ``read_cert`` gives, and draw a key. ValueError for a B that is no key."""
        self._node, self._public = cert[:NODE], cert[NODE:]
        self._theirs = X25519PublicKey.from_public_bytes(self._public)
        self._mac_key = self._public + self._node
        shown = None
        while shown is None:
            self._private = X25519PrivateKey.generate()
            self._x = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            shown = elligator2.representative(self._x)
        self._shown = shown
        self._hour = b""
        self._waiting = b""

    def hello(self, now: datetime) -> bytes:
        """The client's part, dated ``now`` to the hour."""
        self._hour = str(int(now.timestamp()) // 3600).encode()
        least, most = PADDING
        padding = os.urandom(least + int.from_bytes(os.urandom(4)) % (most - least + 1))
        said = self._shown + padding + _mac(self._mac_key, self._shown)
        return said + _mac(self._mac_key, said + self._hour)

    def feed(self, data: bytes) -> bool:
        """Take what arrived; True once the server has proved itself.

        MalformedReplyError for what only looks like an answer, or is none within the limit.
        """
        self._waiting = (self._waiting + data)[: LARGEST + 1]
        if len(self._waiting) < 2 * KEY + 2 * MARK:
            return False
        shown, proof = self._waiting[:KEY], self._waiting[KEY : 2 * KEY]
        at = self._waiting.find(_mac(self._mac_key, shown), 2 * KEY, LARGEST - MARK)
        end = at + 2 * MARK
        if at < 0 or len(self._waiting) < end:
            if len(self._waiting) > LARGEST:
                raise MalformedReplyError(PROTOCOL, f"no mark within {LARGEST} bytes")
            return False
        said, mac = self._waiting[: end - MARK], self._waiting[end - MARK : end]
        if not hmac.compare_digest(_mac(self._mac_key, said + self._hour), mac):
            raise MalformedReplyError(PROTOCOL, "an answer with a wrong MAC")
        if not hmac.compare_digest(self._proof(elligator2.public_of(shown)), proof):
            raise MalformedReplyError(PROTOCOL, "an answer without the server's key")
        return True

    def _proof(self, y: bytes) -> bytes:
        try:
            secret = self._private.exchange(X25519PublicKey.from_public_bytes(y))
            secret += self._private.exchange(self._theirs)
        except ValueError:
            raise MalformedReplyError(PROTOCOL, "an answer with a key that is none") from None
        # The spec's ntor has B twice here, and so do its servers.
        common = self._public + self._public + self._x + y + _ID + self._node
        verify = hmac.digest(_ID + b":key_verify", secret + common, "sha256")
        return hmac.digest(_ID + b":mac", verify + common + b"Server", "sha256")
