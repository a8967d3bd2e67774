"""When a series began to fail, and when it worked again: change points with intervals.

Two cumulative sums run over the cycles (``sums``). Each cycle is held against what is ordinary for
this series (``baseline``: failures that cluster, hours of day that are worse), so that noise which
comes in bursts has to last longer before it is called a change; and where it comes in longer ones
still, the sums have to rise higher (``threshold``). ``docs/statistics.md`` states all parameters
and the measured rates of error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from probe.compare.baseline import Baseline, baseline
from probe.compare.clockhours import Span, hour_of_day, spans
from probe.compare.sums import SOLID, Both, Sums, weight
from probe.compare.threshold import above_noise, threshold

# Change points whose likelihood is within this of the best are in the interval. A single success
# at 2 % ordinary failures weighs more: beside a solid disruption the interval is one cycle wide.
SLACK: Final = 2.5
_FAINT: Final = 0.2  # a disruption fails at least so much
_REACH: Final = 1000  # cycles before the sum began to rise that are looked at


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
    usual = baseline(failing, spans(times) if hours is None else hours)
    sums, low = Sums.of(times, failing, usual), threshold(times)
    high = Both(*(above_noise(low, peaks, times) for peaks in sums.peaks(low)))
    line = _Line(times, failing, usual, low)
    found: list[Episode] = []
    start = 0
    while alarm := sums.alarm(start, high):
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


@dataclass(frozen=True, slots=True)
class _Line:
    times: Sequence[float]
    failing: bytes
    usual: Baseline
    threshold: float

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
        return weight(self.failing[at], disrupted, self.usual.chance(hour_of_day(self.times[at])))


def _rate(failed: int, cycles: int) -> float:
    return min(max((failed + 0.5) / (cycles + 0.6), _FAINT), SOLID)
