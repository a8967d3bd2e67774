"""Places that a proxy may be asked to relay to: a web server and a name server on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.message
from support.programs import HERE
from support.relay import udp_answering

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def web_origin(seen: list[bytes] | None = None) -> AsyncIterator[int]:
    """Give the port of somebody who answers the head of each request with the head of a page."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            if seen is not None:
                seen.append(request)
            writer.write(PAGE)
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # a proxy has thought better of it
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HERE, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def no_such_name(query: bytes) -> bytes:
    """The answer of a name server that knows no names."""
    answer = dns.message.make_response(dns.message.from_wire(query))
    answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


@asynccontextmanager
async def name_origin() -> AsyncIterator[int]:
    """Give the port of a name server."""
    async with udp_answering(no_such_name) as port:
        yield port
