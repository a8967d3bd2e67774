"""Tells one address what waits for it: in order, some at once, and again when it has failed."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from probe.net.clocks import Clock
from probe.run.alerts.notifier import Notifier
from probe.run.alerts.state import Item, Lane
from probe.run.alerts.wording import whole

GATHER: Final = 5.0  # seconds that a message waits for others that come with it
TOGETHER: Final = 20  # things told in one message, at most
MOST: Final = 200  # things that may wait; the oldest are dropped
LONGEST: Final = timedelta(hours=12)  # for which something is tried: later it is no news any more
BACKOFF: Final = (30.0, 120.0, 300.0, 900.0, 1800.0)  # seconds before each further attempt

_log = logging.getLogger("probe.run")


class Sender:
    """One address, called by its number: the address itself is a secret.

    ``save`` is called whenever what waits has changed; ``lost`` is told of what was given up, and
    why. ``open`` is set while there is a network to send by.
    """

    def __init__(
        self,
        number: int,
        url: str,
        lane: Lane,
        notifier: Notifier,
        clock: Clock,
        vantage: str,
        open_: asyncio.Event,
        save: Callable[[], None],
        lost: Callable[[int, int, str], None],
        counts: Counter[str],
    ) -> None:
        """Nothing is sent before ``run``."""
        self.url = url
        self.lane = lane
        self._number = number
        self._notifier = notifier
        self._clock = clock
        self._vantage = vantage
        self._open = open_
        self._save = save
        self._lost = lost
        self._counts = counts
        self._some = asyncio.Event()
        self._failed = 0

    def put(self, item: Item) -> None:
        """Let it wait; the caller saves."""
        self.lane.items.append(item)
        over = len(self.lane.items) - MOST
        if over > 0:
            del self.lane.items[:over]
            self.lane.dropped += over
            self._counts["dropped"] += over
        self._some.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            if not self.lane.items:
                self._some.clear()
                await self._some.wait()
            await asyncio.sleep(GATHER)
            await self._open.wait()
            if not await self._deliver():
                await asyncio.sleep(BACKOFF[min(self._failed, len(BACKOFF)) - 1])
                self._give_up()

    async def _deliver(self) -> bool:
        # What comes meanwhile goes with the next one; what is dropped meanwhile is not counted.
        items, dropped = self.lane.items[:TOGETHER], self.lane.dropped
        more = f", and {len(items) - 1} more" if len(items) > 1 else ""
        title = f"{items[0].headline}{more}"
        body = whole([i.headline for i in items], [i.lines for i in items], dropped)
        found = await self._notifier.send(self.url, f"probe {self._vantage}: {title}", body)
        if not found.delivered:
            self._failed += 1
            if self._failed == 1:
                _log.warning("notification %d failed: %s; trying again", self._number, found.reason)
            return False
        if self._failed:
            _log.info("notification %d passes again", self._number)
        self._failed = 0
        told = set(map(id, items))
        self.lane.items[:] = [item for item in self.lane.items if id(item) not in told]
        self.lane.dropped -= dropped
        self._counts["sent"] += 1
        self._save()
        return True

    def _give_up(self) -> None:
        now = self._clock.now()
        old = [item for item in self.lane.items if now - item.at > LONGEST]
        if not old:
            return
        kept = [item for item in self.lane.items if now - item.at <= LONGEST]
        self.lane.items[:] = kept
        self._counts["failed"] += len(old)
        hours = LONGEST.total_seconds() / 3600
        _log.error("notification %d: given up %d after %g hours", self._number, len(old), hours)
        self._save()
        self._lost(self._number, len(old), f"not delivered within {hours:g} hours")
