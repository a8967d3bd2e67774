"""The servers of the replay: real TLS and real HTTP, over a network that is a script."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping

from probe.demo.story import Host
from probe.net.fake import FakePeer

# The server's end of one connection: what came first has been read from the peer already.
Script = Callable[[FakePeer, bytes], Awaitable[None]]
Distance = Callable[[], float]  # seconds until an answer is back


def script(host: Host, contexts: Mapping[str, ssl.SSLContext], distance: Distance) -> Script:
    """What this host does with a connection."""
    page = _page(host.size)
    if host.serves == "https":
        return tls(contexts[host.name], page, distance)
    if host.serves == "http":
        return plain(page, distance)
    return accepting


async def accepting(peer: FakePeer, first: bytes) -> None:
    """Say nothing until the client closes."""
    while first:
        first = await peer.receive()


def plain(page: bytes, distance: Distance) -> Script:
    """Answer one HTTP request, and close."""

    async def serve(peer: FakePeer, first: bytes) -> None:
        while b"\r\n\r\n" not in first:
            more = await peer.receive()
            if not more:
                return
            first += more
        await asyncio.sleep(distance())
        peer.send(page)
        peer.send(b"")

    return serve


def tls(context: ssl.SSLContext, page: bytes, distance: Distance) -> Script:
    """Complete a TLS handshake, answer one HTTP request, and close."""

    async def serve(peer: FakePeer, first: bytes) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(first)
        request, greeted = b"", False
        try:
            while b"\r\n\r\n" not in request:
                try:
                    if not greeted:
                        session.do_handshake()
                        greeted = True
                    request += session.read()
                except ssl.SSLWantReadError:
                    await _flush(peer, outgoing, distance)
                    data = await peer.receive()
                    if not data:
                        return
                    incoming.write(data)
            session.write(page)
        except ssl.SSLError:
            pass  # what is to be sent now is the alert
        await _flush(peer, outgoing, distance)
        peer.send(b"")

    return serve


async def _flush(peer: FakePeer, outgoing: ssl.MemoryBIO, distance: Distance) -> None:
    if data := outgoing.read():
        await asyncio.sleep(distance())
        peer.send(data)


def _page(size: int) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + b"." * size
