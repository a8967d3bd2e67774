"""WireGuard's transport messages: what goes through the tunnel (whitepaper, 5.4.5 and 5.4.6).

Theory of operation. The last key of a handshake gives one key for each direction. A message names
the receiver by the index that it chose, and counts up; packets are padded to 16 bytes and sealed
with the counter as the nonce. A message without a packet is a *keepalive*.

A peer that was sent a packet and has none to send itself sends a keepalive after ten seconds
(6.5), whether anything inside the tunnel answers or not: an acknowledgement by the server itself.
It does so also for packets that it does not pass on, because their sender is not among the peer's
allowed addresses: the implementations start that clock before they look at the address.
"""

import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from probe.wire.replay import ReplayWindow

HEADER: Final = 16  # bytes before what is sealed
TAG: Final = 16
KEEPALIVE_AFTER: Final = 10.0  # seconds
_BLOCK: Final = 16  # bytes that packets are padded to
_WINDOW: Final = 2048  # counters that may come late
_TYPE: Final = b"\4\0\0\0"


class Session:
    """The keys of one handshake: seals packets for the peer, and opens the peer's."""

    def __init__(self, ours: bytes, theirs: bytes, sending: bytes, receiving: bytes) -> None:
        """Take the index that each side chose (4 bytes), and both directions' keys."""
        self.index = ours
        self._theirs = theirs
        self._sending, self._receiving = ChaCha20Poly1305(sending), ChaCha20Poly1305(receiving)
        self._counter = 0
        self._window = ReplayWindow(_WINDOW)

    def seal(self, packet: bytes = b"") -> bytes:
        """A message with this packet; without one, a keepalive."""
        padded = packet + bytes(-len(packet) % _BLOCK)
        head = _TYPE + self._theirs + struct.pack("<Q", self._counter)
        sealed = self._sending.encrypt(bytes(4) + head[8:], padded, b"")
        self._counter += 1
        return head + sealed

    def open(self, data: bytes) -> bytes | None:
        """The packet in a message, padded as it is, empty for a keepalive; None for what the peer
        did not send in this session, or what came before."""
        if len(data) < HEADER + TAG or data[:4] != _TYPE or data[4:8] != self.index:
            return None
        (counter,) = struct.unpack("<Q", data[8:HEADER])
        if self._window.came_before(counter):
            return None
        try:
            packet = self._receiving.decrypt(bytes(4) + data[8:HEADER], data[HEADER:], b"")
        except InvalidTag:
            return None
        self._window.note(counter)
        return packet

    def replayed(self, data: bytes) -> bool:
        """Whether a message bears a counter of this session that was taken before."""
        if len(data) < HEADER or data[:4] != _TYPE or data[4:8] != self.index:
            return False
        return self._window.came_before(struct.unpack("<Q", data[8:HEADER])[0])
