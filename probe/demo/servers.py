"""The hosts of the embedded internet: real sockets that behave, or misbehave, as their world says.

What a client sees of each misbehaviour is what the wire shows of the real thing: ``reset`` is an
RST and ``close`` a FIN, both only after the client spoke first; ``filtered`` reads the server name
and resets by that alone; ``refused`` is a port that is taken but not listened on, so that nobody
else can start to listen there meanwhile.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from typing import Final

import h11

from probe.core.address import Endpoint
from probe.demo.hello import server_name
from probe.demo.listener import Listener, bind, endpoint_of
from probe.demo.world import Certificate, Conduct, Host

_PATIENCE: Final = 30.0  # seconds that any one connection may last
_GOODBYE: Final = 1.0  # seconds to wait for the client's part of closing
_CHUNK: Final = 65536
_REQUEST_HEAD: Final = 16 * 1024  # bytes
_NO_BODY: Final = {204, 304}  # RFC 9110 section 6.4.1
# On with no time to linger: close() then discards what is unsent and sends RST.
_RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Server:
    """One host on its own address and port."""

    def __init__(
        self,
        host: Host,
        contexts: Mapping[Certificate, ssl.SSLContext],
        elapsed: Callable[[], float],
    ) -> None:
        """Bind, and listen unless the host is to refuse. OSError if its port is taken.

        ``contexts`` holds the certificates that the host ever shows; ``elapsed`` tells the seconds
        since the story began.
        """
        self._host = host
        self._contexts = contexts
        self._elapsed = elapsed
        self._sock = bind(host.address, host.port)
        self.endpoint: Endpoint = endpoint_of(self._sock)
        refused = host.behaviour == "refused"
        self._listener = None if refused else Listener(self._sock, self._serve)

    async def stop(self) -> None:
        """Give the port back and end every connection."""
        if self._listener is not None:
            await self._listener.stop()
        self._sock.close()

    async def _serve(self, sock: socket.socket) -> None:
        conduct = self._host.at(self._elapsed())
        async with asyncio.timeout(_PATIENCE):
            match conduct.behaviour:
                case "silent":
                    await _ignore(sock)
                case "reset":
                    await asyncio.get_running_loop().sock_recv(sock, _CHUNK)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
                case "filtered" if server_name(await _first_bytes(sock)) == self._host.name:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
                case "close":
                    await asyncio.get_running_loop().sock_recv(sock, _CHUNK)
                    sock.shutdown(socket.SHUT_WR)
                    # Closing with unread bytes would send RST after the FIN.
                    await _ignore(sock)
                case _:
                    await self._talk(sock, conduct)

    async def _talk(self, sock: socket.socket, conduct: Conduct) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_CHUNK, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        context = self._contexts[conduct.certificate] if self._host.serves == "https" else None
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            sock,
            ssl=context,
            ssl_handshake_timeout=_PATIENCE if context else None,
            ssl_shutdown_timeout=_GOODBYE if context else None,
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            if self._host.serves == "tcp":
                writer.write(self._host.greeting.encode())
                await _until_closed(reader)
            else:
                await self._answer(reader, writer, conduct)
        except BaseException:
            transport.abort()
            raise
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, conduct: Conduct
    ) -> None:
        """Answer one HTTP/1.1 request, and close; what is no request gets 400 (RFC 9112)."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_REQUEST_HEAD)
        try:
            request = await _request(connection, reader)
        except h11.RemoteProtocolError:
            writer.write(_head(connection, 400, 0))
            return
        if request is None:
            return
        body = self._host.body.encode() or bytes(self._host.size)
        if conduct.status in _NO_BODY:
            body = b""
        writer.write(_head(connection, conduct.status, len(body)))
        if request.method == b"HEAD":
            return
        if conduct.behaviour == "stall":
            writer.write(body[: len(body) // 2])
            await _until_closed(reader)
            return
        writer.write(body)
        await writer.drain()


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The request's head; None if the client left before it was complete."""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Request):
            return event
        else:
            return None


def _head(connection: h11.Connection, status: int, length: int) -> bytes:
    headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(length)),
        ("connection", "close"),
    ]
    return connection.send(h11.Response(status_code=status, headers=headers)) or b""


async def _first_bytes(sock: socket.socket) -> bytes:
    """What came first, which stays to be read."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock)
    return sock.recv(_CHUNK, socket.MSG_PEEK)


async def _ignore(sock: socket.socket) -> None:
    """Read and forget until the client closes."""
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(sock, _CHUNK):
        pass


async def _until_closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass
