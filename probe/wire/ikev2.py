"""IKE's first messages: bytes to messages and back (RFC 7296; version 1: RFC 2408 and 2409).

Theory of operation. An IKE daemon answers a stranger before it knows who asks, and there are three
ways to make it do so, from light to heavy:

* A header of a major version that nobody speaks. Who speaks version 2 answers with a notification
  INVALID_MAJOR_VERSION (RFC 7296 section 2.5) and keeps no state at all.
* IKE_SA_INIT (exchange 34): a proposal, a Diffie-Hellman value and a nonce. The daemon answers
  with its own, or with a notification that it wants something else; when it is asked often, with
  a cookie that the same request has to bring back (section 2.6). It keeps a half-open association
  for about 30 seconds, so this is not to be repeated at leisure.
* Main mode of version 1 (exchange 2): a proposal alone.

An answer is bound to its request by the initiator's SPI, eight octets that were drawn at random.
On port 500 messages stand alone; on any other port four zero octets go before them, which tell
them from ESP (RFC 3948 section 2.2). Nothing here proves that an authentication would succeed.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "ikev2"
MARKER: Final = bytes(4)  # before a message on another port than 500
PLAIN_PORT: Final = 500
NOBODYS: Final = 0x30  # a major version that does not exist
SA_INIT: Final = 34
_V1, _V2 = 0x10, 0x20
_INITIATOR, _RESPONSE = 0x08, 0x20
_IDENTITY_PROTECTION, _INFORMATIONAL_V1 = 2, 5
_SA, _KE, _NONCE, _NOTIFY = 33, 34, 40, 41
_SA_V1, _NOTIFY_V1 = 1, 11
_COOKIE: Final = 16390
_HEADER: Final = struct.Struct(">8s8sBBBBII")
_PAYLOADS: Final = 32  # in one message, at most; more is an attack

Group = Literal["modp2048", "x25519"]
# Diffie-Hellman groups by IANA's number, and the octets of a public value.
GROUPS: Final[dict[str, tuple[int, int]]] = {"modp2048": (14, 256), "x25519": (31, 32)}

# RFC 7296 section 3.10.1; the rest by number.
NOTIFICATIONS: Final = {
    5: "INVALID_MAJOR_VERSION",
    7: "INVALID_SYNTAX",
    14: "NO_PROPOSAL_CHOSEN",
    17: "INVALID_KE_PAYLOAD",
    24: "AUTHENTICATION_FAILED",
    43: "TEMPORARY_FAILURE",
    16388: "NAT_DETECTION_SOURCE_IP",
    16389: "NAT_DETECTION_DESTINATION_IP",
    16390: "COOKIE",
    16404: "MULTIPLE_AUTH_SUPPORTED",
    16430: "IKEV2_FRAGMENTATION_SUPPORTED",
    16431: "SIGNATURE_HASH_ALGORITHMS",
}


def fresh_spi() -> bytes:
    """An initiator's SPI, which may not be zero."""
    while (spi := os.urandom(8)) == bytes(8):
        pass
    return spi


@dataclass(frozen=True, slots=True)
class Hello:
    """What an initiator says of itself in IKE_SA_INIT. The public value is random: no key is ever
    agreed on, and for these groups no daemon can tell before it has computed with it."""

    group: Group = "modp2048"
    spi: bytes = field(default_factory=fresh_spi)
    nonce: bytes = field(default_factory=lambda: os.urandom(32))
    public: bytes = b""

    def __post_init__(self) -> None:
        if not self.public:
            # Its first bit is zero, so that it is smaller than the prime of RFC 3526.
            drawn = bytearray(os.urandom(GROUPS[self.group][1]))
            drawn[0] &= 0x7F
            object.__setattr__(self, "public", bytes(drawn))

    def to_wire(self, cookie: bytes = b"") -> bytes:
        """The request; again with the responder's cookie before everything else."""
        number, _ = GROUPS[self.group]
        payloads = [
            (_SA, _proposal(number)),
            (_KE, struct.pack(">HH", number, 0) + self.public),
            (_NONCE, self.nonce),
        ]
        if cookie:
            payloads.insert(0, (_NOTIFY, struct.pack(">BBH", 0, 0, _COOKIE) + cookie))
        return _message(self.spi, _V2, SA_INIT, _INITIATOR, payloads)


def version_probe(spi: bytes) -> bytes:
    """A bare header of a version that nobody speaks."""
    return _message(spi, NOBODYS, SA_INIT, _INITIATOR, [])


def main_mode(spi: bytes) -> bytes:
    """Version 1's first message: AES-128, SHA-1, a shared key, modp2048, eight hours."""
    attributes = [(1, 7), (14, 128), (2, 2), (4, 14), (3, 1), (11, 1), (12, 28800)]
    wanted = b"".join(struct.pack(">HH", 0x8000 | kind, value) for kind, value in attributes)
    transform = struct.pack(">BBHBBH", 0, 0, 8 + len(wanted), 1, 1, 0) + wanted
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(transform), 1, 1, 0, 1) + transform
    situation = struct.pack(">II", 1, 1)  # the internet's interpretation; identity only
    return _message(spi, _V1, _IDENTITY_PROTECTION, 0, [(_SA_V1, situation + proposal)])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a daemon said. ``version`` is its major version; ``notifications`` are names, or
    numbers of unknown ones; ``agreed`` says that it took the proposal, ``cookie`` holds one that
    it wants to see again, ``group`` the number of the Diffie-Hellman group that it wants."""

    version: int
    exchange: int
    notifications: tuple[str, ...] = ()
    agreed: bool = False
    cookie: bytes = b""
    group: int | None = None


def read_answer(data: bytes, spi: bytes) -> Answer | None:
    """The answer to the request with this SPI; None for a message that is bound to none of ours.

    Raises MalformedReplyError for what bears our SPI and is no message of IKE.
    """
    if len(data) < _HEADER.size or data[:8] != spi:
        return None
    _, responder, following, version, exchange, flags, _, length = _HEADER.unpack_from(data)
    if length != len(data):
        raise MalformedReplyError(PROTOCOL, f"says {length} octets and has {len(data)}")
    if version >> 4 == 2 and not flags & _RESPONSE:
        raise MalformedReplyError(PROTOCOL, "is a request, as ours was")
    if version >> 4 not in {1, 2}:
        raise MalformedReplyError(PROTOCOL, f"is of version {version >> 4}")
    if responder == bytes(8) and version >> 4 == 1 and exchange == _IDENTITY_PROTECTION:
        raise MalformedReplyError(PROTOCOL, "has no responder's cookie")
    notifications, agreed, cookie, group = [], False, b"", None
    for kind, body in _payloads(following, data[_HEADER.size :]):
        if kind in {_NOTIFY, _NOTIFY_V1}:
            number, value = _notification(body, kind)
            notifications.append(NOTIFICATIONS.get(number, str(number)))
            cookie = value if number == _COOKIE else cookie
            if number == 17 and len(value) == 2:
                group = int.from_bytes(value)
        agreed = agreed or kind in {_SA, _SA_V1}
    return Answer(version >> 4, exchange, tuple(notifications), agreed, cookie, group)


def _notification(body: bytes, kind: int) -> tuple[int, bytes]:
    at = 4 if kind == _NOTIFY_V1 else 0  # version 1 has its interpretation's number before it
    if len(body) < at + 4:
        raise MalformedReplyError(PROTOCOL, "a notification is cut short")
    _, size, number = struct.unpack_from(">BBH", body, at)
    return number, body[at + 4 + size :]


def _payloads(following: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each payload of the chain; what is encrypted ends it."""
    at = 0
    for _ in range(_PAYLOADS):
        if not following:
            return
        if len(data) < at + 4:
            raise MalformedReplyError(PROTOCOL, "a payload is cut short")
        kind, (following, _, length) = following, struct.unpack_from(">BBH", data, at)
        if length < 4 or at + length > len(data):
            raise MalformedReplyError(PROTOCOL, "a payload is longer than the message")
        yield kind, data[at + 4 : at + length]
        at += length
    raise MalformedReplyError(PROTOCOL, f"has more than {_PAYLOADS} payloads")


def _proposal(group: int) -> bytes:
    """AES-128 in CBC, SHA-256 for the rest: what every daemon has."""
    transforms = [(1, 12, struct.pack(">HH", 0x800E, 128)), (2, 5, b""), (3, 12, b"")]
    transforms.append((4, group, b""))
    packed = b""
    for index, (kind, number, attribute) in enumerate(transforms):
        more = 3 if index < len(transforms) - 1 else 0
        packed += struct.pack(">BBHBBH", more, 0, 8 + len(attribute), kind, 0, number) + attribute
    return struct.pack(">BBHBBBB", 0, 0, 8 + len(packed), 1, 1, 0, len(transforms)) + packed


def _message(
    spi: bytes, version: int, exchange: int, flags: int, payloads: list[tuple[int, bytes]]
) -> bytes:
    kinds = [kind for kind, _ in payloads] + [0]
    body = b"".join(
        struct.pack(">BBH", following, 0, 4 + len(part)) + part
        for following, (_, part) in zip(kinds[1:], payloads, strict=True)
    )
    length = _HEADER.size + len(body)
    return _HEADER.pack(spi, bytes(8), kinds[0], version, exchange, flags, 0, length) + body
