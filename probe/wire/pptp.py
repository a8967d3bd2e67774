"""PPTP's control connection: start and stop (RFC 2637).

Theory of operation. Over TCP each side sends messages of a fixed length that all have the same
number in them, 1a2b3c4d (section 2). The client says what it is and asks to start; the server says
what it is and whether it likes that, before it knows who asks. Whoever wants to leave asks to stop,
and the other one answers. The calls themselves go over GRE, which is another protocol beside TCP:
that it would pass is not shown by any of this.

Nothing in the answer repeats anything of the question: the number is the same for everybody.
"""

import struct
from dataclasses import dataclass
from typing import Final

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "pptp"
HEAD: Final = 10  # octets before everything else in a message: length, two types and the number
_MAGIC: Final = 0x1A2B3C4D
_CONTROL: Final = 1
START_REQUEST, START_REPLY, STOP_REQUEST, STOP_REPLY, ECHO_REQUEST = 1, 2, 3, 4, 5
# Octets of the messages that a server may send while a connection starts and stops.
_LENGTHS: Final = {START_REPLY: 156, STOP_REQUEST: 16, STOP_REPLY: 16, ECHO_REQUEST: 16}
MESSAGES: Final = {
    START_REPLY: "Start-Control-Connection-Reply",
    STOP_REQUEST: "Stop-Control-Connection-Request",
    STOP_REPLY: "Stop-Control-Connection-Reply",
    ECHO_REQUEST: "Echo-Request",
}
# Section 2.2: what becomes of a request to start.
RESULTS: Final = {
    1: "established",
    2: "general error",
    3: "exists already",
    4: "not authorized",
    5: "version not supported",
}
_HEADER: Final = struct.Struct(">HHIH")
_START: Final = struct.Struct(">HHBBIIHH64s64s")  # what follows it, reserved octets first
_VERSION: Final = 0x0100
_BOTH: Final = 3  # kinds of framing, and of bearers
_NO_REASON: Final = 1  # to stop, but that it is wanted


def start() -> bytes:
    """Ask to start. The client's name and maker stay empty."""
    return _message(START_REQUEST, _START.pack(0, _VERSION, 0, 0, _BOTH, _BOTH, 0, 0, b"", b""))


def stop() -> bytes:
    """Ask to stop."""
    return _message(STOP_REQUEST, struct.pack(">HBBH", 0, _NO_REASON, 0, 0))


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a server's message: its kind, and how many octets follow."""

    kind: int
    rest: int

    @property
    def name(self) -> str:
        """The kind in the standard's words."""
        return MESSAGES[self.kind]


def read_head(data: bytes) -> Head:
    """Read ten octets. MalformedReplyError if a server's message does not begin so."""
    if len(data) != HEAD:
        raise MalformedReplyError(PROTOCOL, "a message is cut short")
    length, kind, magic, control = _HEADER.unpack(data)
    if magic != _MAGIC or kind != _CONTROL:
        raise MalformedReplyError(PROTOCOL, "lacks the protocol's number")
    if control not in _LENGTHS:
        raise MalformedReplyError(PROTOCOL, f"is of type {control}")
    if length != _LENGTHS[control]:
        raise MalformedReplyError(PROTOCOL, f"type {control} has {length} octets")
    return Head(control, length - HEAD)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said to a request to start: the result in words, an error's number, its
    version of the protocol, and what it calls itself."""

    result: str
    error: int
    version: str
    host: str
    vendor: str


def read_reply(rest: bytes) -> Reply:
    """What follows the head of a Start-Control-Connection-Reply."""
    if len(rest) != _START.size:
        raise MalformedReplyError(PROTOCOL, "a reply is cut short")
    _, version, result, error, _, _, _, _, host, vendor = _START.unpack(rest)
    return Reply(
        RESULTS.get(result, str(result)),
        error,
        f"{version >> 8}.{version & 0xFF}",
        _text(host),
        _text(vendor),
    )


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace")


def _message(control: int, rest: bytes) -> bytes:
    return _HEADER.pack(HEAD + len(rest), _CONTROL, _MAGIC, control) + rest
