"""How long measurements took and how fast data came, from a stream of any length.

Values are counted in buckets that each are 4 % wide, so that a column needs a few numbers, however
many measurements it holds; a quantile is exact to 2 %.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import exp, floor, log
from typing import Final

from probe.compare.hours import Place
from probe.core.model import VANTAGE, Measurement
from probe.judge.deciding import deciding
from probe.judge.transfers import rate
from probe.show.figures.lines import Line, Point
from probe.show.figures.scale import HOUR, Scale
from probe.show.timings import lookup_of, timings_of

TARGETS: Final = 300  # at vantage networks; each takes up to half a megabyte
_WIDTH: Final = log(1.04)
_LEAST: Final = 1e-3

_Key = tuple[str, str, str, Place]
_Columns = dict[int, Counter[int]]


class Latency:
    """Takes measurements one by one; ``lines`` gives what they amount to.

    Only what was measured here of a target, and succeeded, has a duration; a transfer has a speed
    whenever it was long enough.
    """

    def __init__(self, scale: Scale, targets: int = TARGETS) -> None:
        """Sum into the columns of this axis, for at most so many targets."""
        self._scale = scale
        self._targets = targets
        self._found: dict[_Key, tuple[_Columns, _Columns]] = {}
        self._beyond: set[_Key] = set()

    @property
    def left_out(self) -> int:
        """How many targets came when there was no more room; 1,000 stands for that or more."""
        return len(self._beyond)

    def add(self, measurement: Measurement) -> None:
        """Take a measurement into account, if it has a duration or a speed."""
        if (
            measurement.role != "target"
            or measurement.origin != VANTAGE
            or measurement.invalid is not None
        ):
            return
        hour = int(measurement.started.timestamp() // HOUR)
        if not self._scale.first <= hour < self._scale.last:
            return
        decided = deciding(measurement)
        if decided is None:
            return
        total = timings_of(decided, lookup_of(measurement, decided)).total
        speed = rate(measurement)
        columns = self._columns(measurement)
        if columns is None:
            return
        column = self._scale.column(hour)
        if decided.succeeded and total is not None:
            _count(columns[0], column, total)
        if speed is not None:
            _count(columns[1], column, speed / 1000)

    def lines(self) -> tuple[Line, ...]:
        """Every target at every network, in order of service, feature and target."""
        return tuple(
            Line(place, service, feature, target, tuple(_points(total)), tuple(_points(speed)))
            for (service, feature, target, place), (total, speed) in sorted(
                self._found.items(), key=lambda item: (*item[0][:3], str(item[0][3]))
            )
            if total or speed
        )

    def _columns(self, measurement: Measurement) -> tuple[_Columns, _Columns] | None:
        target = measurement.target
        key = target.service, target.feature, target.id, Place.of(measurement.vantage)
        if key in self._found:
            return self._found[key]
        if len(self._found) < self._targets:
            return self._found.setdefault(key, ({}, {}))
        if len(self._beyond) < 1000:
            self._beyond.add(key)
        return None


def _count(columns: _Columns, column: int, value: float) -> None:
    columns.setdefault(column, Counter())[floor(log(max(value, _LEAST)) / _WIDTH)] += 1


def _points(columns: Mapping[int, Counter[int]]) -> Iterator[Point]:
    for start in sorted(columns):
        buckets = columns[start]
        low, median, high = (_quantile(buckets, part) for part in (0.1, 0.5, 0.9))
        yield Point(start, buckets.total(), low, median, high)


def _quantile(buckets: Counter[int], part: float) -> float:
    """The middle of the bucket that holds the value of this rank (the nearest)."""
    rank = part * (buckets.total() - 1)
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen > rank:
            break
    return exp((bucket + 0.5) * _WIDTH)
