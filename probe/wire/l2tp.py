"""L2TP's control connection: who wants a tunnel, and what a server says to that (RFC 2661).

Theory of operation. A message has a head of twelve octets, in which the receiver's own number for
the tunnel stands, and attributes behind it (sections 3.1 and 4.1). The client, whose number is
drawn at random, asks with tunnel 0 because it does not know the server's number yet; the server
answers under ours: with its own number (SCCRP), with a refusal (StopCCN), or, where it has nothing
to say, with a bare head that acknowledges (ZLB). It does so before it knows who asks.

Sixteen bits are little to bind an answer by: the head has to be right as well, and the answer has
to acknowledge our message. The same message is sent again where no answer comes (section 5.8): a
new one would be another tunnel. A server holds the tunnel until it is told otherwise (StopCCN).
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "l2tp"
MESSAGES: Final = {
    0: "ZLB",
    1: "SCCRQ",
    2: "SCCRP",
    3: "SCCCN",
    4: "StopCCN",
    6: "HELLO",
}
ZLB, SCCRQ, SCCRP, STOP = 0, 1, 2, 4
_HEADER: Final = struct.Struct(">HHHHHH")
_CONTROL: Final = 0xC802  # a control message with its length and its numbers, of version 2
_RESERVED: Final = 0x34F0  # bits of it that count for nothing
_MANDATORY, _HIDDEN = 0x8000, 0x4000
_TYPE, _RESULT, _VERSION, _FRAMING, _BEARER = 0, 1, 2, 3, 4
_HOST, _VENDOR, _TUNNEL, _WINDOW, _CHALLENGE = 7, 8, 9, 10, 11
_CLEARED: Final = 1  # a result: asked for, and no error
_ATTRIBUTES: Final = 64  # in one message, at most
_LONGEST: Final = 100  # characters of a text that are kept
# Every client has to give its host a name; this one says nothing of the machine.
_NAME: Final = b"anonymous"


def fresh_number() -> int:
    """A client's own number for a tunnel, which may not be zero."""
    while not (number := int.from_bytes(os.urandom(2))):
        pass
    return number


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A tunnel as the client has it."""

    number: int = field(default_factory=fresh_number)

    def request(self) -> bytes:
        """Ask for it (SCCRQ)."""
        return _message(
            0,
            0,
            (_TYPE, SCCRQ.to_bytes(2)),
            (_VERSION, b"\x01\x00"),
            (_FRAMING, (3).to_bytes(4)),  # synchronous and asynchronous
            (_BEARER, (0).to_bytes(4)),
            (_HOST, _NAME),
            (_TUNNEL, self.number.to_bytes(2)),
            (_WINDOW, (4).to_bytes(2)),
        )

    def stop(self, theirs: int) -> bytes:
        """Give it up (StopCCN), once the server's number is known; acknowledges its answer."""
        return _message(
            theirs,
            1,
            (_TYPE, STOP.to_bytes(2)),
            (_RESULT, _CLEARED.to_bytes(2)),
            (_TUNNEL, self.number.to_bytes(2)),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. ``acknowledges`` counts our messages that it has; ``tunnel`` is its own
    number; ``host`` and ``vendor`` are what it calls itself; ``challenge`` says that it wants a
    secret; ``result`` and ``error`` are a refusal's codes."""

    kind: int
    acknowledges: int
    tunnel: int = 0
    host: str = ""
    vendor: str = ""
    challenge: bool = False
    result: int | None = None
    error: int | None = None

    @property
    def name(self) -> str:
        """The kind of message in the standard's words."""
        return MESSAGES[self.kind]


def read_answer(data: bytes, number: int) -> Answer | None:
    """A message to our own number; None for a datagram that is bound to none of ours.

    MalformedReplyError for a control message of our tunnel whose rest is wrong.
    """
    if len(data) < _HEADER.size:
        return None
    flags, length, tunnel, session, _, acknowledges = _HEADER.unpack_from(data)
    if flags & ~_RESERVED != _CONTROL or tunnel != number or session or not acknowledges:
        return None
    if length != len(data):
        raise MalformedReplyError(PROTOCOL, f"says {length} octets and has {len(data)}")
    if length == _HEADER.size:
        return Answer(ZLB, acknowledges)
    found = dict(reversed(list(_attributes(data[_HEADER.size :]))))
    kind = _number(found, _TYPE, 2)
    if kind not in MESSAGES or kind in {ZLB, SCCRQ}:
        raise MalformedReplyError(PROTOCOL, f"is of type {kind}")
    theirs = _number(found, _TUNNEL, 2) if _TUNNEL in found else 0
    if kind == SCCRP and not theirs:
        raise MalformedReplyError(PROTOCOL, "a tunnel without its number")
    result = found.get(_RESULT, b"")
    return Answer(
        kind,
        acknowledges,
        theirs,
        _text(found, _HOST),
        _text(found, _VENDOR),
        _CHALLENGE in found,
        int.from_bytes(result[:2]) if len(result) >= 2 else None,
        int.from_bytes(result[2:4]) if len(result) >= 4 else None,
    )


def _number(found: dict[int, bytes], name: int, size: int) -> int:
    value = found.get(name, b"")
    if len(value) != size:
        raise MalformedReplyError(PROTOCOL, f"attribute {name} has {len(value)} octets")
    return int.from_bytes(value)


def _text(found: dict[int, bytes], name: int) -> str:
    return found.get(name, b"")[:_LONGEST].decode("utf-8", "replace")


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Those of the standard that can be read; what a vendor added or a secret hides is not."""
    at = 0
    for _ in range(_ATTRIBUTES):
        if at == len(data):
            return
        if len(data) < at + 6:
            raise MalformedReplyError(PROTOCOL, "an attribute is cut short")
        head, vendor, name = struct.unpack_from(">HHH", data, at)
        length = head & 0x03FF
        if length < 6 or at + length > len(data):
            raise MalformedReplyError(PROTOCOL, "an attribute is longer than the message")
        if not vendor and not head & _HIDDEN:
            yield name, data[at + 6 : at + length]
        at += length
    raise MalformedReplyError(PROTOCOL, f"has more than {_ATTRIBUTES} attributes")


def _message(tunnel: int, number: int, *attributes: tuple[int, bytes]) -> bytes:
    """A message of ours: so far, as many of the server's are acknowledged as it has number."""
    body = b"".join(
        struct.pack(">HHH", _MANDATORY | 6 + len(value), 0, name) + value
        for name, value in attributes
    )
    length = _HEADER.size + len(body)
    return _HEADER.pack(_CONTROL, length, tunnel, 0, number, number) + body
