"""ICMP echo requests as whole IP packets, for the inside of a tunnel (RFC 792, RFC 4443).

A tunnel carries IP packets. An echo request is the one that every host is to answer (RFC 1122,
3.2.2.6; RFC 4443, 4.2), and it disturbs nobody. No socket of this machine is concerned: the packets
are made and read here.
"""

import ipaddress
import os
import struct
from dataclasses import dataclass, field
from typing import Final

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

PAYLOAD: Final = 56  # bytes, as ping(8) sends them
_HOPS: Final = 64
_ICMP, _ICMP6 = 1, 58
_REQUEST: Final = {4: 8, 6: 128}
_REPLY: Final = {4: 0, 6: 129}


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """Requests from one address to another of the same version, and their replies.

    ``identifier`` and ``payload`` are drawn for it: a reply repeats both.
    """

    source: IPAddress
    destination: IPAddress
    identifier: bytes = field(default_factory=lambda: os.urandom(2))
    payload: bytes = field(default_factory=lambda: os.urandom(PAYLOAD))

    def request(self, number: int) -> bytes:
        """The packet of request ``number``, which is below 65536."""
        version = self.source.version
        message = self._message(_REQUEST[version], number, self.source, self.destination)
        return _header(self.source, self.destination, len(message)) + message

    def reply(self, packet: bytes) -> int | None:
        """The number of the request that a packet, padding behind it or not, replies to."""
        version = self.source.version
        if not packet or packet[0] >> 4 != version:
            return None
        body = _body4(packet) if version == 4 else _body6(packet)
        if body is None or body[0] != (self.destination.packed, self.source.packed):
            return None
        message = body[1]
        if len(message) < 8:
            return None
        number = int.from_bytes(message[6:8])
        due = self._message(_REPLY[version], number, self.destination, self.source)
        return number if message == due else None

    def _message(self, kind: int, number: int, source: IPAddress, destination: IPAddress) -> bytes:
        rest = self.identifier + struct.pack("!H", number) + self.payload
        whole = struct.pack("!BBH", kind, 0, 0) + rest
        pseudo = b""
        if source.version == 6:  # RFC 8200, 8.1
            pseudo = source.packed + destination.packed + struct.pack("!II", len(whole), _ICMP6)
        return struct.pack("!BBH", kind, 0, _checksum(pseudo + whole)) + rest


def _header(source: IPAddress, destination: IPAddress, length: int) -> bytes:
    if source.version == 6:
        head = struct.pack("!IHBB", 6 << 28, length, _ICMP6, _HOPS)
        return head + source.packed + destination.packed
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + length, 0, 0, _HOPS, _ICMP)
    ends = source.packed + destination.packed
    return head + struct.pack("!H", _checksum(head + bytes(2) + ends)) + ends


def _body4(packet: bytes) -> tuple[tuple[bytes, bytes], bytes] | None:
    """Both ends and the ICMP message of a whole IPv4 packet."""
    if len(packet) < 20:
        return None
    start, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4])
    fragment = packet[6] & 0x3F or packet[7]
    if not 20 <= start <= total <= len(packet) or fragment or packet[9] != _ICMP:
        return None
    return (packet[12:16], packet[16:20]), packet[start:total]


def _body6(packet: bytes) -> tuple[tuple[bytes, bytes], bytes] | None:
    """The same of an IPv6 packet without extension headers."""
    if len(packet) < 40 or packet[6] != _ICMP6:
        return None
    length = int.from_bytes(packet[4:6])
    if 40 + length > len(packet):
        return None
    return (packet[8:24], packet[24:40]), packet[40 : 40 + length]


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
