"""Where follow-ups go that must not disturb one another: decoys and echoes of the controls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from probe.core.address import Endpoint
from probe.measure.quarantine import Quarantine
from probe.plan.question import Session

Sessions = Callable[[], Awaitable[list[tuple[str, Session]]]]


@dataclass
class Places:
    """Gives out one place at a time to one experiment, and none that still rests.

    ``sessions`` opens one at every control, or gives what is open.
    """

    sessions: Sessions
    quarantine: Quarantine
    _locks: dict[Endpoint, asyncio.Lock] = field(default_factory=dict)

    @asynccontextmanager
    async def decoy(self, within: float) -> AsyncIterator[tuple[Endpoint, Session] | None]:
        """A decoy that is in no quarantine, for one experiment alone; None if there is none in
        time."""
        sessions = await self.sessions()
        places = {at: session for _, session in sessions for at in session.decoys}
        async with self._one_of(list(places), within) as at:
            yield None if at is None else (at, places[at])

    @asynccontextmanager
    async def echo(self, within: float) -> AsyncIterator[Endpoint | None]:
        """An echo, likewise."""
        sessions = await self.sessions()
        places = [session.echo for _, session in sessions if session.echo]
        async with self._one_of(places, within) as at:
            yield at

    @asynccontextmanager
    async def _one_of(
        self, places: list[Endpoint], within: float
    ) -> AsyncIterator[Endpoint | None]:
        free = [place for place in places if not self._busy(place)]
        if not free:
            places = sorted(places, key=self.quarantine.remaining)
            free = [place for place in places if self.quarantine.remaining(place) <= within][:1]
        if not free:
            yield None
            return
        lock = self._locks.setdefault(free[0], asyncio.Lock())
        try:
            async with asyncio.timeout(within):
                await lock.acquire()
        except TimeoutError:
            yield None
            return
        try:
            rest = self.quarantine.remaining(free[0])  # another experiment may have cost it
            if rest <= within:
                await asyncio.sleep(rest)
            yield free[0] if rest <= within else None
        finally:
            lock.release()

    def _busy(self, at: Endpoint) -> bool:
        lock = self._locks.get(at)
        return bool(lock and lock.locked()) or self.quarantine.remaining(at) > 0
