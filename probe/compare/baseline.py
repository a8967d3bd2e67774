"""How often a series fails on ordinary days: what a disruption has to stand out from.

Failures cluster: soon after one, the next is more likely; and on many lines more come in the
evening. Both are estimated from the series itself, without what may be the very disruptions that
are looked for: the longest run of failures and other long ones, and days on which much failed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from probe.compare.clockhours import Span

FLOOR: Final = 0.02  # nothing on the internet fails less often than this for long
BEHIND: Final = 8  # cycles; of so many, how many failed tells whether a cycle stands in a cluster
_MANY: Final = 3  # so many or more of them are not told apart
KINDS: Final = 2 * _MANY + 1  # of surroundings
_CEILING: Final = 0.8
_RUN: Final = 12  # cycles; a longer run of failures is an episode of its own, not noise
_UNUSUAL: Final = 0.2  # a day of which more fails tells nothing about ordinary days
_PRIOR: Final = 120  # cycles as which the whole series counts in the estimate of one hour of day
_PRIOR_CLUSTER: Final = 40  # cycles as which FLOOR counts in the estimate for a cluster
_RUNS: Final = re.compile(b"\1+")
_TWICE: Final = bytes(2 * min(number, _MANY) for number in range(256))


@dataclass(frozen=True, slots=True)
class Baseline:
    """``hours[h]``: the chance that a cycle in the hour ``h`` (UTC) of a day fails by itself;
    ``clusters[c]``: the same, in the surroundings ``c``.
    """

    hours: tuple[float, ...]
    clusters: tuple[float, ...]

    def chance(self, hour: int, surroundings: int = 0) -> float:
        """The chance that a cycle in this hour of day fails on an ordinary day."""
        alone = self.hours[hour]
        return max(alone, self.clusters[surroundings]) if surroundings else alone


def surroundings(failing: bytes) -> bytes:
    """How close behind failures each cycle stands; ``failing`` holds 1 or 0 for each.

    0: behind none. Else twice the number of those that failed among the ``BEHIND`` before it (of
    which ``_MANY`` count at most), less 1 if the last one did.
    """
    cycles = len(failing)
    # All cycles at once, as the bytes of one long number: none of its sums is beyond a byte.
    number = int.from_bytes(failing, "little")
    behind = sum(number << 8 * back for back in range(1, BEHIND + 1))
    twice = behind.to_bytes(cycles + BEHIND, "little")[:cycles].translate(_TWICE)
    just_before = int.from_bytes(b"\0" + failing[:-1], "little")
    return (int.from_bytes(twice, "little") - just_before).to_bytes(cycles, "little")


def baseline(failing: bytes, hours: Iterable[Span]) -> Baseline:
    """Estimate it of cycles and of the hours in which they lie (``steps``, UTC)."""
    tried, failed = [0] * 24, [0] * 24
    near_tried, near_failed = [0] * KINDS, [0] * KINDS
    longest = max((len(run[0]) for run in _RUNS.finditer(failing)), default=0)
    for _, spans in groupby(hours, lambda span: span[0] // 24):
        day = list(spans)
        first, last = day[0][1], day[-1][2]
        if failing.count(1, first, last) > _UNUSUAL * (last - first):
            continue
        codes = _codes(failing[first:last])
        for hour, start, end in day:
            well = codes.count(0, start - first, end - first)
            fails = codes.count(1, start - first, end - first)
            tried[hour % 24] += well + fails
            failed[hour % 24] += fails
        _count(codes, 1, near_tried, near_failed)
        for run in _RUNS.finditer(failing, first, last):
            start, end = run.span()
            if end - start == longest or end - start > _RUN:
                _count(codes[start + 1 - first : end - first], -1, near_tried, near_failed)
                longest = longest if end - start > _RUN else 0  # once
    overall = sum(failed) / max(sum(tried), 1)
    of_hours = tuple(
        _bounded((number + _PRIOR * overall) / (cycles + _PRIOR))
        for number, cycles in zip(failed, tried, strict=True)
    )
    clusters = tuple(
        _bounded((number + _PRIOR_CLUSTER * FLOOR) / (cycles + _PRIOR_CLUSTER))
        for number, cycles in zip(near_failed, near_tried, strict=True)
    )
    return Baseline(of_hours, clusters)


def _codes(failing: bytes) -> bytes:
    """Twice each cycle's surroundings, and one more if it failed."""
    twice = 2 * int.from_bytes(surroundings(failing), "little")
    return (twice + int.from_bytes(failing, "little")).to_bytes(len(failing), "little")


def _count(codes: bytes, sign: int, tried: list[int], failed: list[int]) -> None:
    """Add to the cycles in each surroundings but 0, and to those of them that failed."""
    for kind in range(1, KINDS):
        fails = codes.count(2 * kind + 1)
        tried[kind] += sign * (codes.count(2 * kind) + fails)
        failed[kind] += sign * fails


def _bounded(chance: float) -> float:
    return min(max(chance, FLOOR), _CEILING)
