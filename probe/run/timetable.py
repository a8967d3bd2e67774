"""When one target is due: moments that follow from its name and configuration alone.

So a thousand targets never start together, and a restart goes on in the same rhythm instead of
measuring everything at once. Everything is counted on the wall clock, in whole microseconds.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from probe.plan.timing import HORIZON, Stretch, Timing, fires

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
COUNTED: Final = 500  # moments of a cron expression that are counted one by one
_MINUTE: Final = 60.0
_LEAST: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


def phase(name: str, every: float) -> float:
    """Seconds into its period at which a target is measured, the same on every start."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * every


class Timetable:
    """The moments at which one target is due.

    With a period: its phase in each. With a cron expression, which knows minutes only: a second of
    its own in each minute that is meant. None of them in quiet hours.
    """

    def __init__(self, name: str, every: float, timing: Timing | None = None) -> None:
        """``every`` in seconds."""
        self.every = every
        self._timing = timing or Timing()
        self._own = timedelta(seconds=phase(name, _MINUTE if self._timing.cron else every))
        self._period = timedelta(seconds=every)

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same moments."""
        if not isinstance(other, Timetable):
            return NotImplemented
        return self._what() == other._what()

    def __hash__(self) -> int:
        """Fits ``__eq__``."""
        return hash(self._what())

    def resting(self, at: datetime) -> bool:
        """Whether a moment is in quiet hours."""
        return self._timing.resting(at) is not None

    def after(self, at: datetime) -> datetime | None:
        """The first moment later than ``at``; None if there is none any more."""
        while (due := self._raw_after(at)) is not None:
            rest = self._timing.resting(due)
            if rest is None:
                return due
            at = max(due, rest.end - _LEAST)
        return None

    def latest(self, at: datetime) -> datetime | None:
        """The last moment that is not later than ``at``; None if there was none for years."""
        while (due := self._raw_latest(at)) is not None:
            rest = self._timing.resting(due)
            if rest is None:
                return due
            at = min(due, rest.begin) - _LEAST
        return None

    def count(self, since: datetime, until: datetime) -> int:
        """How many moments there are in ``since`` < t <= ``until``.

        Of a cron expression no more than COUNTED are counted.
        """
        if self._timing.cron is not None:
            number, at = 0, self.after(since)
            while at is not None and at <= until and number < COUNTED:
                number, at = number + 1, self.after(at)
            return number
        if until <= since:
            return 0
        number = self._number(until) - self._number(since)
        for rest in self._rests(since, until):
            begin, end = max(rest.begin - _LEAST, since), min(rest.end - _LEAST, until)
            number -= max(0, self._number(end) - self._number(begin))
        return number

    def _what(self) -> tuple[float, timedelta, Timing]:
        return self.every, self._own, self._timing

    def _number(self, at: datetime) -> int:
        """The number of the period that an instant falls in."""
        return (at - EPOCH - self._own) // self._period

    def _moment(self, number: int) -> datetime:
        return EPOCH + self._own + number * self._period

    def _raw_after(self, at: datetime) -> datetime | None:
        if self._timing.cron is None:
            return self._moment(self._number(at) + 1)
        minute = fires(self._timing.cron, self._timing.timezone, at - self._own)
        return None if minute is None else minute + self._own

    def _raw_latest(self, at: datetime) -> datetime | None:
        if self._timing.cron is None:
            return self._moment(self._number(at))
        back = timedelta(minutes=2)
        while back < 2 * HORIZON:  # an expression says what comes next, not what was before
            found, due = None, self._raw_after(at - back)
            while due is not None and due <= at:
                found, due = due, self._raw_after(due)
            if found is not None:
                return found
            back *= 8
        return None

    def _rests(self, since: datetime, until: datetime) -> Iterator[Stretch]:
        """All quiet hours that touch an interval, merged where they overlap."""
        if not self._timing.quiet:
            return
        zone = ZoneInfo(self._timing.timezone)
        day, last = since.astimezone(zone).date() - _DAY, until.astimezone(zone).date()
        stretches = []
        while day <= last:
            stretches += [quiet.on(day, zone) for quiet in self._timing.quiet]
            day += _DAY
        merged: Stretch | None = None
        for stretch in sorted(stretches):
            if merged and stretch.begin <= merged.end:
                merged = Stretch(merged.begin, max(merged.end, stretch.end))
            else:
                if merged:
                    yield merged
                merged = stretch
        if merged:
            yield merged
