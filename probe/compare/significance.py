"""Whether what was seen at a report's time could as well be chance.

Neighbouring cycles fail together, so no test that takes them for independent will do. The report
is moved along the data instead, around its end and in again at its beginning: the share of all
moves at which it fits the data as well as in its own place is its p-value. What the data does by
itself, every evening say, then fits everywhere, and is no evidence.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

HOUR: Final = 3600
_BEFORE: Final = 48  # hours that are compared with those after a rise
_AFTER: Final = 24  # or the whole window, if it is shorter


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cycles of each UTC hour, from the hour ``first`` on, failed, and how many worked."""

    first: int
    failed: tuple[int, ...]
    cycles: tuple[int, ...]


def tally(counts: Iterable[tuple[int, int, int]]) -> Tally | None:
    """Sum counts: an hour, how many cycles it has, how many failed; None where there are none."""
    found: dict[int, list[int]] = {}
    for hour, cycles, failed in counts:
        both = found.setdefault(hour, [0, 0])
        both[0] += failed
        both[1] += cycles
    if not found:
        return None
    hours = range(min(found), max(found) + 1)
    sums = [found.get(hour, (0, 0)) for hour in hours]
    return Tally(hours[0], tuple(one[0] for one in sums), tuple(one[1] for one in sums))


def p_value(data: Tally, window: tuple[float, float], onset: tuple[float, float]) -> float | None:
    """The share of moves at which a report fits as well; window and onset in Unix seconds.

    A report fits the better, the more fails in its window than outside it, and the more the
    failures rise at some hour of its onset. None where nothing was measured in the window, or
    nothing outside it. The value cannot be smaller than one over the number of hours.
    """
    circle = _Circle(data)
    start, end = _hours(window, data)
    begin, until = _hours((onset[0], min(onset[1], window[1])), data)
    if end <= start or end - start >= circle.length:
        return None
    rises = circle.rises(min(_AFTER, end - start))
    highest = _highest(rises, max(until - begin, 1))
    fits = [
        None
        if (extra := circle.contrast(at, at + end - start)) is None
        else extra + highest[(at + begin - start) % circle.length]
        for at in range(start, start + circle.length)
    ]
    own = fits[0]
    if own is None:
        return None
    return sum(1 for fit in fits if fit is not None and fit >= own - 1e-9) / circle.length


def adjusted(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """The same, corrected for their number: the false discovery rate at which each would pass.

    Y. Benjamini, Y. Hochberg, Controlling the False Discovery Rate, Journal of the Royal
    Statistical Society B 57 (1995).
    """
    order = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    least = 1.0
    for rank in range(len(order), 0, -1):
        p, at = order[rank - 1]
        least = min(least, p * len(order) / rank)
        found[at] = least
    return tuple(found)


class _Circle:
    """Sums over any stretch of hours; behind the last hour the first one comes again."""

    def __init__(self, data: Tally) -> None:
        self.length = len(data.cycles)
        self._failed = list(accumulate(data.failed * 3, initial=0))
        self._cycles = list(accumulate(data.cycles * 3, initial=0))

    def contrast(self, start: int, end: int) -> float | None:
        """How much more failed from one hour until another than at all other times."""
        inside, outside = self._share(start, end), self._share(end, start + self.length)
        return None if inside is None or outside is None else inside - outside

    def rises(self, after: int) -> list[float]:
        """How much more failed in so many hours from each hour on than in two days before it."""
        before = min(_BEFORE, self.length - after)
        found = []
        for hour in range(self.length):
            past, then = self._share(hour - before, hour), self._share(hour, hour + after)
            found.append(0.0 if past is None or then is None else then - past)
        return found

    def _share(self, start: int, end: int) -> float | None:
        shift = self.length if start < 0 else 0
        start, end = start + shift, end + shift
        cycles = self._cycles[end] - self._cycles[start]
        return (self._failed[end] - self._failed[start]) / cycles if cycles else None


def _highest(values: Sequence[float], width: int) -> list[float]:
    """The highest of ``width`` values from each place on, around the circle."""
    count = len(values)
    width = min(width, count)
    best: deque[int] = deque()
    found = [0.0] * count
    for at in range(2 * count - 1, -1, -1):
        while best and values[best[-1] % count] <= values[at % count]:
            best.pop()
        best.append(at)
        while best[0] >= at + width:
            best.popleft()
        if at < count:
            found[at] = values[best[0] % count]
    return found


def _hours(span: tuple[float, float], data: Tally) -> tuple[int, int]:
    """The hours that a span touches, counted from the data's first, and within the data."""
    first, last = int(span[0] // HOUR) - data.first, int(-(-span[1] // HOUR)) - data.first
    return min(max(first, 0), len(data.cycles)), min(max(last, 0), len(data.cycles))
