"""How often a series fails on ordinary days: what a disruption has to stand out from.

Failures cluster: soon after one, the next is more likely; and on many lines more come in the
evening. Both are estimated from the series itself, without what may be the very disruptions that
are looked for: the longest run of failures and other long ones, and days on which much failed.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

FLOOR: Final = 0.02  # nothing on the internet fails less often than this for long
BEHIND: Final = 8  # cycles; of so many, how many failed tells whether a cycle stands in a cluster
_MANY: Final = 3  # so many or more of them are not told apart
_CEILING: Final = 0.8
_RUN: Final = 12  # cycles; a longer run of failures is an episode of its own, not noise
_UNUSUAL: Final = 0.2  # a day of which more fails tells nothing about ordinary days
_HOUR: Final = 3600
_DAY: Final = 86400
_PRIOR: Final = 120  # cycles as which the whole series counts in the estimate of one hour of day
_PRIOR_CLUSTER: Final = 40  # cycles as which FLOOR counts in the estimate for a cluster


@dataclass(frozen=True, slots=True)
class Baseline:
    """``hours[h]``: the chance that a cycle in the hour ``h`` (UTC) of a day fails by itself;
    ``clusters[c]``: the same, in the surroundings that ``cluster`` gives.
    """

    hours: tuple[float, ...]
    clusters: tuple[float, ...]

    def chance(self, time: float, surroundings: int = 0) -> float:
        """The chance that the cycle at ``time`` (Unix seconds) fails on an ordinary day."""
        alone = self.hours[int(time % _DAY // _HOUR)]
        return max(alone, self.clusters[surroundings]) if surroundings else alone


def cluster(failing: bytes, at: int, first: int = 0) -> int:
    """How close behind failures a cycle stands, looking back to ``first``; 0: behind none."""
    behind = min(failing.count(1, max(first, at - BEHIND), at), _MANY)
    return 2 * behind - (failing[at - 1] == 1) if behind and at > first else 0


def baseline(times: Sequence[float], failing: bytes) -> Baseline:
    """Estimate it; ``failing`` holds 1 for each cycle that failed, else 0."""
    tried, failed = [0] * 24, [0] * 24
    near_tried, near_failed = [0] * (2 * _MANY + 1), [0] * (2 * _MANY + 1)
    longest = max(map(len, failing.split(b"\0")))
    for first, last in _usual_days(times, failing):
        for hour, start, end in _steps(times, first, last, _HOUR):
            tried[hour % 24] += end - start
        for at, near in _near_failures(failing, first, last):
            near_tried[near] += 1
            near_failed[near] += failing[at]
            tried[int(times[at] % _DAY // _HOUR)] -= 1
        for start, end in _runs(failing, first, last):
            if not failing.count(1, max(first, start - BEHIND), start):
                failed[int(times[start] % _DAY // _HOUR)] += 1
            if end - start == longest or end - start > _RUN:
                for at in range(start + 1, end):
                    near = cluster(failing, at, first)
                    near_tried[near] -= 1
                    near_failed[near] -= 1
                longest = longest if end - start > _RUN else 0  # once
    overall = sum(failed) / max(sum(tried), 1)
    hours = tuple(
        _bounded((number + _PRIOR * overall) / (cycles + _PRIOR))
        for number, cycles in zip(failed, tried, strict=True)
    )
    clusters = tuple(
        _bounded((number + _PRIOR_CLUSTER * FLOOR) / (cycles + _PRIOR_CLUSTER))
        for number, cycles in zip(near_failed, near_tried, strict=True)
    )
    return Baseline(hours, clusters)


def _usual_days(times: Sequence[float], failing: bytes) -> Iterator[tuple[int, int]]:
    """The first index of each UTC day on which little failed, and the one behind its last."""
    for _, first, last in _steps(times, 0, len(times), _DAY):
        if failing.count(1, first, last) <= _UNUSUAL * (last - first):
            yield first, last


def _steps(
    times: Sequence[float], first: int, last: int, length: int
) -> Iterator[tuple[int, int, int]]:
    """Each ``length`` of seconds, counted from 1970, that has cycles, and where they lie."""
    while first < last:
        step = int(times[first] // length)
        end = bisect_left(times, (step + 1) * length, first, last)
        yield step, first, end
        first = end


def _runs(failing: bytes, first: int, last: int) -> Iterator[tuple[int, int]]:
    start = failing.find(1, first, last)
    while start >= 0:
        end = failing.find(0, start, last)
        end = last if end < 0 else end
        yield start, end
        start = failing.find(1, end, last)


def _near_failures(failing: bytes, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Each cycle that stands soon behind a failure, and in which surroundings."""
    at = failing.find(1, first, last)
    while 0 <= at < last - 1:
        at += 1
        if near := cluster(failing, at, first):
            yield at, near
        else:
            at = failing.find(1, at, last)


def _bounded(chance: float) -> float:
    return min(max(chance, FLOOR), _CEILING)
