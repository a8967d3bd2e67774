"""A control packet: what is in it, once no wrapping is around it any more."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from probe.core.failure import MalformedReplyError

NAME: Final = "openvpn"
HEAD: Final = 9  # bytes: opcode and key id, session id
SESSION: Final = 8  # bytes
MOST_ACKS: Final = 8  # in one packet (reliable.h, RELIABLE_ACK_SIZE)
LONGEST: Final = 4096  # bytes of a packet; control packets of all versions stay below 1,600

_RESEND_WKC: Final = 1  # tls-crypt-v2.txt: a bit of the early negotiation flags, TLV type 1
_FLAGS: Final = 1


class Opcode(IntEnum):
    """What a packet is (ssl_pkt.h)."""

    HARD_RESET_CLIENT_V1 = 1
    HARD_RESET_SERVER_V1 = 2
    SOFT_RESET_V1 = 3
    CONTROL_V1 = 4
    ACK_V1 = 5
    DATA_V1 = 6
    HARD_RESET_CLIENT_V2 = 7
    HARD_RESET_SERVER_V2 = 8
    DATA_V2 = 9
    HARD_RESET_CLIENT_V3 = 10
    CONTROL_WKC_V1 = 11


_DATA: Final = {Opcode.DATA_V1, Opcode.DATA_V2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet of the control channel.

    ``session`` is the sender's; ``acks`` are numbers of packets that it has heard from
    ``acknowledged``, the receiver's session. ``number`` is None in a bare acknowledgement.
    """

    opcode: Opcode
    session: bytes
    number: int | None = None
    acks: tuple[int, ...] = ()
    acknowledged: bytes | None = None
    payload: bytes = b""
    key_id: int = 0

    def head(self) -> bytes:
        """The nine bytes that every wrapping leaves readable."""
        return bytes([self.opcode << 3 | self.key_id]) + self.session

    def body(self) -> bytes:
        """The rest."""
        out = struct.pack(f"!B{len(self.acks)}I", len(self.acks), *self.acks)
        out += self.acknowledged or b""
        if self.number is not None:
            out += struct.pack("!I", self.number)
        return out + self.payload


def opcode_of(data: bytes) -> Opcode:
    """The opcode of a packet, wrapped or not. MalformedReplyError where it is none's."""
    if len(data) < HEAD:
        raise MalformedReplyError(NAME, f"{len(data)} bytes are no packet")
    try:
        return Opcode(data[0] >> 3)
    except ValueError:
        raise MalformedReplyError(NAME, f"opcode {data[0] >> 3}") from None


def read_packet(head: bytes, body: bytes) -> Packet:
    """Read what ``head`` and ``body`` wrote. MalformedReplyError for anything else."""
    opcode = opcode_of(head)
    if opcode in _DATA:
        raise MalformedReplyError(NAME, "a data packet before there is a key")
    count = body[0] if body else 0
    at = 1 + 4 * count
    acknowledged = body[at : at + SESSION] if count else None
    at += SESSION if count else 0
    end = at if opcode is Opcode.ACK_V1 else at + 4
    if not body or count > MOST_ACKS or len(body) < end:
        raise MalformedReplyError(NAME, f"{len(body)} bytes after the session id")
    return Packet(
        opcode=opcode,
        session=head[1:HEAD],
        key_id=head[0] & 7,
        acks=struct.unpack_from(f"!{count}I", body, 1),
        acknowledged=acknowledged,
        number=None if opcode is Opcode.ACK_V1 else int.from_bytes(body[at:end], "big"),
        payload=body[end:],
    )


def wants_key_again(payload: bytes) -> bool:
    """Whether a server's reset asks for the wrapped client key behind the first TLS packet.

    Its payload is a list of type, length and value, two bytes for each of the first two; what is
    cut off or unknown counts as absent, as in OpenVPN itself.
    """
    at = 0
    while at + 4 <= len(payload):
        kind, length = struct.unpack_from("!HH", payload, at)
        value = payload[at + 4 : at + 4 + length]
        if kind == _FLAGS and length == len(value) == 2:
            return bool(int.from_bytes(value, "big") & _RESEND_WKC)
        at += 4 + length
    return False
