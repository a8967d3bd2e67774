"""How high a sum must rise before it is called a disruption: higher than noise does in a year."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log
from typing import Final

# At ten-minute cycles: four failures in a row where 2 % is ordinary, and never three.
THRESHOLD: Final = 11.7
CADENCE: Final = 600.0  # seconds, at which THRESHOLD holds; it moves by the logarithm of the rate
_LEAST, _MOST = 8.0, 16.0
_SAMPLE: Final = 2001  # cycles from which the cadence is taken
_YEAR: Final = 365.25 * 86400
_WRONGLY: Final = 0.5  # false alarms of a sum in a year, at most, if noise goes on as it does below
_PRIOR: Final = 3  # peaks as which what independent noise does counts
_INDEPENDENT: Final = 0.02  # of their peaks, the share that is higher by another third
_STEEPEST: Final = 0.8  # noise that falls off more slowly is taken to fall off so
_RAISED: Final = 3  # times at most: a disruption of two days is told on the worst of lines


def cadence(times: Sequence[float]) -> float:
    """The usual distance of two cycles in seconds: the median."""
    distances = sorted(later - earlier for earlier, later in pairwise(times))
    return distances[len(distances) // 2] if distances else CADENCE


def threshold(times: Sequence[float]) -> float:
    """Higher for quick cycles, of which a year has more: false alarms are counted per year."""
    return min(max(THRESHOLD + log(CADENCE / _every(times)), _LEAST), _MOST)


def above_noise(threshold: float, peaks: Iterable[float], times: Sequence[float]) -> float:
    """The threshold, raised where the series' own noise would pass it too often.

    ``peaks`` are the highest points of a sum's excursions from zero, those above the threshold at
    most as high as it. Of noise, whatever clusters it has, there are fewer and fewer by a constant
    factor (D. L. Iglehart, Extreme values in the GI/G/1 queue, Annals of Mathematical Statistics
    43, 1972): how many lie in the second and in the third third below the threshold tells how many
    noise sends above it. Disruptions are no part of this: they rise far above, and are not counted.
    """
    third = threshold / 3
    thirds = [int(peak // third) for peak in peaks if peak < threshold]
    second, last = thirds.count(1), thirds.count(2)
    share = min((last + _PRIOR * _INDEPENDENT) / (second + _PRIOR), _STEEPEST)
    expected = max(last - 1, 0) * share / (1 - share)  # one alone proves nothing
    allowed = _WRONGLY * len(times) * _every(times) / _YEAR
    if expected <= allowed:
        return threshold
    return min(threshold + third * log(expected / allowed) / -log(share), _RAISED * threshold)


def _every(times: Sequence[float]) -> float:
    return max(cadence(times[:_SAMPLE]), 1.0)
