"""STUN's Binding request and its answers (RFC 8489), as calls and TURN begin with them.

Theory of operation. Twenty octets: a type, a length, a magic number that tells STUN from whatever
else shares the port, and a transaction id of 96 random bits. Whoever speaks STUN repeats that id,
in a success, which holds the asker's address as it arrived, or in an error. Asking costs the
server nothing that it would keep.
"""

import ipaddress
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "stun"
REQUEST: Final = 20  # bytes
_HEADER: Final = struct.Struct(">HHI12s")
_MAGIC: Final = 0x2112A442
_BINDING, _SUCCESS, _ERROR = 0x0001, 0x0101, 0x0111
_MAPPED, _XOR_MAPPED, _ERROR_CODE, _SOFTWARE = 0x0001, 0x0020, 0x0009, 0x8022
_ATTRIBUTES: Final = 64  # in one message, at most


def fresh_id() -> bytes:
    """A transaction id."""
    return os.urandom(12)


def request(transaction: bytes) -> bytes:
    """A Binding request without attributes."""
    return _HEADER.pack(_BINDING, 0, _MAGIC, transaction)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: the asker's address as it saw it, or the code of an error."""

    mapped: str | None = None
    error: int | None = None
    software: str = ""


def read_answer(data: bytes, transaction: bytes) -> Answer | None:
    """The answer to this transaction; None for a datagram that is bound to another or to none.

    MalformedReplyError for what bears our transaction id and is no answer.
    """
    if len(data) < _HEADER.size:
        return None
    kind, length, magic, ours = _HEADER.unpack_from(data)
    if magic != _MAGIC or ours != transaction:
        return None
    if kind not in {_SUCCESS, _ERROR}:
        raise MalformedReplyError(PROTOCOL, f"is of type {kind:#06x}")
    if length != len(data) - _HEADER.size or length % 4:
        raise MalformedReplyError(PROTOCOL, f"says {length} octets and has {len(data) - 20}")
    mapped, error, software = None, None, ""
    for name, value in _attributes(data[_HEADER.size :]):
        match name:
            case _ if name == _XOR_MAPPED:
                mapped = _address(value, data[4:20])
            case _ if name == _MAPPED:
                mapped = mapped or _address(value, bytes(16))
            case _ if name == _ERROR_CODE and len(value) >= 4:
                error = (value[2] & 7) * 100 + value[3]
            case _ if name == _SOFTWARE:
                software = value[:128].decode("utf-8", "replace")
    if kind == _ERROR and error is None:
        raise MalformedReplyError(PROTOCOL, "an error without its code")
    return Answer(mapped, error, software)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(_ATTRIBUTES):
        if at == len(data):
            return
        if at + 4 > len(data):
            raise MalformedReplyError(PROTOCOL, "an attribute is cut short")
        name, length = struct.unpack_from(">HH", data, at)
        if at + 4 + length > len(data):
            raise MalformedReplyError(PROTOCOL, "an attribute is longer than the message")
        yield name, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4  # each begins at a multiple of four (section 14)
    raise MalformedReplyError(PROTOCOL, f"has more than {_ATTRIBUTES} attributes")


def _address(value: bytes, mask: bytes) -> str:
    """The address of a (XOR-)MAPPED-ADDRESS; ``mask`` is the magic number and the id, or zeros."""
    sizes = {1: 4, 2: 16}
    if len(value) < 4 or len(value) != 4 + sizes.get(value[1], -1):
        raise MalformedReplyError(PROTOCOL, "an address of no family")
    packed = bytes(octet ^ key for octet, key in zip(value[4:], mask, strict=False))
    return str(ipaddress.ip_address(packed))
