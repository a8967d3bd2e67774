"""A scripted network: the same interface without a single socket.

Each endpoint has a script; what it does not allow is refused, as a closed port would refuse it.
Time does not pass by itself: a script that stays silent waits on the loop's clock, so a test with
a jumping loop sees deadlines at once.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from probe.core.address import Endpoint, is_ip

Serve = Callable[["FakePeer"], Awaitable[None]]


@dataclass
class FakePeer:
    """The far end of one connection, as a script sees it."""

    inbox: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    outbox: asyncio.Queue[bytes | OSError] = field(default_factory=asyncio.Queue)

    async def receive(self) -> bytes:
        """What the probe sent next; empty once it has closed."""
        return await self.inbox.get()

    def send(self, data: bytes) -> None:
        """Answer; empty bytes are a FIN."""
        self.outbox.put_nowait(data)

    def reset(self) -> None:
        """Answer with a RST."""
        self.outbox.put_nowait(os_error(errno.ECONNRESET))


def os_error(number: int) -> OSError:
    """The OSError that the kernel would give, e.g. for errno.ECONNREFUSED."""
    return OSError(number, os.strerror(number))


@dataclass
class FakeNetwork:
    """Names, and what answers at each endpoint: a script, or the error of dialling it.

    ``down`` makes every operation fail as on a machine without any route.
    """

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tcp: dict[Endpoint, Serve | OSError] = field(default_factory=dict)
    udp: dict[Endpoint, Serve | OSError] = field(default_factory=dict)
    local_ip: str = "198.51.100.77"
    down: bool = False
    dialled: list[Endpoint] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def lookup(self, host: str) -> tuple[str, ...]:
        """The scripted addresses; EAI_NONAME for other names, EAI_AGAIN when down."""
        if is_ip(host):
            return (host,)
        if self.down:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.names[host]

    async def connect(self, endpoint: Endpoint) -> "FakeStream":
        """Connect to the script at this endpoint."""
        return FakeStream(self._dial(self.tcp, endpoint), self.local_ip)

    async def datagrams(self, endpoint: Endpoint) -> "FakeStream":
        """Like ``connect``: the script sees one datagram at a time."""
        return FakeStream(self._dial(self.udp, endpoint), self.local_ip)

    def _dial(self, scripts: dict[Endpoint, Serve | OSError], endpoint: Endpoint) -> FakePeer:
        self.dialled.append(endpoint)
        if self.down:
            raise os_error(errno.ENETUNREACH)
        script = scripts.get(endpoint, os_error(errno.ECONNREFUSED))
        if isinstance(script, OSError):
            raise script
        peer = FakePeer()
        task = asyncio.ensure_future(script(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return peer


class FakeStream:
    """The probe's end: a Stream and a Datagrams."""

    def __init__(self, peer: FakePeer, local_ip: str) -> None:
        """Talk to this peer."""
        self._peer = peer
        self._rest = b""
        self.local_ip: str | None = local_ip

    async def receive(self, limit: int = 65536) -> bytes:
        """What the script sent next."""
        if not self._rest:
            answer = await self._peer.outbox.get()
            if isinstance(answer, OSError):
                raise answer
            self._rest = answer
        data, self._rest = self._rest[:limit], self._rest[limit:]
        return data

    async def send(self, data: bytes) -> None:
        """Give it to the script."""
        self._peer.inbox.put_nowait(data)

    def close(self) -> None:
        """Tell the script that nothing more comes."""
        self._peer.inbox.put_nowait(b"")
