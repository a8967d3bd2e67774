"""Resolvers on the scripted network."""

from collections.abc import Callable

import dns.flags
import dns.message
import dns.rrset
from support.servers import Serve

from probe.net.fake import FakePeer


def reply(query: bytes, *ips: str, truncated: bool = False) -> bytes:
    """An answer with these addresses, as far as they are of the type that was asked for."""
    asked = dns.message.from_wire(query)
    made = dns.message.make_response(asked)
    question = asked.question[0]
    for ip in ips:
        type_ = "AAAA" if ":" in ip else "A"
        if question.to_text().endswith(f" {type_}"):
            made.answer.append(dns.rrset.from_text(question.name, 60, "IN", type_, ip))
    if truncated:
        made.flags |= dns.flags.TC
    return made.to_wire()


def over_udp(answer: Callable[[FakePeer, bytes], object]) -> Serve:
    """A resolver that does something with each query: ``answer(peer, query)``."""

    async def serve(peer: FakePeer) -> None:
        while query := await peer.receive():
            answer(peer, query)

    return serve


def knowing(*ips: str) -> Serve:
    """A resolver over UDP that gives these addresses for every name."""
    return over_udp(lambda peer, query: peer.send(reply(query, *ips)))


def knowing_over_tcp(*ips: str, size: int = 65536) -> Serve:
    """The same over TCP, in pieces of so many bytes."""

    async def serve(peer: FakePeer) -> None:
        query = await peer.receive()
        raw = reply(query[2:], *ips)
        framed = len(raw).to_bytes(2) + raw
        for start in range(0, len(framed), size):
            peer.send(framed[start : start + size])
        peer.send(b"")

    return serve
