"""The packets that a censor makes, with the header fields that its real ones were seen with.

Resets: gfw-report/sp25-regional, Table "fingerprint". DNS: "Triplet Censors" (FOCI 2020), the three
injectors' header fields. Pages: "1.1.1.1 blocked" (2023), TTL and IPID of the forged redirects.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from lab.flows import Flow
from lab.packets import ACK, FIN, PSH, RST, Packet, tcp, udp
from lab.rules import Forged, HttpPage


@dataclass(frozen=True)
class Fingerprint:
    """How one kind of reset looks; ranges are inclusive."""

    flags: int
    count: int
    df: bool
    ident: tuple[int, int]
    ttl: tuple[int, int]
    both: bool  # ends that it is sent to
    payload: bytes = b""


FINGERPRINTS: Final = {
    "gfw1": Fingerprint(RST, 1, False, (0, 0), (55, 118), both=True),
    "gfw2": Fingerprint(RST | ACK, 3, True, (0x00A3, 0xFE5F), (39, 238), both=True),
    "gfw3": Fingerprint(RST | ACK, 1, False, (0x9916, 0x9933), (248, 248), both=True),
    "henan": Fingerprint(
        RST | ACK, 1, False, (1, 1), (58, 58), both=False, payload=bytes([*range(1, 10), 0])
    ),
}
# What a middlebox without any known fingerprint sends.
PLAIN: Final = Fingerprint(RST | ACK, 1, True, (0, 0), (63, 63), both=True)


def resets(flow: Flow, kind: Fingerprint, to_server: bool) -> Iterator[bytes]:
    """The resets of a connection, the client's first, that its ends accept now."""
    how = {"ttl": random.randint(*kind.ttl), "ident": random.randint(*kind.ident), "df": kind.df}
    numbers = flow.server_next, flow.client_next
    for _ in range(kind.count):
        yield tcp(flow.server, flow.client, *numbers, kind.flags, kind.payload, **how)
    for _ in range(kind.count if to_server else 0):
        yield tcp(flow.client, flow.server, *numbers[::-1], kind.flags, kind.payload, **how)


def refusal(packet: Packet) -> bytes:
    """RST+ACK in answer to a SYN (RFC 9293 3.10.7.1)."""
    server, client = (packet.dst, packet.dport), (packet.src, packet.sport)
    return tcp(server, client, 0, packet.after, RST | ACK, ttl=63)


def page(flow: Flow, rule: HttpPage) -> bytes:
    """A forged HTTP answer in one segment."""
    body = rule.body.encode()
    lines = [f"HTTP/1.1 {rule.status} Forged", f"Content-Length: {len(body)}"]
    if rule.location:
        lines.append(f"Location: {rule.location}")
    lines += ["Content-Type: text/html", "Connection: close", "", ""]
    data = "\r\n".join(lines).encode() + body
    closes = rule.way == "race" or rule.end == "fin"
    flags = PSH | ACK | (FIN if closes else 0)
    numbers = flow.server_next, flow.client_next
    return tcp(flow.server, flow.client, *numbers, flags, data, ttl=251, ident=0x99B3, df=False)


def answer(query: dns.message.Message, packet: Packet, forged: Forged) -> bytes | None:
    """A forged DNS answer to the query in this packet; None if the rule has none of its type."""
    asked = query.question[0]
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.from_text(forged.rcode))
    kinds = {dns.rdatatype.A: False, dns.rdatatype.AAAA: True}
    fitting = [ip for ip in forged.addresses if kinds.get(asked.rdtype) == (":" in ip)]
    if forged.addresses and not fitting:
        return None
    if forged.injector == 1:
        reply.flags |= dns.flags.AA
    if fitting:
        reply.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", asked.rdtype, fitting))
    ttl = {1: 58, 2: random.randint(40, 200), 3: packet.ttl}[forged.injector]  # 3 mirrors
    ident = 0 if forged.injector == 3 else random.randint(1, 65535)
    far, near = (packet.dst, packet.dport), (packet.src, packet.sport)
    return udp(far, near, reply.to_wire(), ttl=ttl, ident=ident, df=forged.injector == 2)
