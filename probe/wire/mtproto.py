"""MTProto's first question and its answer, as Telegram's clients begin with them.

Theory of operation (core.telegram.org/mtproto: "Creating an Authorization Key", "Transports",
"Transport obfuscation"). Before there is a key, messages go unencrypted: eight zero octets, a
message id that is the time, a length, and the body. The client's first body, ``req_pq_multi``, is a
nonce of 128 random bits; the server's, ``resPQ``, repeats it, beside a number to factor and the
fingerprints of the server's public keys. Asking leaves no account and no session behind.

On the stream each message has a length before it, in one of three ways that the client announces
with its first octets. Today's clients hide all of it: they send 64 random octets, and encrypt
everything from the last eight of them on with AES-256 in counter mode, under keys that stand in
the 64 themselves. It is no secret, only a shape without constants; but only who has read the 64
octets can answer under the keys in them, so such an answer is bound to its question twice.
"""

import os
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "mtproto"
Transport = Literal["abridged", "intermediate", "padded"]
# What the server says instead of an answer, as a negative number: no such key, too many
# connections, no such data centre ("Transport errors"). It is MTProto's own word all the same.
ERRORS: Final = frozenset({404, 429, 444})

_OPENINGS: Final[dict[Transport, bytes]] = {
    "abridged": b"\xef",
    "intermediate": b"\xee" * 4,
    "padded": b"\xdd" * 4,
}
_PADDING: Final = 16  # octets after a message in the padded transport: fewer than this
_MOST: Final = 4096  # octets that an answer may have; the usual one has about a hundred
_REQ_PQ_MULTI, _RES_PQ, _VECTOR = 0xBE7E8EF1, 0x05162463, 0x1CB5C415
_MESSAGE: Final = struct.Struct("<QQI")  # key id, message id, length of the body
_BODY: Final = struct.Struct("<I16s")
_INIT: Final = 64
# Beginnings that the 64 octets must not have: they would be taken for another transport or for
# another protocol on the same port.
_TAKEN: Final = frozenset(
    {b"HEAD", b"POST", b"GET ", b"OPTI", b"\x16\x03\x01\x02", b"\xee" * 4, b"\xdd" * 4}
)


def fresh_nonce() -> bytes:
    """What the answer has to repeat."""
    return os.urandom(16)


def request(nonce: bytes, now: datetime) -> bytes:
    """An unencrypted req_pq_multi. Its id is the time in units of 2^-32 s, a multiple of four."""
    body = _BODY.pack(_REQ_PQ_MULTI, nonce)
    return _MESSAGE.pack(0, int(now.timestamp() * 2**32) & ~3, len(body)) + body


def pack(transport: Transport, message: bytes) -> bytes:
    """A message with its length before it, and padding after it where the transport has some."""
    if transport == "abridged":
        words = len(message) // 4
        head = bytes((words,)) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")
        return head + message
    if transport == "padded":
        message += os.urandom(os.urandom(1)[0] % _PADDING)
    return struct.pack("<I", len(message)) + message


def unpack(transport: Transport, data: bytes) -> bytes | None:
    """The first message of what came so far; None while it is not all there.

    MalformedReplyError for a length that no answer has.
    """
    if transport == "abridged":
        if not data:
            return None
        head, length = 1, data[0] * 4
        if data[0] == 0x7F:
            head, length = 4, int.from_bytes(data[1:4], "little") * 4
            if len(data) < head:
                return None
    else:
        if len(data) < 4:
            return None
        head, length = 4, struct.unpack_from("<I", data)[0]
    if not 4 <= length <= _MOST:
        raise MalformedReplyError(PROTOCOL, f"announces {length} octets")
    return data[head : head + length] if len(data) >= head + length else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: the fingerprints of its keys, or the number of a transport error."""

    keys: tuple[str, ...] = ()
    error: int | None = None


def read_answer(message: bytes, nonce: bytes) -> Answer:
    """The answer to the question with this nonce; MalformedReplyError for whatever else came.

    Octets after the answer are padding, which the transport does not tell from the message.
    """
    if 4 <= len(message) < 4 + _PADDING:
        code = -struct.unpack_from("<i", message)[0]
        if code in ERRORS:
            return Answer(error=code)
    if len(message) < _MESSAGE.size + _BODY.size:
        raise MalformedReplyError(PROTOCOL, "is too short")
    key, _, length = _MESSAGE.unpack_from(message)
    body = message[_MESSAGE.size : _MESSAGE.size + length]
    if key != 0 or len(body) != length or length < _BODY.size:
        raise MalformedReplyError(PROTOCOL, "is no unencrypted message")
    constructor, repeated = _BODY.unpack_from(body)
    if constructor != _RES_PQ:
        raise MalformedReplyError(PROTOCOL, f"is of type {constructor:#010x}")
    if repeated != nonce:
        raise MalformedReplyError(PROTOCOL, "repeats another nonce")
    return Answer(keys=_fingerprints(body[_BODY.size + 16 :]))  # after the server's own nonce


def _fingerprints(data: bytes) -> tuple[str, ...]:
    """The keys after ``pq``, which is a string of fewer than 254 octets with its length first."""
    if not data or data[0] >= 254:
        raise MalformedReplyError(PROTOCOL, "has no number to factor")
    at = (1 + data[0] + 3) // 4 * 4
    if len(data) < at + 8:
        raise MalformedReplyError(PROTOCOL, "is cut short")
    vector, count = struct.unpack_from("<II", data, at)
    if vector != _VECTOR or len(data) < at + 8 + 8 * count:
        raise MalformedReplyError(PROTOCOL, "has no list of keys")
    return tuple(f"{key:016x}" for key in struct.unpack_from(f"<{count}Q", data, at + 8))


class Plain:
    """A connection on which everything is as it is."""

    def __init__(self, transport: Transport) -> None:
        """Announce this transport with the first octets."""
        self.opening = _OPENINGS[transport]

    def seal(self, data: bytes) -> bytes:
        """What goes on the wire for these octets."""
        return data

    def open(self, data: bytes) -> bytes:
        """The octets in what came, in the order in which it came."""
        return data


class Obfuscated:
    """A connection that has no constants in it; ``opening`` is what goes first."""

    def __init__(self, transport: Transport) -> None:
        """Draw 64 octets, and from them the keys of both directions."""
        init = bytearray(_fresh_init())
        init[56:60] = _OPENINGS[transport] * (4 // len(_OPENINGS[transport]))
        reverse = bytes(init[8:56])[::-1]
        self._there = Cipher(AES(bytes(init[8:40])), CTR(bytes(init[40:56]))).encryptor()
        self._back = Cipher(AES(reverse[:32]), CTR(reverse[32:48])).decryptor()
        self.opening = bytes(init[:56]) + self._there.update(bytes(init))[56:]

    def seal(self, data: bytes) -> bytes:
        """What goes on the wire for these octets."""
        return self._there.update(data)

    def open(self, data: bytes) -> bytes:
        """The octets in what came, in the order in which it came."""
        return self._back.update(data)


def _fresh_init() -> bytes:
    while True:
        drawn = os.urandom(_INIT)
        if drawn[0] != 0xEF and drawn[:4] not in _TAKEN and drawn[4:8] != bytes(4):
            return drawn
