"""Verdicts as series: what one vantage saw of one feature of one service, over time.

Three columns per series, in order of time, so that a year of ten-minute cycles of many targets
fits into memory: when, which outcome, which mechanism. Only some outcomes conclude anything about
the target; the others are gaps, and a gap is never counted as working or as failing.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import gt
from typing import Final, NamedTuple, Protocol, get_args

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
_NEAR: Final = 256  # vantages that are found again without hashing


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


class Judged(Protocol):
    """What a series is made of: a verdict, or what is needed of one."""

    @property
    def at(self) -> datetime:
        """When it was measured."""
        ...

    @property
    def vantage(self) -> Vantage:
        """Where it was measured from."""
        ...

    @property
    def target(self) -> str | None:
        """What was measured; None for a feature's own verdict."""
        ...

    @property
    def service(self) -> str:
        """Whose it is."""
        ...

    @property
    def feature(self) -> str:
        """Which feature of that service."""
        ...

    @property
    def outcome(self) -> Outcome:
        """What was judged."""
        ...

    @property
    def mechanism(self) -> str | None:
        """How it failed, where that is known."""
        ...


def collect(verdicts: Iterable[Judged]) -> tuple[Series, ...]:
    """Turn a stream of verdicts, in any order, into one series per vantage, service and feature.

    Where a feature has verdicts of its own, those are the series; else its targets' verdicts are.
    """
    collected = Collected()
    collected.add(verdicts)
    return collected.series()


class Collected:
    """Verdicts as columns, from one stream or from several that are read side by side."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._of_vantage: dict[Vantage, _Features] = {}
        self._codes: dict[str | None, int] = {None: 0}

    def add(self, verdicts: Iterable[Judged]) -> None:
        """Take in a stream."""
        codes, code_of = self._codes, CODES
        # By the vantage's identity: hashing one takes longer than all the rest.
        near: dict[int, tuple[Vantage, _Sinks, _Sinks]] = {}
        for verdict in verdicts:
            vantage = verdict.vantage
            known = near.get(id(vantage))
            if known is None:
                if len(near) == _NEAR:
                    near.clear()
                known = near[id(vantage)] = vantage, {}, {}
            key = verdict.service, verdict.feature
            if verdict.target is None:
                sinks = known[1].get(key)
                if sinks is None:
                    sinks = known[1][key] = self._columns(vantage, *key)[0].sink()
            elif key in known[1]:
                continue  # most lines of most results: the feature speaks for its targets
            else:
                sinks = known[2].get(key)
                if sinks is None:
                    sinks = known[2][key] = self._columns(vantage, *key)[1].sink()
            mechanism = verdict.mechanism
            sinks[0](verdict.at.timestamp())
            sinks[1](code_of[verdict.outcome])
            sinks[2](0 if mechanism is None else codes.setdefault(mechanism, len(codes)))

    def merge(self, other: "Collected") -> None:
        """Take in what another one has collected."""
        of_vantage, names = other.columns()
        codes = [self._codes.setdefault(name, len(self._codes)) for name in names]
        same = codes == list(range(len(codes)))
        for vantage, features in of_vantage.items():
            own = self._of_vantage.setdefault(vantage, {})
            for key, pair in features.items():
                for mine, theirs in zip(
                    own.setdefault(key, (_Columns(), _Columns())), pair, strict=True
                ):
                    mine.times.extend(theirs.times)
                    mine.outcomes.extend(theirs.outcomes)
                    mine.mechanisms.extend(
                        theirs.mechanisms if same else map(codes.__getitem__, theirs.mechanisms)
                    )

    def _columns(self, vantage: Vantage, service: str, feature: str) -> "_Pair":
        features = self._of_vantage.setdefault(vantage, {})
        return features.setdefault((service, feature), (_Columns(), _Columns()))

    def columns(self) -> "tuple[dict[Vantage, _Features], tuple[str | None, ...]]":
        """What there is of each vantage, and the mechanisms that its codes mean."""
        return self._of_vantage, tuple(self._codes)

    def series(self) -> tuple[Series, ...]:
        """What has been collected, as series."""
        names = tuple(self._codes)
        return tuple(
            (of_feature if of_feature.times else of_targets).series(vantage, *key, names)
            for vantage, features in self._of_vantage.items()
            for key, (of_feature, of_targets) in features.items()
        )


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


@dataclass(slots=True)
class _Columns:
    times: "array[float]" = field(default_factory=lambda: array("d"))
    outcomes: bytearray = field(default_factory=bytearray)
    mechanisms: "array[int]" = field(default_factory=lambda: array("I"))

    def sink(self) -> "_Sink":
        return self.times.append, self.outcomes.append, self.mechanisms.append

    def series(
        self, vantage: Vantage, service: str, feature: str, names: Sequence[str | None]
    ) -> Series:
        times, outcomes, mechanisms = self.times, self.outcomes, self.mechanisms
        if any(map(gt, times, islice(times, 1, None))):
            order = sorted(range(len(times)), key=times.__getitem__)
            times = array("d", (times[at] for at in order))
            outcomes = bytearray(outcomes[at] for at in order)
            mechanisms = array("I", (mechanisms[at] for at in order))
        return Series(vantage, service, feature, times, outcomes, mechanisms, names)


# The feature's own verdicts, and those of its targets, which count where it has none.
_Pair = tuple[_Columns, _Columns]
_Features = dict[tuple[str, str], _Pair]
_Sink = tuple[Callable[[float], None], Callable[[int], None], Callable[[int], None]]
_Sinks = dict[tuple[str, str], _Sink]
