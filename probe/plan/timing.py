"""When a target may be measured: cron expressions, and hours of the day in which it rests."""

import functools
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Self
from zoneinfo import ZoneInfo

if TYPE_CHECKING:  # loaded with the first expression only
    from apscheduler.triggers.cron import CronTrigger

_QUIET: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DAY: Final = timedelta(days=1)
_SAMPLE: Final = datetime(2000, 1, 1, tzinfo=UTC)
_SAMPLED: Final = 10  # moments of an expression from which its usual distance is taken
# Any expression that is met at all is met in this time: 29 February may be eight years away.
HORIZON: Final = timedelta(days=9 * 366)


class Stretch(NamedTuple):
    """An interval of time, its end not in it."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the local day in which nothing is begun; they may run across midnight."""

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read HH:MM-HH:MM. ValueError for anything else."""
        match = _QUIET.fullmatch(text.strip())
        if not match:
            raise ValueError(f"'{text}' are no quiet hours: write them as in 22:00-06:00")
        begin, end = (time(int(match[n]), int(match[n + 1])) for n in (1, 3))
        if begin == end:
            raise ValueError(f"'{text}' has no length, or that of a whole day; leave it out")
        return cls(begin, end)

    def on(self, day: date, zone: ZoneInfo) -> Stretch:
        """The stretch that begins on this day.

        Both ends are moments on that zone's clock. Where the clock is put back, the earlier begin
        and the later end count; where it leaves an hour out, the moment after the gap.
        """
        end = day if self.end > self.begin else day + _DAY
        return Stretch(
            datetime.combine(day, self.begin, zone).astimezone(UTC),
            datetime.combine(end, self.end.replace(fold=1), zone).astimezone(UTC),
        )

    def minutes(self) -> set[int]:
        """The minutes of the day that are in it."""
        begin, end = (at.hour * 60 + at.minute for at in (self.begin, self.end))
        return {n % 1440 for n in range(begin, end if end > begin else end + 1440)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How a target's period is refined: ``spread`` in seconds, ``cron`` in place of a period."""

    spread: float = 0.0
    cron: str | None = None
    quiet: tuple[Quiet, ...] = ()
    timezone: str = "UTC"

    def resting(self, at: datetime) -> Stretch | None:
        """The quiet hours that a moment falls in."""
        if not self.quiet:
            return None
        zone = ZoneInfo(self.timezone)
        today = at.astimezone(zone).date()
        for day in (today, today - _DAY):
            for quiet in self.quiet:
                stretch = quiet.on(day, zone)
                if stretch.begin <= at < stretch.end:
                    return stretch
        return None


@functools.lru_cache(maxsize=1024)
def trigger(expression: str, timezone: str) -> "CronTrigger":
    """APScheduler's reading of a cron expression. ValueError unless it is plainly one.

    Weekdays must be names: programs disagree whether 0 is Sunday or Monday.
    """
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(
            f"'{expression}' is no cron expression: write minute, hour, day, month and weekday, "
            "as in 30 */2 * * mon-fri"
        )
    if re.search(r"\d", fields[4]):
        raise ValueError(f"'{expression}': write weekdays by name: mon, tue, wed, ...")
    try:
        return CronTrigger.from_crontab(expression, timezone=ZoneInfo(timezone))
    except ValueError as exc:
        raise ValueError(f"'{expression}' is no cron expression: {_first(exc)}") from None


def _first(exc: ValueError) -> str:
    text = str(exc).splitlines()[0]
    return text[:1].lower() + text[1:]


def fires(expression: str, timezone: str, after: datetime) -> datetime | None:
    """The first moment later than ``after`` that the expression means; None if there is none."""
    # In the trigger's own zone, where it counts; it rounds up to whole seconds.
    begin = (after + timedelta(microseconds=1)).astimezone(ZoneInfo(timezone))
    found: datetime | None = trigger(expression, timezone).get_next_fire_time(None, begin)
    return None if found is None else found.astimezone(UTC)


def usual_gap(expression: str, timezone: str) -> float:
    """The least distance in seconds of some moments in a row. ValueError if it is never met."""
    gap, last = HORIZON, None
    at: datetime | None = _SAMPLE
    for _ in range(_SAMPLED):
        at = fires(expression, timezone, at) if at else None
        if at is None:
            break
        gap = min(gap, at - last) if last else gap
        last = at
    if last is None or last > _SAMPLE + _SAMPLED * HORIZON:
        raise ValueError(f"'{expression}' is never met: there is no such day")
    return gap.total_seconds()


def always_resting(timing: Timing) -> bool:
    """Whether the quiet hours leave no moment at which the target could be due.

    A cron expression is followed over a year's moments, the first thousand of them.
    """
    if not timing.quiet:
        return False
    if timing.cron is None:
        return len(set().union(*(quiet.minutes() for quiet in timing.quiet))) == 1440
    at: datetime | None = _SAMPLE
    for _ in range(1000):
        at = fires(timing.cron, timing.timezone, at) if at else None
        if at is None or at > _SAMPLE + HORIZON:
            break
        if not timing.resting(at):
            return False
    return True
