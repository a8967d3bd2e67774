"""Networks that are odd on this side of the wire, where no server can make it happen."""

import asyncio
import socket
from collections.abc import Callable

from probe.core.address import Endpoint
from probe.net import Network
from probe.net.fake import FakeNetwork, os_error
from probe.net.real import RealNetwork, RealStream
from probe.net.system import SystemResolver


class _NoNames(SystemResolver):
    """A system resolver that always says the same."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code

    async def lookup(self, host: str) -> tuple[str, ...]:
        raise socket.gaierror(self.code, "as the C library says it")


class Impatient(RealNetwork):
    """Connections on which the kernel itself soon gives up."""

    async def connect(self, endpoint: Endpoint) -> RealStream:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 100)  # milliseconds
        try:
            await asyncio.get_running_loop().sock_connect(sock, tuple(endpoint))
        except BaseException:
            sock.close()
            raise
        return RealStream(sock)


def fails_with(number: int) -> Callable[[], Network]:
    """Dialling 127.0.0.1:1 gives this errno."""
    return lambda: FakeNetwork(tcp={Endpoint("127.0.0.1", 1): os_error(number)})


def getaddrinfo_says(code: int) -> Callable[[], Network]:
    """Every lookup ends with this EAI code."""
    return lambda: RealNetwork(_NoNames(code))
