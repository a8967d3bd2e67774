"""How often something failed, and how sure that can be at this number of cycles."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

LEVEL: Final = 0.95
_Z: Final = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Failures among the cycles that concluded something; shares null where there were none.

    ``low`` and ``high`` bound the 95 % interval. It takes cycles for independent, which
    neighbouring ones are not: the truth is less sure than it says.
    """

    cycles: int
    failed: int
    share: float | None
    low: float | None
    high: float | None


def share(failed: int, cycles: int) -> Share:
    """The share of failures with its Wilson score interval.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal of
    the American Statistical Association 22 (1927): it stays within 0 and 1, and is sound for few
    cycles and for shares near either end, where the textbook interval is not.
    """
    if not cycles:
        return Share(cycles=0, failed=0, share=None, low=None, high=None)
    p = failed / cycles
    scale = 1 + _Z**2 / cycles
    centre = (p + _Z**2 / (2 * cycles)) / scale
    half = _Z * sqrt(p * (1 - p) / cycles + _Z**2 / (4 * cycles**2)) / scale
    # At the ends the bound is exactly 0 or 1, which floating point misses by a hair.
    low = 0.0 if failed == 0 else centre - half
    high = 1.0 if failed == cycles else centre + half
    return Share(cycles=cycles, failed=failed, share=p, low=low, high=high)
