"""The running probe: cycles on a schedule until it is told to stop.

What is under way at that moment is given a few seconds to finish, and is recorded as interrupted
if it does not.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from probe.core.model import JSON, VANTAGE, Measurement, Verdict
from probe.judge.evidence import ip_of, tried_in
from probe.judge.vantage import VantageState
from probe.measure.cycle import run_cycle
from probe.measure.health import WINDOW
from probe.measure.means import Means, Recorders, means_for
from probe.measure.measure import Instruments
from probe.measure.rounds import FeatureRounds
from probe.plan.jobs import Job, Plan
from probe.record.journal import Journal
from probe.run.continuity import restore
from probe.run.disk import Disk
from probe.run.housekeeping import Housekeeping
from probe.run.ledger import Ledger
from probe.run.limits import CountedNetwork, Limits
from probe.run.recording import Recording
from probe.run.reload import Changes, changes
from probe.run.schedule import Schedule
from probe.run.timetable import Timetable
from probe.run.turns import Turns
from probe.run.watching import Watcher

GRACE: Final = 5.0  # seconds that cycles under way may still take after the stop

_log = logging.getLogger("probe.run")


class Service:
    """Measures a plan's targets on their schedule, records everything, and tells the watchers.

    ``limits`` counts the cycles under way and those that wait for room; ``schedule`` knows what is
    due next. Who shows them, reads them.
    """

    def __init__(
        self,
        plan: Plan,
        instruments: Instruments,
        journal: Journal,
        watchers: Sequence[Watcher] = (),
        *,
        ledger: Ledger | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Nothing is sent before ``run``.

        ``ledger`` is what an earlier run left to know, ``disk`` what watches the results' disk.
        """
        self._plan = plan
        self._clock = instruments.clock
        self._run = instruments.run
        self._ledger = ledger or Ledger()
        self._disk = disk
        self._record = Recording(journal, watchers, self._clock.now, plan.vantage.id)
        self._ending = False
        self._cycles: set[asyncio.Task[None]] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self.limits = Limits(plan.limits, self._clock.monotonic)
        self.schedule = Schedule(self._overlapped)
        self._turns = Turns(self._clock, self.schedule, self._ledger, self._record)
        self._house = Housekeeping(
            self._clock,
            self.schedule,
            self._turns,
            journal,
            self._record,
            self._ledger,
            disk,
            self._forget,
        )
        self._means = self._means_of(plan, instruments)
        self._rounds = FeatureRounds(plan.features, self._record.verdict, self._clock.now)

    @property
    def backlog(self) -> int:
        """How many lines of results wait in memory for room on the disk."""
        return self._record.waiting

    @property
    def behind(self) -> float:
        """Seconds by which the schedule has not done what was due; 0 when all is well."""
        due = self.schedule.next_due
        return max(0.0, (self._clock.now() - due).total_seconds()) if due else 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then end in good order."""
        self._record.planned(self._plan)
        self._record.note("start", targets=len(self._plan.jobs), run=self._run)
        if self._means.health.state is not VantageState.UNTESTED:  # known from the last run
            self._health_changed(self._means.health.state)
        for job in self._plan.jobs:
            self.schedule.add(job.target.id, _timetable(job), self._tick, job)
        self._turns.go_on()
        self._forget()
        self.schedule.start()
        keeping = asyncio.create_task(self._house.run())
        try:
            await stop.wait()
        finally:
            self._ending = True
            self.schedule.stop()
            self._house.look_at_clock()
            keeping.cancel()
            await asyncio.wait({keeping})
            interrupted = await self._finish()
            await asyncio.gather(self._means.controls.aclose(), *self._retiring)
            self.schedule.close()
            self._ledger.alive(self._clock.now())
            self._ledger.close()
            self._record.note("stop", run=self._run, interrupted=interrupted)

    def reload(self, plan: Plan, instruments: Instruments) -> Changes:
        """Go on under another plan. ReloadRefusedError says what would need a restart, ConfigError
        what the plan lacks; the old one goes on then.

        Targets that stay the same keep their moments and what is known of them; cycles under way
        end as they began.
        """
        found = changes(self._plan, plan)
        means = self._means_of(plan, instruments)  # the last that may fail
        former, running = self._means, set(self._cycles)
        self._plan = plan
        self.limits.change(plan.limits)
        if self._disk:
            self._disk.limit = plan.limits.disk_free
        self._means = means
        self._rounds.follow(plan.features)
        for name in found.removed:
            self.schedule.remove(name)
        for name in (*found.removed, *found.changed):
            self._means.earlier.pop(name, None)
        for job in plan.jobs:
            name, timetable = job.target.id, _timetable(job)
            same = self.schedule.timetables.get(name) == timetable
            self.schedule.add(name, timetable, self._tick, job)
            if not same:
                self._turns.begin_anew(name)
        self._forget()
        self._record.planned(plan)
        retiring = asyncio.create_task(_retire(former, running))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        return found

    def note(self, event: str, **detail: JSON) -> None:
        """Record an event that happens to the process itself."""
        self._record.note(event, **detail)

    def _means_of(self, plan: Plan, instruments: Instruments) -> Means:
        # A plan that measures its targets every few seconds looks at its anchors as often.
        window = min([WINDOW, *(job.every for job in plan.jobs)])
        means = means_for(
            plan,
            replace(instruments, net=CountedNetwork(instruments.net, self.limits.sent)),
            Recorders(
                measurement=self._measured,
                verdict=self._judged,
                anomaly=self._cut_off,
                anchors=self._ledger.anchors,
            ),
            at_once=False,
            health_changed=self._health_changed,
            window=window,
        )
        restore(means, self._ledger.remembered, plan, self._clock.now())
        return means

    def _forget(self) -> None:
        """Write down anew what is still of use, and when that was."""
        now = self._clock.now()
        self._ledger.alive(now)
        names = [job.target.id for job in self._plan.jobs]
        self._ledger.shorten(names, now - timedelta(seconds=self._plan.quarantine))

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
        """One turn of one target. Its own task, so that the scheduler's end does not cut it off."""
        if self._ending:  # handed out by the schedule just before it was stopped
            return
        self._house.look_at_clock()  # after a leap everything seems due, and must not begin at once
        due = self._turns.take(job.target.id)
        if due is None or self._house.no_room():
            return
        cycle = asyncio.create_task(self._cycle(job, due))
        self._cycles.add(cycle)
        cycle.add_done_callback(self._cycles.discard)
        await asyncio.wait({cycle})

    async def _cycle(self, job: Job, due: datetime) -> None:
        name, means = job.target.id, self._means
        # A delay inside the turn: it blurs the rhythm on the line without shifting the next one.
        lag = (self._clock.now() - due).total_seconds()
        began = self._clock.monotonic()
        delay = random.uniform(0, job.timing.spread)  # noqa: S311  (no secret)
        await asyncio.sleep(delay)
        if means.quarantined(job):
            self._turns.skip(name, "its address is in quarantine")
            return
        with self._record.cycle(name):
            try:
                async with self.limits.turn(self._places(job)):
                    waited = self._clock.monotonic() - began - delay
                    self._record.started(name, lag + waited)
                    await run_cycle(job, means)
            except Exception:  # noqa: BLE001  (one broken cycle must not end the others)
                _log.exception("cycle of %s", name)
            finally:
                if means is self._means:
                    self._ledger.trials(name, means.earlier.get(name, ()))

    def _places(self, job: Job) -> tuple[str, ...]:
        """The addresses that a cycle will go to, as far as they are known before."""
        known = self._ledger.remembered.addresses.get(job.target.id)
        return known or (str(getattr(job.check, "host", job.target.id)),)

    def _overlapped(self, name: str) -> None:
        self._turns.overlapped(name)

    def _measured(self, measurement: Measurement) -> None:
        self._record.measurement(measurement)
        if measurement.role == "target" and measurement.origin == VANTAGE:
            ips = dict.fromkeys(ip_of(address) for address in tried_in(measurement))
            if ips:
                self._ledger.addresses(measurement.target.id, tuple(sorted(ips)))

    def _judged(self, verdict: Verdict) -> None:
        self._record.verdict(verdict)
        self._rounds.add(verdict)

    def _cut_off(self, measurement: Measurement) -> None:
        self._ledger.anomaly(self._clock.now(), measurement)
        if self._retiring:  # by a cycle that began under the former plan, perhaps
            self._means.quarantine.restore(measurement, 0.0)

    def _health_changed(self, state: VantageState) -> None:
        _log.info("vantage: %s", state.value)
        self._record.note("health", state=state.value)


async def _retire(means: Means, cycles: set[asyncio.Task[None]]) -> None:
    """Close what a former plan's cycles use, once they have ended."""
    if cycles:
        await asyncio.wait(cycles)
    await means.controls.aclose()


def _timetable(job: Job) -> Timetable:
    return Timetable(job.target.id, job.every, job.timing)
