"""Accepts TCP connections on one socket, each served by a task of its own; ends without leftovers.

Sockets rather than asyncio's streams: a server that misbehaves on purpose must decide itself
whether a connection ends with FIN or RST, and what was read before.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from probe.core.address import Endpoint

_BACKLOG: Final = 128
_BREATH: Final = 0.05  # seconds before accepting again when the machine ran out of something


def bind(address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A bound, non-blocking socket; a port of 0 takes a free one. OSError if it is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        if port and kind is socket.SOCK_STREAM:
            # A port that the user chose may still be in TIME_WAIT from the last run.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def endpoint_of(sock: socket.socket) -> Endpoint:
    """Where a bound socket is."""
    ip, port = sock.getsockname()[:2]
    return Endpoint(ip, port)


class Listener:
    """Listens from the moment it is made until ``stop``."""

    def __init__(
        self, sock: socket.socket, serve: Callable[[socket.socket], Awaitable[None]]
    ) -> None:
        """Take over a bound socket. ``serve`` gets each connection, which is closed after it."""
        self._sock = sock
        self._serve = serve
        self._connections: set[asyncio.Task[None]] = set()
        sock.listen(_BACKLOG)
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        """Stop listening, and end every connection that is still open."""
        self._accepting.cancel()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(self._accepting, *self._connections, return_exceptions=True)
        self._sock.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._sock)
            except OSError:
                await asyncio.sleep(_BREATH)
                continue
            task = asyncio.create_task(self._handle(connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _handle(self, connection: socket.socket) -> None:
        # Whatever a client does ends its own connection and nothing else.
        with connection, contextlib.suppress(OSError):
            # Else a small answer waits 40 ms for the client's delayed acknowledgement of its head.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._serve(connection)
