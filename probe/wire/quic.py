"""QUIC's version negotiation, and the outside of its first packet (RFC 8999, RFC 9000).

Theory of operation. What never changes between versions of QUIC is the long header: a first octet
whose highest bit is set, a version, and two connection ids, each after its length (RFC 8999
section 5.1). A server that is asked in a version that it does not speak answers with the versions
that it does, in a packet of version 0 whose connection ids are ours, swapped: sixteen random
octets that bind the answer. It needs no key and keeps nothing. Versions of the form 0x?a?a?a?a
are reserved for asking so (RFC 9000 section 15), and only a datagram of 1200 octets or more has
to be answered (section 5.2.2). No name is in it. Servers need not answer at all.
"""

import os
import struct
from dataclasses import dataclass, field
from typing import Final

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "quic"
DATAGRAM: Final = 1200  # octets of a client's first datagram at least (RFC 9000 section 14.1)
VERSION_1: Final = 1
VERSIONS: Final = 64  # of a server's that are looked at, at most
_LONG, _FIXED = 0x80, 0x40
_ID: Final = 8  # octets of the connection ids that we draw; others may have up to 20
_HEAD: Final = struct.Struct(">BI")


def reserved_version() -> int:
    """A version that nobody speaks, ever."""
    return int.from_bytes(os.urandom(4)) & 0xF0F0F0F0 | 0x0A0A0A0A


@dataclass(frozen=True, slots=True)
class Question:
    """A first packet of a version that nobody speaks; ``to`` and ``own`` are connection ids."""

    version: int = field(default_factory=reserved_version)
    to: bytes = field(default_factory=lambda: os.urandom(_ID))
    own: bytes = field(default_factory=lambda: os.urandom(_ID))

    def to_wire(self) -> bytes:
        """The datagram. It goes on as an Initial would: some servers read that far, and drop what
        has another form, before they look at the version."""
        return _initial(self.version, self.to, self.own)


def first_packet() -> bytes:
    """What looks like a client's Initial of version 1 and can be decrypted by nobody: there is
    no ClientHello in it, and no name."""
    return _initial(VERSION_1, os.urandom(_ID), os.urandom(_ID))


def offered(data: bytes, question: Question) -> tuple[int, ...] | None:
    """The versions that the answer to this question offers, in the server's order.

    None for a datagram that is bound to another question or to none. MalformedReplyError for one
    that bears our connection ids and holds no list of versions.
    """
    if len(data) < _HEAD.size or not data[0] & _LONG or data[1:5] != bytes(4):
        return None
    ids = bytes([len(question.own)]) + question.own + bytes([len(question.to)]) + question.to
    if data[_HEAD.size : _HEAD.size + len(ids)] != ids:
        return None
    listed = data[_HEAD.size + len(ids) :]
    if not listed or len(listed) % 4:
        raise MalformedReplyError(PROTOCOL, f"a list of versions of {len(listed)} octets")
    listed = listed[: 4 * VERSIONS]
    return struct.unpack(f">{len(listed) // 4}I", listed)


def _initial(version: int, to: bytes, own: bytes) -> bytes:
    """A datagram that is one packet. What would be encrypted is random: all after the length, and
    the lower half of the first octet."""
    first = _LONG | _FIXED | os.urandom(1)[0] & 0x0F
    head = _HEAD.pack(first, version) + bytes([len(to)]) + to + bytes([len(own)]) + own
    head += b"\0"  # without a token
    rest = DATAGRAM - len(head) - 2
    return head + struct.pack(">H", 0x4000 | rest) + os.urandom(rest)  # two octets (section 16)
