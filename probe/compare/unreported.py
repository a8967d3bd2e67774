"""The other way round: disruptions in the data that no report speaks of.

Thin so far: a plain streak of failures, without control or statistics. It points an analyst to
where to look; it accuses nobody.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from probe.compare.reports import Report
from probe.compare.series import Series, matches

STREAK: Final = 3  # failures in a row; one or two are everyday life on the internet
SILENCE: Final = 86400  # seconds without a conclusion; what came before is another story then


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported:
    """A streak of failing cycles.

    ``end`` is when it was first seen to work again; null: it still failed when observation ended,
    or paused for more than a day.
    """

    vantage: str
    service: str
    feature: str
    onset: datetime
    end: datetime | None
    cycles: int
    mechanisms: dict[str, int]


def unreported(
    series: Iterable[Series], reports: Sequence[Report], *, until: datetime
) -> tuple[Unreported, ...]:
    """The streaks of failures that overlap no matching report's window, by onset.

    Only a report that expects failures can speak of one: a statement that all is well does not.
    """
    found: list[Unreported] = []
    for one in series:
        windows = [
            report.window(until)
            for report in reports
            if report.expects == "fails" and matches(report, one)
        ]
        spans = [(start.timestamp(), end.timestamp()) for start, end in windows]
        found += (
            _tell(one, streak)
            for streak in _streaks(one)
            if streak.cycles >= STREAK
            and not any(streak.onset < end and streak.last >= start for start, end in spans)
        )
    return tuple(sorted(found, key=attrgetter("onset", "vantage", "service", "feature")))


@dataclass(slots=True)
class _Streak:
    """Failures in a row; times in Unix seconds."""

    onset: float
    last: float
    end: float | None = None
    cycles: int = 0
    mechanisms: Counter[str] = field(default_factory=Counter)


def _streaks(one: Series) -> Iterator[_Streak]:
    streak: _Streak | None = None
    for seen in one.concluded():
        if streak and seen.time - streak.last > SILENCE:
            yield streak
            streak = None
        if seen.failing:
            streak = streak or _Streak(seen.time, seen.time)
            streak.last = seen.time
            streak.cycles += 1
            if seen.mechanism:
                streak.mechanisms[seen.mechanism] += 1
        elif streak:
            streak.end = seen.time
            yield streak
            streak = None
    if streak:
        yield streak


def _tell(one: Series, streak: _Streak) -> Unreported:
    return Unreported(
        vantage=one.vantage.id,
        service=one.service,
        feature=one.feature,
        onset=datetime.fromtimestamp(streak.onset, UTC),
        end=None if streak.end is None else datetime.fromtimestamp(streak.end, UTC),
        cycles=streak.cycles,
        mechanisms=dict(streak.mechanisms.most_common()),
    )
