"""Real sockets under asyncio's loop.

Sockets are used directly instead of asyncio's transports: a transport reads ahead, and reports a
peer's reset and its orderly close in ways that cannot always be told apart. Here every operation
is one system call whose errno arrives unchanged.
"""

import asyncio
import contextlib
import socket

from probe.core.address import Endpoint
from probe.net.system import SystemResolver


class RealNetwork:
    """Opens real connections; one instance serves the whole program."""

    def __init__(self, resolver: SystemResolver | None = None) -> None:
        """Use the given system resolver, or one with the default number of threads."""
        self._resolver = resolver or SystemResolver()

    async def lookup(self, host: str) -> tuple[str, ...]:
        """Addresses as getaddrinfo gives them."""
        return await self._resolver.lookup(host)

    async def connect(self, endpoint: Endpoint) -> "RealStream":
        """Dial from a fresh source port; OSError with errno when it fails."""
        return RealStream(await _open(endpoint, socket.SOCK_STREAM))

    async def datagrams(self, endpoint: Endpoint) -> "RealDatagrams":
        """A connected UDP socket: the kernel drops what others send, and reports ICMP errors."""
        return RealDatagrams(await _open(endpoint, socket.SOCK_DGRAM))


async def _open(endpoint: Endpoint, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET
    sock = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, _sockaddr(endpoint))
    except BaseException:
        sock.close()
        raise
    return sock


def _sockaddr(endpoint: Endpoint) -> tuple[str | int, ...]:
    """What the kernel wants; a scoped literal (fe80::1%eth0) needs its interface's number."""
    ip, _, zone = endpoint.ip.partition("%")
    if not zone:
        return (ip, endpoint.port)
    return (ip, endpoint.port, 0, int(zone) if zone.isdigit() else socket.if_nametoindex(zone))


class _Socket:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self.local_ip: str | None = str(sock.getsockname()[0])

    def close(self) -> None:
        """Close at once; safe to call twice."""
        with contextlib.suppress(OSError):
            self._sock.close()

    async def send(self, data: bytes) -> None:
        """Hand everything to the kernel."""
        await self._loop.sock_sendall(self._sock, data)


class RealStream(_Socket):
    """A TCP connection."""

    async def receive(self, limit: int = 65536) -> bytes:
        """Bytes as they come; empty after the peer's FIN."""
        return await self._loop.sock_recv(self._sock, limit)


class RealDatagrams(_Socket):
    """A connected UDP socket."""

    async def receive(self) -> bytes:
        """The next datagram, whole."""
        return await self._loop.sock_recv(self._sock, 65535)
