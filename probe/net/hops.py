"""TTL-limited packets from ordinary sockets, without root: Linux only.

A router that drops a packet for its TTL says so by ICMP, and Linux hands that to the socket that
sent it, with the router's address (``net.icmp``): for UDP always, for TCP while it connects. To an
established connection it gives no address, so there only the peer's answer is waited for.
"""

import asyncio
import contextlib
import errno
import ipaddress
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final

from probe.core.address import Endpoint
from probe.net import Hop, TracingUnavailableError
from probe.net.icmp import (
    IP_RECVERR,
    IPV6_RECVERR,
    TIME_EXCEEDED,
    UNKNOWN,
    IcmpError,
    parse_errors,
)
from probe.net.real import RealStream

_DEFAULT_TTL: Final = -1  # setsockopt: back to the system's own
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class RealTracer:
    """Sends TTL-limited packets and reads the kernel's error queue."""

    def __init__(self, platform: str = sys.platform) -> None:
        """Nothing is opened yet; ``platform`` as in ``sys.platform``."""
        self._platform = platform

    def require(self, ip: str) -> None:
        """Try the options on a socket that sends nothing."""
        if self._platform != "linux":
            raise TracingUnavailableError(f"tracing needs Linux, and this is {self._platform}")
        try:
            _socket(Endpoint(ip, 0), socket.SOCK_DGRAM, 1).close()
        except OSError as exc:
            raise TracingUnavailableError(
                f"this kernel gives no ICMP errors to an ordinary socket ({exc.strerror})"
            ) from exc

    async def datagram(self, endpoint: Endpoint, ttl: int, payload: bytes) -> Hop:
        """One datagram from a connected socket, so that only answers to it are heard."""
        with _socket(endpoint, socket.SOCK_DGRAM, ttl) as sock:
            sock.connect(tuple(endpoint))
            sock.send(payload)
            while True:
                await _event(sock)
                if error := _icmp_error(sock):
                    return _hop(error, endpoint, sock)
                with contextlib.suppress(BlockingIOError):
                    sock.recv(65535)
                    return Hop(endpoint.ip, answer="datagram", reached=True)

    async def syn(self, endpoint: Endpoint, ttl: int) -> Hop:
        """A connection attempt that is given up as soon as anything is known."""
        with _socket(endpoint, socket.SOCK_STREAM, ttl) as sock:
            with contextlib.suppress(BlockingIOError):
                sock.connect(tuple(endpoint))
            await _event(sock, connecting=True)
            if error := _icmp_error(sock):
                return _hop(error, endpoint, sock)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number == 0:
                return Hop(endpoint.ip, answer="syn_ack", reached=True)
            if number == errno.ECONNREFUSED:
                return Hop(endpoint.ip, answer="rst", reached=True)
            if number == errno.EHOSTUNREACH:  # Linux before 5.11 keeps the address back
                return Hop(None, icmp=UNKNOWN)
            raise OSError(number, errno.errorcode.get(number, str(number)))

    async def connect(self, endpoint: Endpoint) -> "RealLimitedStream":
        """Dial as ever; the limit comes later."""
        family, *_ = _family(endpoint)
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, tuple(endpoint))
            return RealLimitedStream(sock)
        except BaseException:
            sock.close()
            raise


class RealLimitedStream(RealStream):
    """A TCP connection whose TTL can be set."""

    def limit(self, ttl: int) -> None:
        """What is sent from here on, the kernel's repetitions included, is dropped by router
        ``ttl``."""
        _, level, hops, _ = _family_options(self._sock.family)
        self._sock.setsockopt(level, hops, ttl)

    def close(self) -> None:
        """Reset the connection, so that the peer forgets it too; safe to call twice.

        Discarding comes first: what has expired on its way must not be repeated with a whole TTL.
        """
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.limit(_DEFAULT_TTL)
        super().close()


def _family(endpoint: Endpoint) -> tuple[socket.AddressFamily, int, int, int]:
    return _family_options(socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET)


def _family_options(family: int) -> tuple[socket.AddressFamily, int, int, int]:
    """The family, and of its options: their level, the TTL's, the error queue's."""
    if family == socket.AF_INET6:
        return socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, IPV6_RECVERR
    return socket.AF_INET, socket.IPPROTO_IP, socket.IP_TTL, IP_RECVERR


def _socket(endpoint: Endpoint, kind: socket.SocketKind, ttl: int) -> socket.socket:
    """A fresh socket whose packets are limited, and which hears of ICMP errors."""
    family, level, hops, errors = _family(endpoint)
    sock = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(level, hops, ttl)
        sock.setsockopt(level, errors, 1)
    except OSError:
        sock.close()
        raise
    return sock


async def _event(sock: socket.socket, *, connecting: bool = False) -> None:
    """Wait until something is to be read, also from the error queue, or a connection is made."""
    loop = asyncio.get_running_loop()
    happened: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not happened.done():
            happened.set_result(None)

    add: Callable[..., None] = loop.add_writer if connecting else loop.add_reader
    remove: Callable[..., bool] = loop.remove_writer if connecting else loop.remove_reader
    add(sock, settle)
    try:
        await happened
    finally:
        remove(sock)


def _icmp_error(sock: socket.socket) -> IcmpError | None:
    """The next entry of the error queue that an ICMP message made."""
    with contextlib.suppress(BlockingIOError):
        _, ancillary, _, _ = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        return parse_errors(ancillary)
    return None


def _hop(error: IcmpError, endpoint: Endpoint, sock: socket.socket) -> Hop:
    own = sock.getsockname()[0]
    if _same(error.offender, own) and not _same(endpoint.ip, own):
        # Our own kernel found no neighbour to send it to.
        raise OSError(error.errno, errno.errorcode.get(error.errno, str(error.errno)))
    reached = error.name != TIME_EXCEEDED and _same(error.offender, endpoint.ip)
    return Hop(error.offender, icmp=error.name, reached=reached)


def _same(offender: str | None, ip: str) -> bool:
    if offender is None:
        return False
    # The kernel gives offenders without a zone (fe80::1%eth0).
    found, wanted = (ipaddress.ip_address(text.partition("%")[0]) for text in (offender, ip))
    return found == wanted
