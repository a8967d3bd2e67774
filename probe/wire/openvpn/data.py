"""The data channel: packets that are sealed by an authenticated cipher (AEAD), each numbered.

**Theory.** A packet begins with a byte (opcode ``DATA_V2`` << 3 | key id), three bytes that say
which peer of the server's it belongs to, and its number, four bytes, from 1. Then come the tag, 16
bytes, and what is sealed. The nonce is the number and eight bytes of the key (the *implicit IV*);
what stands before the tag is authenticated with the rest. A number counts once, in a sliding
window.

What is sealed is an IP packet, or a *ping*: sixteen fixed bytes by which each end shows the other
that it is there where it has sent nothing for a while. Its sender expects no answer to it. Servers
with ``keepalive n m`` do so every n seconds and push ``ping n`` and ``ping-restart m`` to clients.
A client that leaves over UDP may say so by an *exit* message.

Sources: the chapter "Data channel key generation and protocol" of OpenVPN's developer
documentation; src/openvpn/crypto.c, ping.c and occ.c of OpenVPN 2.6; the draft
specification "OpenVPN wire protocol" (github.com/openvpn/openvpn-rfc), section "Data channel".
"""

import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from probe.wire.openvpn.compression import Marking, mark, unmark
from probe.wire.openvpn.key_exchange import KEYS
from probe.wire.openvpn.packets import Opcode
from probe.wire.replay import ReplayWindow

# Names as OpenVPN has them, and the bytes of a key.
CIPHERS: Final = {"AES-256-GCM": 32, "AES-128-GCM": 16, "CHACHA20-POLY1305": 32}
HEAD: Final = 8  # bytes: opcode, key id and peer; number
TAG: Final = 16
PING: Final = bytes.fromhex("2a187bf3641eb4cb07ed2d0a981fc748")
EXIT: Final = bytes.fromhex("287f346bd4ef7a812d56b8d3afc5459c") + b"\6"
_HALF: Final = 128  # bytes of the keys for one direction
_HMAC: Final = 64  # where the HMAC's part begins, of which the implicit IV is taken
_IV: Final = 8
_WINDOW: Final = 2048  # numbers that may come late
_HEADS: Final = frozenset({Opcode.DATA_V1, Opcode.DATA_V2})


def is_data(data: bytes) -> bool:
    """Whether a packet belongs to the data channel."""
    return bool(data) and data[0] >> 3 in _HEADS


class Session:
    """One session's keys: seals packets for the server, and opens the server's."""

    def __init__(
        self, keys: bytes, cipher: str, peer: int, marking: Marking = Marking.NONE
    ) -> None:
        """Take the 256 bytes of the key exchange, a name of ``CIPHERS``, our number among the
        server's peers, and how it wants packets to be marked."""
        assert len(keys) == KEYS
        make = ChaCha20Poly1305 if cipher == "CHACHA20-POLY1305" else AESGCM
        size = CIPHERS[cipher]
        self._sending, self._receiving = make(keys[:size]), make(keys[_HALF : _HALF + size])
        self._sending_iv = keys[_HMAC : _HMAC + _IV]
        self._receiving_iv = keys[_HALF + _HMAC : _HALF + _HMAC + _IV]
        self._first = struct.pack("!I", Opcode.DATA_V2 << 27 | peer)
        self._sent = 0
        self._window = ReplayWindow(_WINDOW)
        self._marking = marking

    def seal(self, packet: bytes = b"") -> bytes:
        """What is sent for a packet; without one, for a ping."""
        self._sent += 1
        number = struct.pack("!I", self._sent)
        head = self._first + number
        plain = mark(self._marking, packet or PING)
        sealed = self._sending.encrypt(number + self._sending_iv, plain, head)
        return head + sealed[-TAG:] + sealed[:-TAG]

    def open(self, data: bytes) -> bytes | None:
        """The packet in what came, empty for a ping; None for what the server did not seal in this
        session, or what came before."""
        head, tag, sealed = data[:HEAD], data[HEAD : HEAD + TAG], data[HEAD + TAG :]
        if not sealed or head[0] != Opcode.DATA_V2 << 3 or self.replayed(data):
            return None
        try:
            plain = self._receiving.decrypt(head[4:] + self._receiving_iv, sealed + tag, head)
        except InvalidTag:
            return None
        self._window.note(int.from_bytes(head[4:]))
        packet = unmark(self._marking, plain)
        return b"" if packet == PING else packet

    def replayed(self, data: bytes) -> bool:
        """Whether a packet bears a number that was taken before."""
        return len(data) >= HEAD and self._window.came_before(int.from_bytes(data[4:HEAD]))
