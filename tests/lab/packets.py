"""IPv4 and IPv6 with TCP, UDP and ICMP, read and built; and the names that a censor looks for.

RFC 791, 8200, 9293, 768, 792 and 4443. Fragments and extension headers are not read: the
laboratory sends none.
"""

import socket
import struct
from dataclasses import dataclass
from typing import Final, Literal

import dns.exception
import dns.message

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
_MODULUS: Final = 1 << 32
_HELLO, _CLIENT_HELLO, _SERVER_NAME = 22, 1, 0  # RFC 8446 5.1, 4; RFC 6066 3
_METHODS: Final = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ")


@dataclass(frozen=True, slots=True)
class Packet:
    """What a censor looks at. Ports, numbers and flags are 0 where the protocol has none."""

    src: str
    dst: str
    protocol: int
    ttl: int
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    header: int  # octets of the TCP header: 20 without options
    payload: bytes
    raw: bytes

    @property
    def after(self) -> int:
        """The sequence number that follows this segment."""
        return (self.seq + len(self.payload) + bool(self.flags & (SYN | FIN))) % _MODULUS


def parse(raw: bytes) -> Packet | None:
    """A packet from its network header on; None for what is not read here."""
    try:
        return _parse(raw)
    except (struct.error, IndexError, ValueError):
        return None


def _parse(raw: bytes) -> Packet | None:
    if raw[0] >> 4 == 4:
        length, _, fragment, ttl, protocol = struct.unpack_from("!2xHHHBB", raw)
        if fragment & 0x3FFF:
            return None
        src, dst = socket.inet_ntoa(raw[12:16]), socket.inet_ntoa(raw[16:20])
        body = raw[(raw[0] & 15) * 4 : length]
    else:
        length, protocol, ttl = struct.unpack_from("!4xHBB", raw)
        src = socket.inet_ntop(socket.AF_INET6, raw[8:24])
        dst = socket.inet_ntop(socket.AF_INET6, raw[24:40])
        body = raw[40 : 40 + length]
    if protocol == TCP:
        sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", body)
        header = (offset >> 4) * 4
        payload = body[header:]
        return Packet(src, dst, TCP, ttl, sport, dport, seq, ack, flags, header, payload, raw)
    sport, dport = struct.unpack_from("!HH", body) if protocol == UDP else (0, 0)
    return Packet(src, dst, protocol, ttl, sport, dport, 0, 0, 0, 0, body[8:], raw)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def _whole(src: str, dst: str, protocol: int, body: bytes) -> int:
    """The checksum over the pseudo-header (RFC 9293 3.1, RFC 8200 8.1) and the body."""
    ends = _packed(src) + _packed(dst)
    layout = "!I3xB" if ":" in src else "!xxHxB"
    tail = struct.pack(layout, len(body), protocol)
    return checksum(ends + tail + body) or 0xFFFF


def ip(
    src: str,
    dst: str,
    protocol: int,
    body: bytes,
    *,
    ttl: int = 64,
    ident: int = 0,
    df: bool = True,
) -> bytes:
    """A packet around a finished body. IPv6 has neither identification nor DF."""
    if ":" in src:
        start = struct.pack("!IHBB", 6 << 28, len(body), protocol, ttl)
        return start + _packed(src) + _packed(dst) + body
    fields = (0x45, 0, 20 + len(body), ident, 0x4000 if df else 0, ttl, protocol)
    start = struct.pack("!BBHHHBB", *fields)
    ends = _packed(src) + _packed(dst)
    return start + struct.pack("!H", checksum(start + b"\0\0" + ends)) + ends + body


def tcp(
    src: tuple[str, int],
    dst: tuple[str, int],
    seq: int,
    ack: int,
    flags: int,
    payload: bytes = b"",
    **how: int,
) -> bytes:
    """A segment without options; ``how`` is ``ttl``, ``ident`` and ``df`` of the packet."""
    numbers = (src[1], dst[1], seq % _MODULUS, ack % _MODULUS, 5 << 4, flags, 0xFAF0)
    start = struct.pack("!HHIIBBH", *numbers)
    total = _whole(src[0], dst[0], TCP, start + b"\0\0\0\0" + payload)
    body = start + struct.pack("!HH", total, 0) + payload
    return ip(src[0], dst[0], TCP, body, **how)  # type: ignore[arg-type]


def udp(src: tuple[str, int], dst: tuple[str, int], payload: bytes, **how: int) -> bytes:
    """A datagram; ``how`` as for ``tcp``."""
    start = struct.pack("!HHH", src[1], dst[1], 8 + len(payload))
    total = _whole(src[0], dst[0], UDP, start + b"\0\0" + payload)
    body = start + struct.pack("!H", total) + payload
    return ip(src[0], dst[0], UDP, body, **how)  # type: ignore[arg-type]


def unreachable(packet: Packet, code: int, source: str) -> bytes:
    """ICMP "destination unreachable" about an IPv4 packet, to whoever sent it (RFC 792)."""
    quoted = packet.raw[: (packet.raw[0] & 15) * 4 + 8]
    body = struct.pack("!BBHI", 3, code, 0, 0) + quoted
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return ip(source, packet.src, ICMP, body, df=False)


# --- names ---------------------------------------------------------------------------------------


def server_name(data: bytes) -> tuple[Literal["tls", "http"], str] | None:
    """The name in the first bytes that a client sent: of a ClientHello or a Host header.

    None where there is none, or not yet.
    """
    if data[:1] == bytes([_HELLO]):
        name = _sni(data)
        return None if name is None else ("tls", name)
    if data.startswith(_METHODS):
        name = _host(data)
        return None if name is None else ("http", name)
    return None


def _host(data: bytes) -> str | None:
    for line in data.split(b"\r\n")[1:-1]:
        key, colon, value = line.partition(b":")
        if colon and key.lower() == b"host":
            host = value.strip().decode("latin-1").lower()
            return host.rpartition(":")[0] or host if host[-1:].isdigit() else host
    return None


def _sni(data: bytes) -> str | None:
    """RFC 8446 4.1.2, RFC 6066 3; the message may be spread over several records."""
    message, rest = b"", data
    while len(rest) >= 5 and rest[0] == _HELLO:
        size = int.from_bytes(rest[3:5])
        message, rest = message + rest[5 : 5 + size], rest[5 + size :]
    try:
        if message[0] != _CLIENT_HELLO:
            return None
        at = 4 + 2 + 32  # message header, version, random
        at += 1 + message[at]  # session id
        at += 2 + int.from_bytes(message[at : at + 2])  # cipher suites
        at += 1 + message[at]  # compression methods
        at += 2  # length of the extensions
        while at + 4 <= len(message):
            kind, size = struct.unpack_from("!HH", message, at)
            body = message[at + 4 : at + 4 + size]
            if kind == _SERVER_NAME and len(body) == size:
                return body[5 : 5 + int.from_bytes(body[3:5])].decode("ascii").lower()
            at += 4 + size
    except (IndexError, UnicodeDecodeError):
        pass
    return None


def question(payload: bytes) -> dns.message.Message | None:
    """A DNS query with exactly one question, or None."""
    try:
        query = dns.message.from_wire(payload)
    except (dns.exception.DNSException, ValueError):
        return None
    return query if len(query.question) == 1 and not query.flags & 0x8000 else None


def asked(query: dns.message.Message) -> str:
    """The name that a query asks for, in lower case without its final dot."""
    return query.question[0].name.to_text(omit_final_dot=True).lower()
