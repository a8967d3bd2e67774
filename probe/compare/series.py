"""Verdicts as series: what one vantage saw of one feature of one service, over time.

Three columns per series, in order of time, so that a year of ten-minute cycles of many targets
fits into memory: when, which outcome, which mechanism. Only some outcomes conclude anything about
the target; the others are gaps, and a gap is never counted as working or as failing.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, get_args

from probe.compare.reports import Report
from probe.core.model import UNKNOWN_COUNTRY, Outcome, Vantage

WORKING: Final[frozenset[Outcome]] = frozenset({"ok"})
FAILING: Final[frozenset[Outcome]] = frozenset(
    {"blocked", "degraded", "denied", "down", "unreachable"}
)
GAPS: Final[frozenset[Outcome]] = frozenset({"inconclusive", "offline", "invalid"})
# What may not be said without a control or proof from the path.
ACCUSING: Final[frozenset[Outcome]] = FAILING - {"unreachable"}

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
CODES: Final = {outcome: code for code, outcome in enumerate(OUTCOMES)}
# For bytes.translate: 1 for the code of an outcome that concluded something, or that failed.
CONCLUDED: Final = bytes(code < len(OUTCOMES) and OUTCOMES[code] not in GAPS for code in range(256))
FAILED: Final = bytes(code < len(OUTCOMES) and OUTCOMES[code] in FAILING for code in range(256))
_FAILING: Final = bytes(CODES[outcome] for outcome in FAILING)
_GAPS: Final = bytes(CODES[outcome] for outcome in GAPS)
_HOUR: Final = 3600


class Observation(NamedTuple):
    """One verdict that concluded something. ``time`` is in Unix seconds."""

    time: float
    failing: bool
    mechanism: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The verdicts of one vantage on one feature of a service; a vantage that moved has two.

    ``times`` holds Unix seconds, never descending; ``outcomes`` and ``mechanisms`` hold codes.
    Spans of time are half-open.
    """

    vantage: Vantage
    service: str
    feature: str
    times: Sequence[float]
    outcomes: bytearray
    mechanisms: Sequence[int]
    names: Sequence[str | None]

    def count(self, outcomes: Iterable[Outcome], start: datetime, end: datetime) -> int:
        """How many verdicts from ``start`` until ``end`` have one of these outcomes."""
        first, last = self._span(start, end)
        return sum(self.outcomes.count(CODES[outcome], first, last) for outcome in outcomes)

    def hours(self, start: datetime, end: datetime) -> set[int]:
        """The UTC hours, counted from 1970, in which something was concluded in the span."""
        found: set[int] = set()
        at, last = self._span(start, end)
        while at < last:
            if self.outcomes[at] in _GAPS:
                at += 1
            else:
                hour = int(self.times[at] // _HOUR)
                found.add(hour)
                at = bisect_left(self.times, (hour + 1) * _HOUR, at, last)
        return found

    def failures(self, start: datetime, end: datetime) -> Counter[str]:
        """How often each mechanism was seen in the failures of the span."""
        first, last = self._span(start, end)
        failing = (at for at in range(first, last) if self.outcomes[at] in _FAILING)
        seen = Counter(self.mechanisms[at] for at in failing)
        return Counter(
            {name: seen[code] for code, name in enumerate(self.names) if name and seen[code]}
        )

    def outcomes_by_hour(self) -> Iterator[tuple[int, Counter[Outcome]]]:
        """Each UTC hour, counted from 1970, that has verdicts, with how many of each outcome."""
        at, last = 0, len(self.times)
        while at < last:
            hour = int(self.times[at] // _HOUR)
            end = bisect_left(self.times, (hour + 1) * _HOUR, at, last)
            codes = Counter(self.outcomes[at:end])
            yield hour, Counter({OUTCOMES[code]: number for code, number in codes.items()})
            at = end

    def concluded(self) -> Iterator[Observation]:
        """Every verdict that is no gap, in order of time."""
        names = self.names
        columns = zip(self.times, self.outcomes, self.mechanisms, strict=True)
        for time, outcome, mechanism in columns:
            if outcome not in _GAPS:
                yield Observation(time, outcome in _FAILING, names[mechanism])

    def _span(self, start: datetime, end: datetime) -> tuple[int, int]:
        first = bisect_left(self.times, start.timestamp())
        return first, bisect_left(self.times, end.timestamp(), first)


def matches(report: Report, one: Series) -> bool:
    """Whether a series bears on a report: its country, and whatever else the report names.

    A vantage whose country is unknown matches no report; ``unplaced`` tells those.
    """
    return one.vantage.country == report.country and _concerns(report, one)


def unplaced(report: Report, one: Series) -> bool:
    """Whether a series would bear on a report if only its vantage's country were known."""
    return one.vantage.country == UNKNOWN_COUNTRY and _concerns(report, one)


def _concerns(report: Report, one: Series) -> bool:
    return all(
        not named or own in named
        for named, own in (
            (report.asns, one.vantage.asn),
            (report.networks, one.vantage.network),
            (report.services, one.service),
            (report.features, one.feature),
        )
    )
