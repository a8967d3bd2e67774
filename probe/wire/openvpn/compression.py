"""The marks of packets where a server wants compression: we never compress, and still must say so.

**Theory.** With ``comp-lzo`` (whatever its word) and ``compress lzo`` a byte stands before each
packet. With ``compress`` alone, ``stub`` and ``lz4`` it takes the place of the packet's first byte,
which goes to its end. With ``stub-v2`` and ``lz4-v2`` only packets that would begin with the mark
have it, and another byte that says how they were compressed.

Sources: src/openvpn/comp.c, compstub.c, lzo.c and comp-lz4.c of OpenVPN 2.6.
"""

from enum import Enum
from typing import Final

_LZO: Final = b"\xfa"
_SWAPPED: Final = b"\xfb"
_V2: Final = b"\x50"
_V2_NONE: Final = b"\x50\x00"


class Marking(Enum):
    """Where a packet's mark stands."""

    NONE = "none"
    BEFORE = "before"
    SWAPPED = "swapped"
    V2 = "v2"


def marking_of(option: tuple[str, ...]) -> Marking:
    """What ``comp-lzo`` or ``compress``, with its words, asks for; nothing where it is empty."""
    match option:
        case ("comp-lzo", *_) | ("compress", "lzo", *_):
            return Marking.BEFORE
        case ("compress", ("stub-v2" | "lz4-v2"), *_):
            return Marking.V2
        case ("compress", *_):
            return Marking.SWAPPED
        case _:
            return Marking.NONE


def mark(marking: Marking, packet: bytes) -> bytes:
    """A packet, which is not empty, as one that is not compressed."""
    match marking:
        case Marking.BEFORE:
            return _LZO + packet
        case Marking.SWAPPED:
            return _SWAPPED + packet[1:] + packet[:1]
        case Marking.V2 if packet.startswith(_V2):
            return _V2_NONE + packet
        case _:
            return packet


def unmark(marking: Marking, data: bytes) -> bytes:
    """The packet without its mark; what is compressed, or has another mark, stays as it is."""
    match marking:
        case Marking.BEFORE if data.startswith(_LZO):
            return data[1:]
        case Marking.SWAPPED if data.startswith(_SWAPPED):
            return data[-1:] + data[1:-1] if len(data) > 1 else b""
        case Marking.V2 if data.startswith(_V2_NONE):
            return data[2:]
        case _:
            return data
