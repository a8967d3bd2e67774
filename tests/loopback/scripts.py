"""What servers say, and how they end: scripts for a connection, and answers to a DNS query."""

import re
from typing import Final

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from loopback.servers import Ending, Peer, Reply, Script

_POST: Final = re.compile(
    rb"POST .*\r\ncontent-length: (?P<length>\d+)(?:\r\n.+?)?\r\n\r\n(?P<body>.*)",
    re.IGNORECASE | re.DOTALL,
)


def says(data: bytes = b"", *, then: Ending = "fin") -> Script:
    """Read the client's first bytes, say this, and end so."""

    async def script(peer: Peer) -> None:
        await peer.receive()
        if data:
            await peer.send(data)
        await peer.end(then)

    return script


def says_forever(start: bytes, again: bytes) -> Script:
    """Say the start once, and the rest again and again until the client goes away."""

    async def script(peer: Peer) -> None:
        await peer.receive()
        await peer.send(start)
        many = again * max(1, 8192 // len(again))
        while True:
            await peer.send(many)

    return script


def page(status: int | str, body: bytes = b"", *headers: str) -> bytes:
    """A whole HTTP/1.1 response."""
    lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


# --- DNS -----------------------------------------------------------------------------------------


def gives(*records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Reply:
    """Answer with records of the name, each written as "A 192.0.2.1"."""

    def reply(wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        message = dns.message.make_response(query)
        message.set_rcode(rcode)
        for record in records:
            type_, _, data = record.partition(" ")
            rrset = dns.rrset.from_text(query.question[0].name, 5, "IN", type_, data)
            message.answer.append(rrset)
        return message.to_wire()

    return reply


def with_wrong_id(reply: Reply) -> Reply:
    """The same answer under another message id."""
    return lambda wire: bytes([wire[0] ^ 0xFF]) + reply(wire)[1:]


def cut_short(reply: Reply) -> Reply:
    """The same answer without its last bytes."""
    return lambda wire: reply(wire)[:-6]


def garbage(wire: bytes) -> bytes:
    """The query's own id, and then nothing that makes sense."""
    return wire[:2] + b"\xff" * 40


def truncated(wire: bytes) -> bytes:
    """An empty answer with the TC bit: ask again over TCP."""
    message = dns.message.make_response(dns.message.from_wire(wire))
    message.flags |= dns.flags.TC
    return message.to_wire()


def framed(reply: Reply) -> Script:
    """Answer one query over a stream, each message after its length (RFC 1035 section 4.2.2)."""

    async def script(peer: Peer) -> None:
        received = await peer.receive()
        answer = reply(received[2:])
        await peer.send(len(answer).to_bytes(2) + answer)
        await peer.end("fin")

    return script


def posted(respond: Reply) -> Script:
    """Read one POST, and answer its body with a whole HTTP response (RFC 8484)."""

    async def script(peer: Peer) -> None:
        received = b""
        while not (whole := _POST.match(received)) or len(whole["body"]) < int(whole["length"]):
            piece = await peer.receive()
            if not piece:
                return
            received += piece
        await peer.send(respond(whole["body"]))
        await peer.end("fin")

    return script
