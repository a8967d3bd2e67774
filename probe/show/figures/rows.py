"""What the figures are drawn from: each feature at each vantage network, column by column."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from probe.compare.answer import Answer
from probe.compare.cells import concluded, covered, pace
from probe.compare.clockhours import HOUR
from probe.compare.comparison import Comparison
from probe.compare.hours import Hour, Place, hourly
from probe.compare.reports import Report
from probe.compare.series import Series, matches
from probe.compare.share import Share, share
from probe.core.model import Outcome
from probe.show.figures.scale import Scale

Key = tuple[Place, str, str]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A report with the number under which the page lists it, and what was found about it."""

    number: int
    report: Report
    answer: Answer


@dataclass(frozen=True, slots=True)
class Bin:
    """One column: ``covered`` of its hours concluded something; ``gaps`` are cycles that did not.

    ``start`` is a UTC hour counted from 1970.
    """

    start: int
    covered: int
    cycles: int
    failed: int
    gaps: int
    outcomes: Mapping[Outcome, int]

    @property
    def share(self) -> Share:
        """The share of failures, with its Wilson interval."""
        return share(self.failed, self.cycles)


@dataclass(frozen=True, slots=True)
class Row:
    """A feature at a vantage network; a column in which nothing ran at all is not in ``bins``.

    ``pace`` is how many hours one conclusion covers, and ``coverage`` the share of the axis that
    is covered; both as in answers.
    """

    place: Place
    service: str
    feature: str
    bins: tuple[Bin, ...]
    reports: tuple[Numbered, ...]
    mechanisms: Mapping[str, int]
    vantages: tuple[str, ...]
    pace: float
    coverage: float

    @property
    def key(self) -> Key:
        """What it is a row of."""
        return self.place, self.service, self.feature

    @property
    def name(self) -> str:
        """As in "whatsapp media · CN AS4134 residential"."""
        return f"{self.service} {self.feature} · {self.place}"

    @property
    def cycles(self) -> int:
        """How many cycles concluded something."""
        return sum(one.cycles for one in self.bins)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(one.failed for one in self.bins)

    @property
    def gaps(self) -> int:
        """How many cycles ran and concluded nothing."""
        return sum(one.gaps for one in self.bins)


def numbered(comparison: Comparison) -> tuple[Numbered, ...]:
    """The reports with their numbers, from 1, in the order of the comparison."""
    pairs = zip(comparison.reports, comparison.answers, strict=True)
    return tuple(Numbered(number, *pair) for number, pair in enumerate(pairs, 1))


def rows(comparison: Comparison, scale: Scale) -> tuple[Row, ...]:
    """All rows, by service, feature and place; hours are summed at once, network by network."""
    reports = numbered(comparison)
    return tuple(
        _row(key, series, reports, scale)
        for key, series in sorted(grouped(comparison.series).items(), key=_order)
    )


def grouped(series: Iterable[Series]) -> dict[Key, list[Series]]:
    """The series of each vantage network, service and feature."""
    found: dict[Key, list[Series]] = {}
    for one in series:
        found.setdefault((Place.of(one.vantage), one.service, one.feature), []).append(one)
    return found


def _row(key: Key, series: Sequence[Series], reports: Sequence[Numbered], scale: Scale) -> Row:
    mechanisms: Counter[str] = Counter()
    for one in series:
        mechanisms += one.failures(scale.start, scale.end)
    times, _ = concluded(series)
    return Row(
        *key,
        bins=tuple(binned((hour for one in hourly(series) for hour in one.hours), scale)),
        reports=tuple(
            one for one in reports if any(matches(one.report, candidate) for candidate in series)
        ),
        mechanisms=dict(mechanisms.most_common()),
        vantages=tuple(sorted({one.vantage.id for one in series})),
        pace=pace(times) / HOUR,
        coverage=covered(times, scale.first * HOUR, scale.last * HOUR),
    )


def binned(hours: Iterable[Hour], scale: Scale) -> Iterator[Bin]:
    """Hours, in order, summed into the columns of the axis."""
    return rebinned(
        (
            Bin(one.hour, int(one.cycles > 0), one.cycles, one.failed, one.gaps, one.outcomes)
            for one in hours
        ),
        scale,
    )


def rebinned(bins: Iterable[Bin], scale: Scale) -> Iterator[Bin]:
    """Columns, in order, summed into those of an axis that has wider ones."""
    for start, group in groupby(bins, key=lambda one: scale.column(one.start)):
        found = list(group)
        outcomes: Counter[Outcome] = Counter()
        for one in found:
            outcomes.update(one.outcomes)
        yield Bin(
            start=start,
            covered=sum(one.covered for one in found),
            cycles=sum(one.cycles for one in found),
            failed=sum(one.failed for one in found),
            gaps=sum(one.gaps for one in found),
            outcomes=dict(outcomes),
        )


def telling(row: Row) -> tuple[bool, float, int]:
    """What makes a row worth its place on a page with too many: reports, then failures."""
    return bool(row.reports), row.failed / row.cycles if row.cycles else 0.0, row.cycles


def _order(item: tuple[Key, object]) -> tuple[str, str, str]:
    place, service, feature = item[0]
    return service, feature, str(place)
