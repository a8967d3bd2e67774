"""How much a client may ask, and how much is done at once."""

import asyncio
import ipaddress
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

CLIENTS: Final = 4096  # that are remembered; the one that was silent longest is forgotten first
PATIENCE: Final = 5.0  # seconds that a target waits for its turn


def client_key(ip: str) -> str:
    """Whom a limit counts: an IPv4 address, or the /64 that one IPv6 subscriber has (RFC 6177)."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if address.version == 4:
        return ip
    return str(ipaddress.ip_network((address, 64), strict=False))


class Rate:
    """A bucket of ``per_minute`` requests for each client, filled again within a minute."""

    def __init__(self, monotonic: Callable[[], float], per_minute: int) -> None:
        """Every client starts with a full bucket."""
        self._monotonic = monotonic
        self._full = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, ip: str) -> float:
        """Count a request: 0.0 if it may go on, else the seconds after which one more may."""
        key, now = client_key(ip), self._monotonic()
        left, then = self._buckets.pop(key, (self._full, now))
        left = min(self._full, left + (now - then) * self._full / 60)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left), now
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._full


class BusyError(Exception):
    """There is no room, or no place became free in time."""


class Places:
    """So many measurements at once, and a short queue before them."""

    def __init__(self, places: int, queue: int, patience: float = PATIENCE) -> None:
        """``patience`` in seconds: whoever waits longer is told to come again."""
        self._room = places + queue
        self._free = asyncio.Semaphore(places)
        self._patience = patience
        self._inside = 0

    @asynccontextmanager
    async def room(self, count: int) -> AsyncIterator[None]:
        """Room for so many measurements, at work or waiting. Raises BusyError at once."""
        if self._inside + count > self._room:
            raise BusyError
        self._inside += count
        try:
            yield
        finally:
            self._inside -= count

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place to measure at. Raises BusyError when none became free in time."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise BusyError from None
        try:
            yield
        finally:
            self._free.release()


class Turns:
    """So many connections served at once, of which one client has at most ``each``."""

    def __init__(self, total: int, each: int) -> None:
        """The others wait, in the order in which they came."""
        self._total = asyncio.Semaphore(total)
        self._most_each = each
        self._each: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, ip: str) -> AsyncIterator[None]:
        """Wait until this client may be served."""
        key = client_key(ip)
        own = self._each.setdefault(key, asyncio.Semaphore(self._most_each))
        self._users[key] += 1
        try:
            async with own, self._total:
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key], self._each[key]
