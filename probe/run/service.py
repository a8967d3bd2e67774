"""The running probe: cycles on a schedule until it is told to stop.

What is under way at that moment is given a few seconds to finish, and is recorded as interrupted
if it does not.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Final

from probe.core.model import JSON, Event, Measurement, Verdict
from probe.judge.vantage import VantageState
from probe.measure.cycle import run_cycle
from probe.measure.health import WINDOW
from probe.measure.means import Recorders, means_for
from probe.measure.measure import Instruments
from probe.measure.rounds import FeatureRounds
from probe.plan.jobs import Job, Plan
from probe.record.disk import ResultsError
from probe.record.journal import Journal
from probe.run.schedule import Schedule, slot
from probe.run.watching import Watcher

GRACE: Final = 5.0  # seconds that cycles under way may still take after the stop
AT_ONCE: Final = 64  # cycles under way at the same time, at most
CLOCK_WATCHED: Final = 5.0  # seconds between two looks at the wall clock
CLOCK_JUMP: Final = 5.0  # seconds by which it may drift off in that time before it has jumped

_log = logging.getLogger("probe.run")


class Service:
    """Measures a plan's targets on their schedule, records everything, and tells the watchers."""

    def __init__(
        self,
        plan: Plan,
        instruments: Instruments,
        journal: Journal,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        """Nothing is sent before ``run``."""
        self._plan = plan
        self._instruments = instruments
        self._journal = journal
        self._watchers = watchers
        self._full = False
        self._ending = False
        self._slots: dict[str, int] = {}
        self._cycles: set[asyncio.Task[None]] = set()
        self._limit = asyncio.Semaphore(AT_ONCE)
        # A plan that measures its targets every few seconds looks at its anchors as often.
        window = min([WINDOW, *(job.every for job in plan.jobs)])
        self._means = means_for(
            plan,
            instruments,
            Recorders(measurement=self._measured, verdict=self._judged),
            at_once=False,
            health_changed=self._health_changed,
            window=window,
        )
        self._rounds = FeatureRounds(plan.features, self._record_verdict, instruments.clock.now)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then end in good order."""
        for watcher in self._watchers:
            watcher.planned(self._plan)
        self._note("start", targets=len(self._plan.jobs), run=self._instruments.run)
        schedule = Schedule(self._skipped)
        for job in self._plan.jobs:
            schedule.add(job.target.id, job.every, self._tick, job)
        schedule.start()
        watching = asyncio.create_task(self._watch_clock(schedule))
        try:
            await stop.wait()
        finally:
            self._ending = True
            schedule.stop()
            watching.cancel()
            await asyncio.wait({watching})
            interrupted = await self._finish()
            await self._means.controls.aclose()
            schedule.close()
            self._note("stop", run=self._instruments.run, interrupted=interrupted)

    async def _watch_clock(self, schedule: Schedule) -> None:
        """Hold the wall clock against the one that is never set, and mend the schedule after a
        jump: a time server's correction, or a machine that was suspended."""
        clock = self._instruments.clock
        wall, steady = clock.now(), clock.monotonic()
        while True:
            await asyncio.sleep(CLOCK_WATCHED)
            passed, counted = (clock.now() - wall).total_seconds(), clock.monotonic() - steady
            wall, steady = clock.now(), clock.monotonic()
            if abs(passed - counted) > CLOCK_JUMP:
                _log.warning("the clock jumped by %+.0f s", passed - counted)
                self._note("clock_jump", seconds=round(passed - counted, 3))
                schedule.rebuild()

    async def _finish(self) -> int:
        """Wait for the cycles under way, then cut the rest off; how many were cut off."""
        if not self._cycles:
            return 0
        _, late = await asyncio.wait(self._cycles, timeout=GRACE)
        for cycle in late:
            cycle.cancel()
        if late:
            await asyncio.wait(late)
        return len(late)

    async def _tick(self, job: Job) -> None:
        """One slot of one target. Its own task, so that the scheduler's end does not cut it off."""
        if self._ending:  # handed out by the schedule just before it was stopped
            return
        self._count_slot(job)
        cycle = asyncio.create_task(self._cycle(job))
        self._cycles.add(cycle)
        cycle.add_done_callback(self._cycles.discard)
        await asyncio.wait({cycle})

    async def _cycle(self, job: Job) -> None:
        # A delay inside the slot: it blurs the rhythm on the line without shifting the next slot.
        began = self._instruments.clock.monotonic()
        delay = random.uniform(0, self._plan.spread)  # noqa: S311  (no secret)
        await asyncio.sleep(delay)
        if self._means.quarantined(job):
            self._note("skipped", target=job.target.id, reason="its address is in quarantine")
            return
        for watcher in self._watchers:
            watcher.due(job.target.id)
        try:
            async with self._limit:
                lag = self._instruments.clock.monotonic() - began - delay
                for watcher in self._watchers:
                    watcher.started(job.target.id, lag)
                await run_cycle(job, self._means)
        except Exception:  # noqa: BLE001  (one broken cycle must not end the others)
            _log.exception("cycle of %s", job.target.id)
        finally:
            for watcher in self._watchers:
                watcher.ended(job.target.id)

    def _count_slot(self, job: Job) -> None:
        name = job.target.id
        current = slot(name, job.every, self._instruments.clock.now())
        missed = current - self._slots.get(name, current - 1) - 1
        if missed > 0:
            self._note("missed", target=name, slots=missed)
        self._slots[name] = current

    def _skipped(self, name: str) -> None:
        self._slots[name] = self._slots.get(name, 0) + 1
        self._note("skipped", target=name, reason="the previous cycle was still under way")

    def _measured(self, measurement: Measurement) -> None:
        self._write(lambda: self._journal.measurement(measurement))
        for watcher in self._watchers:
            watcher.measurement(measurement)

    def _judged(self, verdict: Verdict) -> None:
        self._record_verdict(verdict)
        self._rounds.add(verdict)

    def _record_verdict(self, verdict: Verdict) -> None:
        self._write(lambda: self._journal.verdict(verdict))
        for watcher in self._watchers:
            watcher.verdict(verdict)

    def _health_changed(self, state: VantageState) -> None:
        _log.info("vantage: %s", state.value)
        self._note("health", state=state.value)

    def _note(self, event: str, **detail: JSON) -> None:
        record = Event(
            at=self._instruments.clock.now(),
            event=event,
            vantage=self._plan.vantage.id,
            detail=detail,
        )
        self._write(lambda: self._journal.event(record))
        for watcher in self._watchers:
            watcher.event(record)

    def _write(self, write: Callable[[], None]) -> None:
        """Write, and go on without a disk: what found no room waits in the journal."""
        try:
            write()
        except ResultsError as exc:
            if not self._full:
                self._full = True
                _log.error("%s; measuring goes on", exc)
                self._note("disk_full", error=str(exc))
        else:
            if self._full and not self._journal.waiting:
                self._full = False
                _log.info("results can be written again")
