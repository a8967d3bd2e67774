"""One UTC day of one target's or feature's verdicts, as columns: a month of them fits in memory."""

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from probe.compare.series import CODES, GAPS, OUTCOMES
from probe.core.model import Outcome

HOUR: Final = 3600
NAME: Final = 200  # characters of a name; four of them fit into an address, whatever they are
_GAPS: Final = bytes(CODES[outcome] for outcome in GAPS)


class Key(NamedTuple):
    """Whose verdicts: a target's, or (``target`` None) a feature's own."""

    vantage: str
    service: str
    feature: str
    target: str | None

    def cut(self) -> "Key":
        """With names that fit into an address."""
        target = None if self.target is None else cut(self.target)
        return Key(cut(self.vantage), cut(self.service), cut(self.feature), target)


def cut(name: str) -> str:
    """As much of a name as tells it from others here."""
    return name[:NAME]


class Seen(NamedTuple):
    """One verdict: when (Unix seconds), which outcome, and a code for its mechanism."""

    time: float
    outcome: Outcome
    mechanism: int

    @property
    def concluded(self) -> bool:
        """Whether it says anything about the target."""
        return self.outcome not in GAPS


@dataclass(slots=True)
class Track:
    """Verdicts in order of time. One at a moment that is there already was given again: the one
    that was written last counts."""

    times: "array[float]" = field(default_factory=lambda: array("d"))
    outcomes: bytearray = field(default_factory=bytearray)
    mechanisms: "array[int]" = field(default_factory=lambda: array("H"))

    def add(self, time: float, outcome: Outcome, mechanism: int) -> None:
        """Take a verdict in."""
        code = CODES[outcome]
        times = self.times
        if not times or time > times[-1]:
            times.append(time)
            self.outcomes.append(code)
            self.mechanisms.append(mechanism)
            return
        at = bisect_left(times, time)
        if times[at] == time:
            self.outcomes[at] = code
            self.mechanisms[at] = mechanism
        else:
            times.insert(at, time)
            self.outcomes.insert(at, code)
            self.mechanisms.insert(at, mechanism)

    def merge(self, other: "Track") -> None:
        """Take another one's verdicts in beside these: of two at one moment both count."""
        order = sorted(
            (track.times[place], track.outcomes[place], track.mechanisms[place])
            for track in (self, other)
            for place in range(len(track.times))
        )
        self.times = array("d", (time for time, _, _ in order))
        self.outcomes = bytearray(outcome for _, outcome, _ in order)
        self.mechanisms = array("H", (mechanism for _, _, mechanism in order))

    def at(self, place: int) -> Seen:
        """The verdict at this place; -1 is the newest."""
        return Seen(self.times[place], OUTCOMES[self.outcomes[place]], self.mechanisms[place])

    def between(self, start: float, end: float) -> range:
        """The places of the verdicts from ``start`` until before ``end``."""
        first = bisect_left(self.times, start)
        return range(first, bisect_left(self.times, end, first))

    def newest(self, until: float) -> tuple[Seen | None, Seen | None]:
        """The newest verdict before ``until``, and the newest that concludes something."""
        end = bisect_left(self.times, until)
        concluded = len(self.outcomes[:end].rstrip(_GAPS))
        return self.at(end - 1) if end else None, self.at(concluded - 1) if concluded else None

    def run(self, outcome: Outcome, until: float) -> tuple[float | None, bool]:
        """Since when (Unix seconds) every conclusion before ``until`` was this outcome, and
        whether something else came before that.

        None where the newest conclusion is another one, or there is none.
        """
        code = CODES[outcome]
        before = self.outcomes[: bisect_left(self.times, until)]
        other = len(before.rstrip(_GAPS + bytes([code])))
        first = before.find(code, other)
        return None if first < 0 else self.times[first], other > 0
