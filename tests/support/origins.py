"""Places that a proxy may be asked to relay to: a web server and a name server on loopback."""

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager

import dns.message
from support.relay import tcp_serving, udp_answering

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def web_origin(seen: list[bytes] | None = None) -> AbstractAsyncContextManager[int]:
    """Give the port of somebody who answers the head of each request with the head of a page."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # a proxy has thought better of it
            request = await reader.readuntil(b"\r\n\r\n")
            if seen is not None:
                seen.append(request)
            writer.write(PAGE)
            await writer.drain()

    return tcp_serving(serve)


def no_such_name(query: bytes) -> bytes:
    """The answer of a name server that knows no names."""
    answer = dns.message.make_response(dns.message.from_wire(query))
    answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


def name_origin() -> AbstractAsyncContextManager[int]:
    """Give the port of a name server."""
    return udp_answering(no_such_name)
