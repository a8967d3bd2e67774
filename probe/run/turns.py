"""Whose turn it is, whose turns passed, and what an earlier run left to be done."""

from datetime import datetime, timedelta
from typing import Final

from probe.core.times import rfc3339
from probe.net.clocks import Clock
from probe.run.continuity import gap
from probe.run.ledger import Ledger
from probe.run.recording import Recording
from probe.run.schedule import Schedule

_LEAST: Final = timedelta(microseconds=1)


class Turns:
    """Writes down every turn that is taken, and tells of those that nobody took."""

    def __init__(self, clock: Clock, schedule: Schedule, ledger: Ledger, record: Recording) -> None:
        """Turns are counted by the schedule's timetables."""
        self._clock = clock
        self._schedule = schedule
        self._ledger = ledger
        self._record = record

    def take(self, name: str) -> datetime | None:
        """Take a target's turn now, whatever will come of it; when it was due.

        None if it is taken or told as missed already: the clock has leapt over it.
        """
        now = self._clock.now()
        timetable = self._schedule.timetables.get(name)
        due = (timetable and timetable.latest(now)) or now
        last = self._ledger.remembered.turns.get(name)
        if due == last:
            return None
        if timetable and last and (missed := timetable.count(last, due) - 1) > 0:
            self._record.note("missed", target=name, slots=missed)
        self._ledger.turn(name, due)
        return due

    def skip(self, name: str, reason: str) -> None:
        """Tell that nothing comes of a turn."""
        self._record.note("skipped", target=name, reason=reason)

    def overlapped(self, name: str) -> None:
        """A target's turn came while its last cycle was still under way."""
        if self.take(name) is not None:
            self.skip(name, "the previous cycle was still under way")

    def leapt(self) -> None:
        """The clock was set: tell of the turns that it leapt over, which nobody makes up for.

        Set back, the moments come again, so those that were taken by the old clock are not.
        """
        now = self._clock.now()
        for name, timetable in self._schedule.timetables.items():
            last, due = self._ledger.remembered.turns.get(name), timetable.latest(now)
            if last is None or due is None:
                continue
            if (missed := timetable.count(last, due)) > 0:
                self._record.note("missed", target=name, slots=missed)
            if missed > 0 or last > now:
                self._ledger.turn(name, due)

    def begin_anew(self, name: str) -> None:
        """A target's moments are others from now on: none of them was missed."""
        now = self._clock.now()
        self._ledger.turn(name, self._schedule.timetables[name].latest(now) or now)

    def go_on(self) -> None:
        """After a start: tell once what passed while nothing ran, and make up for what is due."""
        now = self._clock.now()
        known = self._ledger.remembered
        found = gap(known, self._schedule.timetables, now)
        if found.turns and found.since:
            self._record.note(
                "missed",
                slots=found.turns,
                targets=found.targets,
                reason="the probe was not running",
                **{"from": rfc3339(found.since), "to": rfc3339(now)},
            )
        for name, timetable in self._schedule.timetables.items():
            if name not in known.turns:
                continue
            due = timetable.latest(now) or now
            if name in found.soon:
                self._schedule.soon(name, found.soon[name])
                due = timetable.latest(due - _LEAST) or due - _LEAST
            known.turns[name] = due
