"""When a series began to fail, and when it worked again: change points with intervals.

Two cumulative sums of log likelihood ratios (E. S. Page, Continuous Inspection Schemes, Biometrika
41, 1954) run over the cycles: one waits for an almost solid disruption, one for a partial one.
Each cycle is held against what is ordinary for this series (``baseline``: failures that cluster,
hours of day that are worse), so that noise which comes in bursts has to last longer before it is
called a change. ``docs/statistics.md`` states all parameters and the measured rates of error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log
from typing import Final

from probe.compare.baseline import KINDS, Baseline, baseline, surroundings
from probe.compare.clockhours import Span, hour_of_day, spans

# At ten-minute cycles: four failures in a row where 2 % is ordinary, and never three.
THRESHOLD: Final = 11.7
CADENCE: Final = 600.0  # seconds, at which THRESHOLD holds; it moves by the logarithm of the rate
_LEAST, _MOST = 8.0, 16.0
SOLID: Final = 0.95  # share of failures in a disruption that is almost solid
PARTIAL: Final = 0.35
# Change points whose likelihood is within this of the best are in the interval. A single success
# at 2 % ordinary failures weighs more: beside a solid disruption the interval is one cycle wide.
SLACK: Final = 2.5
_CONTRAST: Final = 1.5  # a disruption fails at least so much more than usual
_FAINT: Final = 0.2  # and at least so much
_SURE: Final = 0.97
_REACH: Final = 1000  # cycles before the sum began to rise that are looked at
_SAMPLE: Final = 2001  # cycles from which the cadence is taken


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of cycles in which much more failed than is ordinary for the series.

    Unix seconds. It began between ``onset_earliest``, the last cycle that surely still worked as
    usual, and ``onset_latest``, the first that surely did not; it ended likewise. Null: already so
    at the first cycle, or still so at the last. ``first`` and ``last`` are indices of its cycles,
    half-open.
    """

    onset_earliest: float | None
    onset_latest: float
    end_earliest: float
    end_latest: float | None
    first: int
    last: int


def episodes(
    times: Sequence[float], failing: bytes, hours: Iterable[Span] | None = None
) -> tuple[Episode, ...]:
    """The disruptions of a series; ``times`` never descend, ``failing`` holds 1 or 0 per cycle,
    and ``hours`` are the ``spans`` of the times, where they are known already.

    What concluded nothing is left out by the caller: an interval that spans a gap is as wide as
    the gap.
    """
    if failing.find(1) < 0:
        return ()
    line = _Line.of(times, failing, spans(times) if hours is None else hours)
    found: list[Episode] = []
    start = 0
    while alarm := line.alarm(start):
        began, crossed = alarm
        rate, back = line.returned(began, crossed)
        last_end = min(back, len(times) - 1)
        onsets = line.plausible(range(crossed, max(start, began - _REACH) - 1, -1), rate, 1)
        ends = (
            line.plausible(range(last_end, crossed, -1), rate, -1)
            if back < len(times)
            else (len(times), len(times))
        )
        found.append(
            Episode(
                onset_earliest=times[onsets[0] - 1] if onsets[0] else None,
                onset_latest=times[onsets[1]],
                end_earliest=times[ends[0] - 1],
                end_latest=times[ends[1]] if ends[1] < len(times) else None,
                first=onsets[1],
                last=ends[0],
            )
        )
        start = back + 1
    return tuple(found)


def cadence(times: Sequence[float]) -> float:
    """The usual distance of two cycles in seconds: the median."""
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    return steps[len(steps) // 2] if steps else CADENCE


def threshold(times: Sequence[float]) -> float:
    """Higher for quick cycles, of which a year has more: false alarms are counted per year."""
    every = max(cadence(times[:_SAMPLE]), 1.0)
    return min(max(THRESHOLD + log(CADENCE / every), _LEAST), _MOST)


@dataclass(frozen=True, slots=True)
class _Line:
    times: Sequence[float]
    failing: bytes
    near: bytes  # the surroundings of each cycle
    usual: Baseline
    weights: "tuple[_Weights, _Weights]"  # of cycles that worked, and that failed
    threshold: float

    @classmethod
    def of(cls, times: Sequence[float], failing: bytes, hours: Iterable[Span]) -> "_Line":
        usual = baseline(failing, hours)
        weights = _weights(0, usual), _weights(1, usual)
        return cls(times, failing, surroundings(failing), usual, weights, threshold(times))

    def alarm(self, start: int) -> tuple[int, int] | None:
        """Where a sum began to rise that crossed the threshold, and where it crossed it."""
        times, failing, near, high = self.times, self.failing, self.near, self.threshold
        solid = partial = 0.0
        solid_from = partial_from = at = start
        while at < len(failing):
            if not solid:
                if not partial:
                    at = failing.find(1, at)  # successes leave a sum of nothing at nothing
                    if at < 0:
                        return None
                    partial_from = at
                solid_from = at
            elif not partial:
                partial_from = at
            kind = KINDS * hour_of_day(times[at]) + (near[at] if at > start else 0)
            to_solid, to_partial = self.weights[failing[at]][kind]
            solid = max(0.0, solid + to_solid)
            partial = max(0.0, partial + to_partial)
            if solid >= high:
                return solid_from, at
            if partial >= high:
                return partial_from, at
            at += 1
        return None

    def returned(self, began: int, crossed: int) -> tuple[float, int]:
        """The share of failures in an episode, and where it is clear that it is over.

        That is the number of all cycles if it is not over at the last.
        """
        failed = self.failing.count(1, began, crossed + 1)
        rate, back = _rate(failed, crossed + 1 - began), 0.0
        for at in range(crossed + 1, len(self.times)):
            back = max(0.0, back - self._weight(at, rate))
            if self.failing[at]:
                failed += 1
                rate = _rate(failed, at + 1 - began)
            if back >= self.threshold:
                return rate, at
        return rate, len(self.times)

    def plausible(self, backwards: range, rate: float, sign: int) -> tuple[int, int]:
        """The first and the last index of those at which a change is about as likely as anywhere.

        ``sign`` is 1 for a change to a disruption, -1 for one back; every index given, counted
        down, may be the first cycle behind the change.
        """
        total, sums = 0.0, []
        for at in backwards:
            total += sign * self._weight(at, rate)
            sums.append(total)
        best = max(sums)
        likely = [at for at, total in zip(backwards, sums, strict=True) if total >= best - SLACK]
        return likely[-1], likely[0]

    def _weight(self, at: int, disrupted: float) -> float:
        usual = self.usual.chance(hour_of_day(self.times[at]))
        return _weight(self.failing[at], disrupted, usual)


# What a cycle adds to the sums for a solid and for a partial disruption, for each hour of the day
# and each of the surroundings.
_Weights = list[tuple[float, float]]


def _weights(failed: int, usual: Baseline) -> _Weights:
    return [
        (_weight(failed, SOLID, chance), _weight(failed, PARTIAL, chance))
        for hour in range(24)
        for chance in (usual.chance(hour, near) for near in range(KINDS))
    ]


@lru_cache(maxsize=4096)
def _weight(failed: int, disrupted: float, usual: float) -> float:
    """What a cycle says: the log of how much likelier it is in a disruption than usually."""
    share = min(max(disrupted, _CONTRAST * usual), _SURE)
    return log(share / usual) if failed else log((1 - share) / (1 - usual))


def _rate(failed: int, cycles: int) -> float:
    return min(max((failed + 0.5) / (cycles + 0.6), _FAINT), SOLID)
