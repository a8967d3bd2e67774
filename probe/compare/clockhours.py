"""Cuts ordered moments into hours."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

HOUR: Final = 3600  # seconds
# The number of an hour, the index of the first moment in it, and the one behind the last.
Span = tuple[int, int, int]


def hour_of_day(time: float) -> int:
    """The UTC hour of its day in which a moment (Unix seconds) lies."""
    return int(time // HOUR) % 24


def spans(times: Sequence[float]) -> Iterator[Span]:
    """The UTC hours, counted from 1970, in which ``times`` lie (Unix seconds, never descending)."""
    first = usual = 0
    while first < len(times):
        hour = int(times[first] // HOUR)
        bound, end = (hour + 1) * HOUR, first + usual
        # Cycles come as many an hour as in the hour before, mostly: no need to search then.
        if not (
            first < end <= len(times)
            and times[end - 1] < bound
            and (end == len(times) or times[end] >= bound)
        ):
            end = bisect_left(times, bound, first)
            usual = end - first
        yield hour, first, end
        first = end
