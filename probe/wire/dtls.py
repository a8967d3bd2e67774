"""DTLS 1.2's first messages (RFC 6347), as VPNs, calls and some proxies begin with them.

Theory of operation. A record is thirteen octets (type, version, epoch, sequence number, length)
and what it carries; a handshake message in it has a header of twelve. The client says ClientHello.
A server that has never heard of it answers, without keeping anything, with HelloVerifyRequest and
a cookie (section 4.2.1): only who brings the cookie back, in the same ClientHello, gets a
ServerHello. A server that wants no cookie says ServerHello at once, and one that likes nothing of
what was offered sends an alert. Each of these shows a live server of DTLS.

What binds an answer to its request is little: neither HelloVerifyRequest nor ServerHello repeats
anything that the client drew at random. The socket is connected, so its addresses and its fresh
port are right; HelloVerifyRequest repeats the record's sequence number; and a ServerHello after
the cookie shows that this server made that cookie for us. The signature that would prove more
comes in the messages after it, which are not read.

No server name is sent, and nothing in a ClientHello is of anybody.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "dtls"
_RECORD: Final = struct.Struct(">BHHHIH")  # type, version, epoch, sequence number in two, length
_MESSAGE: Final = struct.Struct(">B3sH3s3s")  # type, length, number, fragment's offset and length
_ALERT, _HANDSHAKE = 21, 22
_CLIENT_HELLO, _SERVER_HELLO, _HELLO_VERIFY = 1, 2, 3
_DTLS10, _DTLS12 = 0xFEFF, 0xFEFD
_RECORDS: Final = 32  # in one datagram, at most
_SESSION: Final = 34  # where in a ServerHello the length of its session id stands

# IANA's numbers: what servers of the last ten years have at least one of.
_SUITES: Final = (0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC02B, 0xC02F, 0xC00A, 0xC014, 0x009D, 0x009C)
_RENEGOTIATION: Final = 0x00FF  # RFC 5746: not a suite, but that we know of that attack
_GROUPS: Final = (0x001D, 0x0017, 0x0018)  # x25519, P-256, P-384
_SIGNATURES: Final = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)

VERSIONS: Final = {_DTLS10: "DTLS 1.0", _DTLS12: "DTLS 1.2", 0xFEFC: "DTLS 1.3"}
ALERTS: Final = {  # RFC 5246 section 7.2; the rest by number
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    40: "handshake_failure",
    47: "illegal_parameter",
    50: "decode_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    90: "user_canceled",
    109: "missing_extension",
    112: "unrecognized_name",
    120: "no_application_protocol",
}


@dataclass(frozen=True, slots=True)
class Hello:
    """What a client says of itself: the same in every repetition and with the cookie."""

    random: bytes = field(default_factory=lambda: os.urandom(32))

    def to_wire(self, sequence: int = 0, cookie: bytes = b"") -> bytes:
        """ClientHello as the record of this number; the second message where it has a cookie."""
        suites = struct.pack(f">{len(_SUITES) + 1}H", *_SUITES, _RENEGOTIATION)
        body = struct.pack(">H", _DTLS12) + self.random + b"\0"  # no session to resume
        body += bytes([len(cookie)]) + cookie
        body += struct.pack(">H", len(suites)) + suites + b"\1\0"  # no compression
        extensions = _extensions()
        body += struct.pack(">H", len(extensions)) + extensions
        size = len(body).to_bytes(3)
        number = 1 if cookie else 0
        message = _MESSAGE.pack(_CLIENT_HELLO, size, number, bytes(3), size) + body
        return _record(_HANDSHAKE, sequence, message)


def goodbye(sequence: int) -> bytes:
    """close_notify, so that the server does not repeat its answer for a minute."""
    return _record(_ALERT, sequence, b"\1\0")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. ``version`` is the one that it names, ``cookie`` what it wants to see
    again, ``suite`` the number of the cipher suite that it chose, ``alert`` the alert's name."""

    kind: Literal["hello_verify", "server_hello", "alert"]
    version: str
    cookie: bytes = b""
    suite: int | None = None
    alert: str | None = None


def read_answer(data: bytes, sequence: int) -> Answer | None:
    """The answer in a datagram, if ``sequence`` was the last record's number that was sent.

    None for what is no DTLS or answers a record that was never sent. MalformedReplyError for what
    has the form of a record and no message of a server in it.
    """
    if not _is_record(data):
        return None
    for kind, version, number, body in _records(data):
        if kind == _ALERT:
            return _alert(version, body)
        if kind != _HANDSHAKE:
            raise MalformedReplyError(PROTOCOL, f"begins with a record of type {kind}")
        message, offset, part = _message(body)
        if offset:
            continue
        if message == _HELLO_VERIFY:
            return _hello_verify(part) if number <= sequence else None
        if message == _SERVER_HELLO:
            return _server_hello(part)
        if message == _CLIENT_HELLO:
            raise MalformedReplyError(PROTOCOL, "is a request, as ours was")
    return None  # later messages of the flight, which overtook the first one


def _is_record(data: bytes) -> bool:
    """Whether it begins like a record that is not encrypted: of epoch 0, by a version of DTLS."""
    return len(data) >= _RECORD.size and data[1] == 0xFE and data[3:5] == bytes(2)


def _records(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, version, sequence number and contents of each record of epoch 0."""
    at = 0
    for _ in range(_RECORDS):
        if at == len(data):
            return
        if len(data) < at + _RECORD.size:
            raise MalformedReplyError(PROTOCOL, "a record is cut short")
        kind, version, epoch, high, low, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if at + length > len(data):
            raise MalformedReplyError(PROTOCOL, "a record is longer than the datagram")
        if epoch:
            return  # encrypted from here on
        yield kind, version, high << 32 | low, data[at : at + length]
        at += length
    raise MalformedReplyError(PROTOCOL, f"has more than {_RECORDS} records")


def _message(body: bytes) -> tuple[int, int, bytes]:
    """A handshake message's type, and a fragment of it with its offset."""
    if len(body) < _MESSAGE.size:
        raise MalformedReplyError(PROTOCOL, "a message is cut short")
    kind, *numbers = _MESSAGE.unpack_from(body)
    length, offset, size = (int.from_bytes(numbers[i]) for i in (0, 2, 3))
    if offset + size > length or _MESSAGE.size + size > len(body):
        raise MalformedReplyError(PROTOCOL, "a fragment is longer than its message")
    return kind, offset, body[_MESSAGE.size : _MESSAGE.size + size]


def _hello_verify(part: bytes) -> Answer:
    if len(part) < 3 or len(part) != 3 + part[2]:
        raise MalformedReplyError(PROTOCOL, "a cookie is cut short")
    return Answer("hello_verify", _version(int.from_bytes(part[:2])), cookie=part[3:])


def _server_hello(part: bytes) -> Answer:
    at = _SESSION + 1 + (part[_SESSION] if len(part) > _SESSION else 0)
    if len(part) < at + 3:  # the suite, and how it compresses
        raise MalformedReplyError(PROTOCOL, "a ServerHello is cut short")
    suite = int.from_bytes(part[at : at + 2])
    return Answer("server_hello", _version(int.from_bytes(part[:2])), suite=suite)


def _alert(version: int, body: bytes) -> Answer:
    if len(body) != 2 or body[0] not in {1, 2}:
        raise MalformedReplyError(PROTOCOL, "an alert of no level")
    return Answer("alert", _version(version), alert=ALERTS.get(body[1], str(body[1])))


def _version(number: int) -> str:
    if number >> 8 != 0xFE:
        raise MalformedReplyError(PROTOCOL, f"names the version {number:#06x}")
    return VERSIONS.get(number, f"{number:#06x}")


def _record(kind: int, sequence: int, body: bytes) -> bytes:
    # Section 4.2.1: the first ClientHello goes out under 1.0's number, whatever is offered in it.
    version = _DTLS10 if kind == _HANDSHAKE else _DTLS12
    return _RECORD.pack(kind, version, 0, sequence >> 32, sequence & 0xFFFFFFFF, len(body)) + body


def _extensions() -> bytes:
    groups = struct.pack(f">{len(_GROUPS)}H", *_GROUPS)
    signatures = struct.pack(f">{len(_SIGNATURES)}H", *_SIGNATURES)
    wanted = (
        (11, b"\1\0"),  # points uncompressed (RFC 8422)
        (10, struct.pack(">H", len(groups)) + groups),
        (22, b""),  # encrypt-then-MAC (RFC 7366)
        (23, b""),  # extended master secret (RFC 7627)
        (13, struct.pack(">H", len(signatures)) + signatures),
    )
    return b"".join(struct.pack(">HH", kind, len(value)) + value for kind, value in wanted)
