"""One feature of a service on one vantage network, over time: the unit that reports are held to."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from math import ceil
from typing import Any, Final

from probe.compare.changes import Episode, episodes
from probe.compare.clockhours import HOUR, spans
from probe.compare.hours import Place
from probe.compare.series import CODES, CONCLUDED, FAILED, FAILING, Series
from probe.compare.share import Share, share
from probe.compare.threshold import cadence
from probe.core.model import Outcome

_DAY: Final = 86400
_FEW: Final = 20
_ROOM: Final = 1.5  # cycles may come so much later than usual before an hour counts as not covered

Hours = tuple[int, int, int]
Each = Callable[..., Iterable[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """What concluded something, in order of time (Unix seconds), from all vantages of a network.

    ``failing`` holds 1 for each cycle that failed, else 0; ``hours`` each UTC hour, counted from
    1970, that has cycles, how many, and how many failed. Spans of time are half-open.
    """

    place: Place
    service: str
    feature: str
    series: tuple[Series, ...]
    times: Sequence[float]
    outcomes: bytes
    failing: bytes
    hours: tuple[Hours, ...]
    episodes: tuple[Episode, ...]

    def span(self, start: float, end: float) -> tuple[int, int]:
        """The first index at or behind ``start``, and at or behind ``end``."""
        first = bisect_left(self.times, start)
        return first, bisect_left(self.times, end, first)

    def share(self, start: float, end: float) -> Share:
        """The share of failures, with its interval."""
        first, last = self.span(start, end)
        return share(self.failing.count(1, first, last), last - first)

    def failures(self, first: int, last: int) -> Counter[Outcome]:
        """How many failures of each outcome lie between two indices."""
        found = Counter(self.outcomes[first:last])
        return Counter({name: found[CODES[name]] for name in FAILING if found[CODES[name]]})

    def coverage(self, start: float, end: float) -> float:
        """The share of a span that was measured, by hours, or by cycles that come less often.

        A last piece that is shorter counts as one.
        """
        return covered(self.times, start, end)


def pace(times: Sequence[float]) -> float:
    """How many seconds one conclusion covers: an hour, or more where they come less often."""
    if len(times) < _FEW:  # it is not known how often they are meant to come
        return float(HOUR)
    return min(max(float(HOUR), _ROOM * cadence(times[:2001])), _DAY)


def covered(times: Sequence[float], start: float, end: float) -> float:
    """The share of a span's pieces, each as long as ``pace``, that have a cycle in them."""
    step = pace(times)
    pieces = max(ceil((end - start) / step), 1)
    found, at = 0, bisect_left(times, start)
    last = bisect_left(times, end)
    while at < last:
        found += 1
        piece = int((times[at] - start) // step)
        at = bisect_left(times, start + (piece + 1) * step, at, last)
    return min(found / pieces, 1.0)


def cells(series: Iterable[Series], each: Each = map) -> tuple[Cell, ...]:
    """Bring the vantages of each network together, and look for what was disrupted.

    ``each`` is ``map``, or the same on several processors: it is given no more than is needed.
    """
    groups: dict[tuple[Place, str, str], list[Series]] = {}
    for one in series:
        groups.setdefault((Place.of(one.vantage), one.service, one.feature), []).append(one)
    columns = [concluded(group) for group in groups.values()]
    times = [moments for moments, _ in columns]
    failing = [outcomes.translate(FAILED) for _, outcomes in columns]
    seen = each(_seen, times, failing)
    return tuple(
        Cell(*key, tuple(group), moments, outcomes, fails, *found)
        for (key, group), (moments, outcomes), fails, found in zip(
            groups.items(), columns, failing, seen, strict=True
        )
    )


def concluded(group: Sequence[Series]) -> tuple[Sequence[float], bytes]:
    """When the vantages of a network concluded something, in order, and which outcomes."""
    if len(group) == 1:
        (one,) = group
        wanted = one.outcomes.translate(CONCLUDED)
        if not wanted.count(0):
            return one.times, bytes(one.outcomes)
        return array("d", compress(one.times, wanted)), bytes(compress(one.outcomes, wanted))
    pairs = sorted(
        (time, code)
        for one in group
        for time, code in zip(one.times, one.outcomes, strict=True)
        if CONCLUDED[code]
    )
    return array("d", (time for time, _ in pairs)), bytes(code for _, code in pairs)


def _seen(times: Sequence[float], failing: bytes) -> tuple[tuple[Hours, ...], tuple[Episode, ...]]:
    """The hours and the disruptions of one cell."""
    in_hours = list(spans(times))
    hours = tuple(
        (hour, last - first, failing.count(1, first, last)) for hour, first, last in in_hours
    )
    return hours, episodes(times, failing, in_hours)
