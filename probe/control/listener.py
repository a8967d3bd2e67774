"""Accepts a bounded number of TCP connections, each served by a task of its own.

Sockets rather than asyncio's streams: the decoy must look at the first byte before it decides
what to speak, and the echo must be able to reset.
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from probe.control.sessions import plain_ip
from probe.core.address import Endpoint

_BACKLOG: Final = 128
_BREATH: Final = 0.05  # seconds before accepting again when the machine ran out of something
# On with no time to linger: close() then discards what is unsent and sends RST.
_RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)


def bind(at: Endpoint, kind: socket.SocketKind, *, v6_only: bool = False) -> socket.socket:
    """A bound, non-blocking socket; port 0 takes a free one. OSError if it is taken.

    ``[::]`` takes IPv4 as well, unless ``v6_only``.
    """
    family = socket.AF_INET6 if ":" in at.ip else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            # The port may still be in TIME_WAIT from the last run.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
        sock.bind(at)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def endpoint_of(sock: socket.socket) -> Endpoint:
    """Where a bound socket is."""
    ip, port = sock.getsockname()[:2]
    return Endpoint(ip, port)


def reset_on_close(sock: socket.socket) -> None:
    """Make closing this connection send RST rather than FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)


class Listener:
    """Listens on several sockets from the moment it is made until ``close``.

    What is too much, in total or from one address (an IPv6 client counts by its /64), is reset.
    """

    def __init__(
        self,
        socks: Sequence[socket.socket],
        serve: Callable[[socket.socket, Endpoint], Awaitable[None]],
        *,
        most: int,
        most_each: int,
    ) -> None:
        """Take over bound sockets. ``serve`` gets each connection, which is closed after it."""
        self._socks = socks
        self._serve = serve
        self._most = most
        self._most_each = most_each
        self._open: Counter[str] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        for sock in socks:
            sock.listen(_BACKLOG)
        self._accepting = [asyncio.create_task(self._accept(sock)) for sock in socks]

    async def close(self) -> None:
        """Stop listening, and end every connection that is still open."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for sock in self._socks:
            sock.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_BREATH)
                continue
            peer = Endpoint(plain_ip(address[0]), address[1])
            if self._full(peer.ip):
                reset_on_close(sock)
                sock.close()
            else:
                self._start(sock, peer)
            # sock_accept does not yield while connections wait, and a flood would keep the loop.
            await asyncio.sleep(0)

    def _full(self, ip: str) -> bool:
        return self._open.total() >= self._most or self._open[_party(ip)] >= self._most_each

    def _start(self, sock: socket.socket, peer: Endpoint) -> None:
        party = _party(peer.ip)

        def done(task: asyncio.Task[None]) -> None:
            sock.close()  # also when the task was cancelled before it began
            self._connections.discard(task)
            self._open[party] -= 1
            if not self._open[party]:
                del self._open[party]

        self._open[party] += 1
        task = asyncio.create_task(self._handle(sock, peer))
        self._connections.add(task)
        task.add_done_callback(done)

    async def _handle(self, sock: socket.socket, peer: Endpoint) -> None:
        # Whatever a client does ends its own connection and nothing else.
        with sock, contextlib.suppress(OSError):
            # Else a small answer may wait for the client's delayed acknowledgement of its head.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._serve(sock, peer)


def _party(ip: str) -> str:
    """Whose connection it is: one IPv4 address, or the /64 that one IPv6 line usually has."""
    if ":" not in ip:
        return ip
    return str(ipaddress.ip_network((ip.partition("%")[0], 64), strict=False))
