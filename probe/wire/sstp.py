"""SSTP's call connection: PPP inside HTTPS, as Windows speaks it (MS-SSTP).

Theory of operation. Inside TLS the client sends an HTTP request of a method of its own whose body
has the greatest length that 64 bits can say, and the server answers with a body of the same length:
from there on both are one stream of packets (section 3.2.4.1). A packet has four octets of head, in
which twelve bits are its length; control packets have a type and attributes (section 2.2). The
client asks for PPP to be carried, and the server, which does not know yet who asks, acknowledges
with a nonce that a later authentication has to be bound to, or refuses with a reason.

The answer is bound to its question by the connection; nothing in it repeats anything. Whoever
leaves says so by a Call Disconnect, which is acknowledged.
"""

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "sstp"
METHOD: Final = "SSTP_DUPLEX_POST"
PATH: Final = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"
LENGTH: Final = str(2**64 - 1)  # of both bodies
HEAD: Final = 4  # octets before everything else in a packet
MESSAGES: Final = {
    1: "CALL_CONNECT_REQUEST",
    2: "CALL_CONNECT_ACK",
    3: "CALL_CONNECT_NAK",
    4: "CALL_CONNECTED",
    5: "CALL_ABORT",
    6: "CALL_DISCONNECT",
    7: "CALL_DISCONNECT_ACK",
    8: "ECHO_REQUEST",
    9: "ECHO_RESPONSE",
}
ACK, NAK, ABORT, DISCONNECT, DISCONNECT_ACK = 2, 3, 5, 6, 7
# Section 2.2.6: why a call is refused or aborted.
STATUSES: Final = {
    0: "NO_ERROR",
    1: "DUPLICATE_ATTRIBUTE",
    2: "UNRECOGNIZED_ATTRIBUTE",
    3: "INVALID_ATTRIB_VALUE_LENGTH",
    4: "VALUE_NOT_SUPPORTED",
    5: "UNACCEPTED_FRAME_RECEIVED",
    6: "RETRY_COUNT_EXCEEDED",
    7: "INVALID_FRAME_RECEIVED",
    8: "NEGOTIATION_TIMEOUT",
    9: "ATTRIB_NOT_SUPPORTED_IN_MSG",
    10: "REQUIRED_ATTRIBUTE_MISSING",
    11: "STATUS_INFO_NOT_SUPPORTED_IN_MSG",
}
_HASHES: Final = {1: "sha1", 2: "sha256"}
_VERSION: Final = 0x10
_CONNECT_REQUEST: Final = 1
_PROTOCOL_ID, _STATUS, _BINDING_REQUEST = 1, 2, 4
_PPP: Final = 1
_BINDING: Final = 36  # octets: three reserved, the hashes, the nonce
_ATTRIBUTES: Final = 16  # in one message, at most


def correlation() -> str:
    """An id by which a client tells its own requests apart in logs."""
    return f"{{{str(uuid.uuid4()).upper()}}}"


def connect_request() -> bytes:
    """Ask for PPP to be carried."""
    return _control(_CONNECT_REQUEST, (_PROTOCOL_ID, struct.pack(">H", _PPP)))


def disconnect() -> bytes:
    """Leave in good order."""
    return _control(DISCONNECT)


def disconnect_ack() -> bytes:
    """Let the other one leave."""
    return _control(DISCONNECT_ACK)


def read_head(head: bytes) -> tuple[bool, int]:
    """Whether a packet is a control packet, and how many octets of it follow these four."""
    if len(head) != HEAD:
        raise MalformedReplyError(PROTOCOL, "a packet is cut short")
    version, kind, length = struct.unpack(">BBH", head)
    if version != _VERSION:
        raise MalformedReplyError(PROTOCOL, f"is of version {version >> 4}.{version & 15}")
    length &= 0x0FFF  # the four bits before it are reserved
    if length < HEAD:
        raise MalformedReplyError(PROTOCOL, f"a packet of {length} octets")
    return bool(kind & 1), length - HEAD


@dataclass(frozen=True, slots=True)
class Message:
    """A control packet: its type, the hashes that an acknowledgement offers, a refusal's reason."""

    kind: int
    hashes: tuple[str, ...] = ()
    status: str = ""

    @property
    def name(self) -> str:
        """The type in the standard's words."""
        return MESSAGES[self.kind]


def read_control(body: bytes) -> Message:
    """A control packet without its head. MalformedReplyError if it is none that a server sends."""
    if len(body) < 4:
        raise MalformedReplyError(PROTOCOL, "a message is cut short")
    kind, count = struct.unpack_from(">HH", body)
    if kind not in MESSAGES:
        raise MalformedReplyError(PROTOCOL, f"is of type {kind}")
    if kind == _CONNECT_REQUEST:
        raise MalformedReplyError(PROTOCOL, "is a request, as ours was")
    hashes: tuple[str, ...] = ()
    status = ""
    for name, value in _attributes(body[4:], count):
        if name == _BINDING_REQUEST:
            if len(value) != _BINDING:
                raise MalformedReplyError(PROTOCOL, "a nonce of another length")
            hashes = tuple(word for bit, word in _HASHES.items() if value[3] & bit)
        elif name == _STATUS:
            status = status or _reason(value)
    if kind == ACK and not hashes:
        raise MalformedReplyError(PROTOCOL, "an acknowledgement without its nonce")
    return Message(kind, hashes, status)


def _reason(value: bytes) -> str:
    if len(value) < 8:
        raise MalformedReplyError(PROTOCOL, "a status is cut short")
    number = int.from_bytes(value[4:8])
    return STATUSES.get(number, str(number))


def _attributes(data: bytes, count: int) -> Iterator[tuple[int, bytes]]:
    if count > _ATTRIBUTES:
        raise MalformedReplyError(PROTOCOL, f"says that it has {count} attributes")
    at = 0
    for _ in range(count):
        if len(data) < at + 4:
            raise MalformedReplyError(PROTOCOL, "an attribute is cut short")
        _, name, length = struct.unpack_from(">BBH", data, at)
        length &= 0x0FFF
        if length < 4 or at + length > len(data):
            raise MalformedReplyError(PROTOCOL, "an attribute is longer than the message")
        yield name, data[at + 4 : at + length]
        at += length
    if at != len(data):
        raise MalformedReplyError(PROTOCOL, "more follows than was said")


def _control(kind: int, *attributes: tuple[int, bytes]) -> bytes:
    body = struct.pack(">HH", kind, len(attributes)) + b"".join(
        struct.pack(">BBH", 0, name, 4 + len(value)) + value for name, value in attributes
    )
    return struct.pack(">BBH", _VERSION, 1, HEAD + len(body)) + body
