"""How much may be under way, in all and at one address, and how often one address is dialled.

All waiting is done before a cycle begins, so that no clock of a measurement ever runs meanwhile.
What a cycle then sends is counted where it leaves, by the address that is really dialled, with
follow-ups, repeats and anchors; what it costs beyond the rate, the next cycle there waits for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from probe.core.address import Endpoint
from probe.net import Datagrams, Network, Stream
from probe.plan.limits import LimitsSection

_MINUTE: Final = 60.0
_KEPT: Final = 4096  # addresses that are counted apart; those that are at rest go first
_NEGLIGIBLE: Final = 0.001  # seconds; a timer is not finer, nor is a float after a year
_MOST: Final = 3600.0  # seconds that are waited before the rate is looked at anew


class _Bucket:
    """Packets that may still be sent: a minute's worth at most, and below zero what was too much.

    It fills evenly.
    """

    def __init__(self, now: float, per_minute: float) -> None:
        self._level, self._at, self._rate = per_minute, now, per_minute

    def spend(self, now: float) -> None:
        self._fill(now)
        self._level -= 1

    def wait(self, now: float) -> float:
        """Seconds until there is room for one."""
        self._fill(now)
        seconds = (1 - self._level) * _MINUTE / self._rate
        return seconds if seconds > _NEGLIGIBLE else 0.0

    def full(self, now: float) -> bool:
        self._fill(now)
        return self._level >= self._rate

    def _fill(self, now: float) -> None:
        self._level = min(self._rate, self._level + (now - self._at) * self._rate / _MINUTE)
        self._at = now


class Limits:
    """Lets cycles begin one after another, as far as there is room.

    ``under_way`` and ``waiting`` count cycles.
    """

    def __init__(self, limits: LimitsSection, monotonic: Callable[[], float]) -> None:
        """Nothing is under way yet."""
        self._monotonic = monotonic
        self._visits: dict[str, int] = {}
        self._rates: dict[str, _Bucket] = {}
        self._changed = asyncio.Event()
        self.under_way = 0
        self.waiting = 0
        self.change(limits)

    def change(self, limits: LimitsSection) -> None:
        """Other limits from now on; where rates change, what was sent until now is forgotten."""
        old = getattr(self, "_limits", None)
        self._limits = limits
        if old is None or (old.per_minute, old.in_all) != (limits.per_minute, limits.in_all):
            self._rates.clear()
            self._all = _Bucket(self._monotonic(), limits.in_all)
        self._wake()

    def sent(self, ip: str) -> None:
        """Count a connection, or the first datagram of a socket."""
        now = self._monotonic()
        self._all.spend(now)
        bucket = self._rates.get(ip)
        if bucket is None:
            if len(self._rates) >= _KEPT:
                self._drop(now)
            bucket = self._rates[ip] = _Bucket(now, self._limits.per_minute)
        bucket.spend(now)

    @asynccontextmanager
    async def turn(self, places: Iterable[str]) -> AsyncIterator[None]:
        """Wait until a cycle that goes to these places may begin; in it, it is under way.

        Places are IP addresses; of a name that was never looked up, the name.
        """
        these = tuple(dict.fromkeys(places))
        self.waiting += 1
        try:
            while (rest := self._rest(these)) > 0:
                await self._change_within(rest)
        finally:
            self.waiting -= 1
        self._count(these, 1)
        try:
            yield
        finally:
            self._count(these, -1)
            self._wake()

    def _rest(self, places: tuple[str, ...]) -> float:
        """Seconds until there may be room; 0 if there is."""
        if self.under_way >= self._limits.at_once:
            return _MOST
        if any(self._visits.get(place, 0) >= self._limits.per_host for place in places):
            return _MOST
        now = self._monotonic()
        waits = [self._rates[ip].wait(now) for ip in places if ip in self._rates]
        return min(_MOST, max([self._all.wait(now), *waits]))

    async def _change_within(self, seconds: float) -> None:
        """Until somebody has left, and at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _count(self, places: tuple[str, ...], step: int) -> None:
        self.under_way += step
        for place in places:
            self._visits[place] = self._visits.get(place, 0) + step
            if not self._visits[place]:
                del self._visits[place]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _drop(self, now: float) -> None:
        rested = [ip for ip, bucket in self._rates.items() if bucket.full(now)]
        for ip in rested or [next(iter(self._rates))]:
            del self._rates[ip]


class CountedNetwork:
    """A network of which every first packet is counted."""

    def __init__(self, net: Network, sent: Callable[[str], None]) -> None:
        """Send over ``net``, and tell ``sent`` each address that is dialled."""
        self._net = net
        self._sent = sent

    async def lookup(self, host: str) -> tuple[str, ...]:
        """Ask the system's resolver, whose packets are its own."""
        return await self._net.lookup(host)

    async def connect(self, endpoint: Endpoint) -> Stream:
        """Dial, and count it."""
        self._sent(endpoint.ip)
        return await self._net.connect(endpoint)

    async def datagrams(self, endpoint: Endpoint) -> Datagrams:
        """Open a socket, and count what it sends first."""
        self._sent(endpoint.ip)
        return await self._net.datagrams(endpoint)
