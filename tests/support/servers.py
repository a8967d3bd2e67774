"""What answers on the scripted network: each script is one end of one connection."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from probe.net.fake import FakePeer

Serve = Callable[[FakePeer], Awaitable[None]]


async def accepting(peer: FakePeer) -> None:
    """Completes the connection and says nothing until the probe closes."""
    await peer.receive()


async def silent(peer: FakePeer) -> None:
    """Never says anything."""
    await asyncio.get_running_loop().create_future()


async def closing(peer: FakePeer) -> None:
    """Closes (FIN) as soon as something has come."""
    await peer.receive()
    peer.send(b"")


async def resetting(peer: FakePeer) -> None:
    """Resets as soon as something has come."""
    await peer.receive()
    peer.reset()


def page(body: bytes = b"hello", status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def http(response: bytes, *, then: str = "close") -> Serve:
    """Answers a request's head with these bytes, then closes, or goes silent."""

    async def serve(peer: FakePeer) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            piece = await peer.receive()
            if not piece:
                return
            request += piece
        peer.send(response)
        if then == "close":
            peer.send(b"")

    return serve


def tls(context: ssl.SSLContext, response: bytes = b"", *, size: int | None = None) -> Serve:
    """A TLS server that completes the handshake and answers the first request.

    ``size`` cuts what it sends into pieces of so many bytes.
    """

    async def serve(peer: FakePeer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)

        def flush() -> None:
            data = outgoing.read()
            for start in range(0, len(data), size or len(data) or 1):
                peer.send(data[start : start + (size or len(data))])

        async def until_done(operation: Callable[[], bytes | None]) -> bytes | None:
            while True:
                try:
                    return operation()
                except ssl.SSLWantReadError:
                    flush()
                    data = await peer.receive()
                    if not data:
                        raise ConnectionError from None
                    incoming.write(data)

        try:
            await until_done(session.do_handshake)
            flush()
            request = b""
            while b"\r\n\r\n" not in request:
                request += await until_done(session.read) or b""
            session.write(response)
            flush()
        except (ssl.SSLError, ConnectionError):
            flush()  # the alert, where there is one
        peer.send(b"")

    return serve
