"""What a running probe looks after every few seconds: the clock, the disk, and its own memory."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from probe.net.clocks import Clock
from probe.record.journal import Journal
from probe.run.clockwatch import ClockWatch
from probe.run.disk import Disk, Left
from probe.run.ledger import Ledger
from probe.run.recording import Recording
from probe.run.schedule import Schedule
from probe.run.turns import Turns

LOOKED: Final = 5.0  # seconds between two looks
ALIVE: Final = 60.0  # seconds between two notes that the probe still runs

_log = logging.getLogger("probe.run")


class Housekeeping:
    """Mends the schedule after a leap of the clock, and leaves out what the disk cannot take."""

    def __init__(
        self,
        clock: Clock,
        schedule: Schedule,
        turns: Turns,
        journal: Journal,
        record: Recording,
        ledger: Ledger,
        disk: Disk | None,
        forget: Callable[[], None],
    ) -> None:
        """``forget`` shortens the ledger; without ``disk`` nobody looks at it."""
        self._clock = clock
        self._watch = ClockWatch(clock)
        self._schedule = schedule
        self._turns = turns
        self._journal = journal
        self._record = record
        self._ledger = ledger
        self._disk = disk
        self._forget = forget
        self._left_out = 0
        self._alive = 0.0

    def no_room(self) -> bool:
        """Whether a cycle must be left out for want of room; it is counted then."""
        if self._disk is None or self._disk.out is not Left.CYCLES:
            return False
        self._left_out += 1
        return True

    async def run(self) -> None:
        """Look until cancelled."""
        self._alive = self._clock.monotonic()
        self.look_at_disk()
        while True:
            await asyncio.sleep(LOOKED)
            try:
                self._look()
            except Exception:  # noqa: BLE001  (a watchman who stumbles goes on)
                _log.exception("looking after the clock and the disk")

    def _look(self) -> None:
        self.look_at_clock()
        self._record.retry()
        self.look_at_disk()
        if self._clock.monotonic() - self._alive >= ALIVE:
            self._alive = self._clock.monotonic()
            self._ledger.alive(self._clock.now())
        if self._ledger.long:
            self._forget()

    def look_at_clock(self) -> None:
        """Tell of a leap, and find every next moment by the clock as it stands now."""
        if (jump := self._watch.jumped()) is not None:
            _log.warning("the clock jumped by %+.0f s", jump)
            self._record.note("clock_jump", seconds=round(jump, 3))
            self._turns.leapt()
            self._schedule.rebuild()

    def look_at_disk(self) -> None:
        """Leave out, or take up again, what the room that is left demands; say so."""
        disk = self._disk
        if disk is None or not disk.look(self._record.waiting):
            return
        self._journal.objects.paused = disk.out > Left.NOTHING
        if disk.out is Left.NOTHING:
            _log.info("there is room on the disk again")
            self._record.note("disk_ok", free=disk.free, skipped=self._left_out)
            self._left_out = 0
            return
        what = disk.out.name.lower()
        _log.error("the disk is nearly full (%d MiB free): no %s", disk.free // 1024**2, what)
        error = f"{self._journal.root}: nearly full; free some room there"
        self._record.note("disk_full", error=error, free=disk.free, left_out=what)
