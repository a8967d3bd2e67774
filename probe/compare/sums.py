"""Two cumulative sums of log likelihood ratios over the cycles of a series.

One waits for an almost solid disruption, one for a partial one (E. S. Page, Continuous Inspection
Schemes, Biometrika 41, 1954).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Final, NamedTuple

from probe.compare.baseline import KINDS, Baseline, surroundings
from probe.compare.clockhours import hour_of_day

SOLID: Final = 0.95  # share of failures in a disruption that is almost solid
PARTIAL: Final = 0.35
_CONTRAST: Final = 1.5  # a disruption fails at least so much more than usual
_SURE: Final = 0.97

# What a cycle adds to the sums for a solid and for a partial disruption, for each hour of the day
# and each of the surroundings.
_Weights = tuple[tuple[float, float], ...]


class Both(NamedTuple):
    """What holds for the sum that waits for a solid disruption, and for the other one."""

    solid: float
    partial: float


@lru_cache(maxsize=4096)
def weight(failed: int, disrupted: float, usual: float) -> float:
    """What a cycle says: the log of how much likelier it is in a disruption than usually."""
    share = min(max(disrupted, _CONTRAST * usual), _SURE)
    return log(share / usual) if failed else log((1 - share) / (1 - usual))


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums over ``times``; ``failing`` holds 1 for each cycle that failed, else 0."""

    times: Sequence[float]
    failing: bytes
    near: bytes  # the surroundings of each cycle
    weights: tuple[_Weights, _Weights]  # of cycles that worked, and that failed

    @classmethod
    def of(cls, times: Sequence[float], failing: bytes, usual: Baseline) -> "Sums":
        """The sums of a series; ``usual`` is what is ordinary for it."""
        return cls(times, failing, surroundings(failing), (_weights(0, usual), _weights(1, usual)))

    def alarm(self, start: int, high: Both) -> tuple[int, int] | None:
        """Where a sum began to rise that then crossed its threshold, and where it crossed it."""
        times, failing, near = self.times, self.failing, self.near
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
            if solid >= high.solid:
                return solid_from, at
            if partial >= high.partial:
                return partial_from, at
            at += 1
        return None

    def peaks(self, most: float) -> tuple[list[float], list[float]]:
        """How high each sum came whenever it rose from nothing; it stops rising at ``most``."""
        times, failing, near = self.times, self.failing, self.near
        solid = partial = solid_top = partial_top = 0.0
        solids: list[float] = []
        partials: list[float] = []
        at = failing.find(1)
        while 0 <= at < len(failing):
            kind = KINDS * hour_of_day(times[at]) + near[at]
            to_solid, to_partial = self.weights[failing[at]][kind]
            solid = min(max(0.0, solid + to_solid), most)
            partial = min(max(0.0, partial + to_partial), most)
            if solid > solid_top:
                solid_top = solid
            elif solid_top and not solid:
                solids.append(solid_top)
                solid_top = 0.0
            if partial > partial_top:
                partial_top = partial
            elif partial_top and not partial:
                partials.append(partial_top)
                partial_top = 0.0
            at += 1
            if not solid and not partial:
                at = failing.find(1, at)
        return solids, partials


def _weights(failed: int, usual: Baseline) -> _Weights:
    return tuple(
        (weight(failed, SOLID, chance), weight(failed, PARTIAL, chance))
        for hour in range(24)
        for chance in (usual.chance(hour, near) for near in range(KINDS))
    )
