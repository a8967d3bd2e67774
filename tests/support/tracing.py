"""A scripted way: routers, an end, and what is done to ClientHellos on it."""

import asyncio
import errno
from dataclasses import dataclass, field

from probe.core.address import Endpoint
from probe.net import Hop, TracingUnavailableError
from probe.net.fake import os_error


@dataclass
class FakeTracer:
    """``way`` names who drops a packet of TTL 1, 2, …; None stays silent. ``end`` answers whatever
    has a greater TTL; an error is raised there instead.

    ``resets_at`` is the lowest TTL at which a ClientHello is reset, ``reset_name`` the name that it
    needs. ``lost`` are (TTL, number of the packet) that draw nothing. ``sent`` holds what was sent.
    """

    way: list[str | None] = field(default_factory=list)
    end: Hop | OSError | None = None
    resets_at: int | None = None
    reset_name: bytes = b""
    answer: bytes | None = None
    dial: OSError | None = None
    lost: set[tuple[int, int]] = field(default_factory=set)
    without: str | None = None
    sent: list[tuple[str, Endpoint, int]] = field(default_factory=list)
    streams: list["FakeLimited"] = field(default_factory=list)
    hellos: list[tuple[int, bytes]] = field(default_factory=list)

    def require(self, ip: str) -> None:
        if self.without == ("6" if ":" in ip else "4"):
            raise TracingUnavailableError("this kernel cannot")

    async def datagram(self, endpoint: Endpoint, ttl: int, payload: bytes) -> Hop:
        return await self._hop("udp", endpoint, ttl)

    async def syn(self, endpoint: Endpoint, ttl: int) -> Hop:
        return await self._hop("syn", endpoint, ttl)

    async def connect(self, endpoint: Endpoint) -> "FakeLimited":
        self.sent.append(("connect", endpoint, 0))
        if self.dial:
            raise self.dial
        stream = FakeLimited(self)
        self.streams.append(stream)
        return stream

    async def _hop(self, packet: str, endpoint: Endpoint, ttl: int) -> Hop:
        self.sent.append((packet, endpoint, ttl))
        number = self.sent.count((packet, endpoint, ttl))
        await asyncio.sleep(0.01 * ttl)
        if (ttl, number) in self.lost:
            await asyncio.Event().wait()
        if ttl <= len(self.way):
            router = self.way[ttl - 1]
            if router is None:
                await asyncio.Event().wait()
            return Hop(router, icmp="time_exceeded")
        if self.end is None:
            await asyncio.Event().wait()
        if isinstance(self.end, OSError):
            raise self.end
        assert self.end is not None
        return self.end


class FakeLimited:
    """A connection on that way."""

    def __init__(self, tracer: FakeTracer) -> None:
        self._tracer = tracer
        self._ttl = 64
        self._sent = b""
        self.closed = False
        self.local_ip: str | None = "198.51.100.77"

    def limit(self, ttl: int) -> None:
        self._ttl = ttl

    async def send(self, data: bytes) -> None:
        self._sent += data
        self._tracer.hellos.append((self._ttl, data))

    async def receive(self, limit: int = 65536) -> bytes:
        tracer = self._tracer
        named = tracer.reset_name in self._sent
        if tracer.resets_at is not None and self._ttl >= tracer.resets_at and named:
            raise os_error(errno.ECONNRESET)
        if self._ttl <= len(tracer.way) or tracer.answer is None:
            await asyncio.Event().wait()
        assert tracer.answer is not None
        return tracer.answer

    def close(self) -> None:
        self.closed = True
