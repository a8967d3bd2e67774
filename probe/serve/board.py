"""What the timelines show: rows of cells, and how each row stands now. Made of tracks; pure.

A cell is an hour or a day. It tells the worst that was concluded in it and how much of it that
was; where nothing was concluded it is a gap, and where nothing was measured it is empty.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from probe.compare.series import FAILING, GAPS, OUTCOMES
from probe.core.model import Outcome
from probe.serve.history import Day, History
from probe.serve.track import HOUR, Key, Seen, Track

PARTS: Final = 8  # into which a cell's filling is told apart
_ORDER: Final = tuple(outcome for outcome in OUTCOMES if outcome in FAILING)
_KINDS: Final[tuple[Sequence[Outcome], ...]] = (
    _ORDER,
    ("ok",),
    tuple(outcome for outcome in OUTCOMES if outcome in GAPS),
)
_STALE: Final = 3  # intervals without a verdict after which a row is no longer current
_DAY: Final = timedelta(days=1)


class Cell(NamedTuple):
    """What one span of time holds. ``read`` is False where that is not known yet."""

    start: float
    end: float
    counts: Mapping[Outcome, int]
    mechanisms: Sequence[str] = ()
    read: bool = True

    @property
    def main(self) -> Outcome | None:
        """The commonest failure; else ok; else the commonest gap; None where all is empty."""
        for kind in _KINDS:
            found = [outcome for outcome in kind if outcome in self.counts]
            if found:
                return max(found, key=self.counts.__getitem__)
        return None

    @property
    def rest(self) -> Outcome | None:
        """What of the rest weighs most: what worked, or gaps; None where all is the main one."""
        main = self.main
        if main in GAPS or len(self.counts) < 2:
            return None  # one gap is like another
        others = [outcome for outcome in self.counts if outcome != main]
        return max(others, key=self.counts.__getitem__)

    @property
    def filled(self) -> int:
        """How much of it is the main outcome, in PARTS; never none, nor all of it for less."""
        main = self.main
        if main is None or self.rest is None:
            return PARTS
        part = round(PARTS * self.counts[main] / sum(self.counts.values()))
        return min(max(part, 1), PARTS - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a row stands: its newest verdict, and since when its newest conclusion holds.

    ``since`` is where the run of equal conclusions begins in what was read; ``earlier`` says
    whether something else is known from before that.
    """

    newest: Seen
    concluded: Seen | None
    since: float | None
    earlier: bool
    stale: bool

    @property
    def outcome(self) -> Outcome:
        """What the row is now: its newest verdict, whatever it says."""
        return self.newest.outcome


@dataclass(frozen=True, slots=True)
class Row:
    """One feature, or one target of it, at one vantage."""

    key: Key
    cells: Sequence[Cell]
    standing: Standing | None

    @property
    def weight(self) -> tuple[int, str, str, str, str]:
        """For sorting: what fails comes first, then by name."""
        outcome = self.standing.outcome if self.standing else None
        rank = _ORDER.index(outcome) if outcome in FAILING and outcome else len(_ORDER)
        if outcome in GAPS:
            rank = len(_ORDER)
        elif outcome == "ok":
            rank = len(_ORDER) + 1
        elif outcome is None:
            rank = len(_ORDER) + 2
        key = self.key
        return rank, key.service, key.feature, key.vantage, key.target or ""


class Window(NamedTuple):
    """Columns of a timeline: ``columns`` spans of ``step`` seconds until ``until``."""

    until: float
    columns: int
    step: int = HOUR

    @property
    def since(self) -> float:
        """Where the first column begins."""
        return self.until - self.columns * self.step

    def days(self, more: int = 0) -> list[date]:
        """The UTC days that it touches, and so many before them."""
        last = datetime.fromtimestamp(self.until - 1, UTC).date()
        first = datetime.fromtimestamp(self.since, UTC).date() - more * _DAY
        return [first + number * _DAY for number in range((last - first).days + 1)]


class Board:
    """The rows of a history under its lock: make it, use it, and let go of the lock."""

    def __init__(self, history: History, days: Iterable[date]) -> None:
        """Look at these days, as far as they were read."""
        self._history = history
        self.days: dict[date, Day | None] = {day: history.held(day) for day in sorted(set(days))}

    @property
    def missing(self) -> int:
        """How many of the days were not read yet."""
        return sum(day is None for day in self.days.values())

    def features(self) -> list[Key]:
        """A key for every feature at every vantage."""
        found = {key for day in self._read() for key in day.tracks}
        return sorted({key._replace(target=None) for key in found})

    def targets(self, feature: Key) -> list[Key]:
        """The keys of a feature's targets."""
        found = {
            key
            for day in self._read()
            for key in day.tracks
            if key[:3] == feature[:3] and key.target is not None
        }
        return sorted(found, key=lambda key: key.target or "")

    def row(self, key: Key, window: Window, until: float) -> Row:
        """A row with its cells, and how it stood at ``until``."""
        tracks = self._tracks(key)
        return Row(key, tuple(self._cells(tracks, window)), self._standing(tracks, until))

    def standing(self, key: Key, until: float) -> Standing | None:
        """How a row stood at a moment; None where nothing was measured before it."""
        return self._standing(self._tracks(key), until)

    def _read(self) -> Iterator[Day]:
        return (day for day in self.days.values() if day is not None)

    def _tracks(self, key: Key) -> dict[date, Track | None]:
        """The feature's own verdicts where it has any in these days, else those of its targets;
        None for a day that was not read."""
        own = key.target is not None or any(key in day.tracks for day in self._read())
        found: dict[date, Track | None] = {}
        for day, held in self.days.items():
            if held is None:
                found[day] = None
            elif own:
                found[day] = held.tracks.get(key) or Track()
            else:
                found[day] = _merged(
                    track
                    for other, track in held.tracks.items()
                    if other[:3] == key[:3] and other.target is not None
                )
        return found

    def _cells(self, tracks: Mapping[date, Track | None], window: Window) -> Iterator[Cell]:
        for number in range(window.columns):
            start = window.since + number * window.step
            end = start + window.step
            track = tracks.get(datetime.fromtimestamp(start, UTC).date())
            if track is None:
                yield Cell(start, end, {}, read=False)
            else:
                yield self._cell(track, start, end)

    def _cell(self, track: Track, start: float, end: float) -> Cell:
        places = track.between(start, end)
        if not places:
            return Cell(start, end, {})
        codes = Counter(track.outcomes[places.start : places.stop])
        named = Counter(track.mechanisms[places.start : places.stop])
        common = [self._history.mechanism(code) for code, _ in named.most_common(3)]
        counts = {OUTCOMES[code]: number for code, number in codes.items()}
        return Cell(start, end, counts, tuple(name for name in common if name))

    def _standing(self, tracks: Mapping[date, Track | None], until: float) -> Standing | None:
        newest: Seen | None = None
        concluded: Seen | None = None
        since: float | None = None
        for day in sorted(tracks, reverse=True):
            track = tracks[day]
            if track is None:
                break  # what lies behind it may be anything
            if concluded is None:
                last, concluded = track.newest(until)
                newest = newest or last
            if concluded is not None:
                begun, ended = track.run(concluded.outcome, until)
                since = begun if begun is not None else since
                if ended:
                    return _standing(newest, concluded, since, True, tracks, until)
        return _standing(newest, concluded, since, False, tracks, until)


def _standing(
    newest: Seen | None,
    concluded: Seen | None,
    since: float | None,
    earlier: bool,
    tracks: Mapping[date, Track | None],
    until: float,
) -> Standing | None:
    if newest is None:
        return None
    interval = _interval(tracks.get(datetime.fromtimestamp(newest.time, UTC).date()))
    return Standing(
        newest=newest,
        concluded=concluded,
        since=since,
        earlier=earlier,
        stale=until - newest.time > max(_STALE * interval, HOUR / 2),
    )


def _interval(track: Track | None) -> float:
    """Seconds between two verdicts, on average; an hour where there is only one."""
    if track is None or len(track.times) < 2:
        return float(HOUR)
    return (track.times[-1] - track.times[0]) / (len(track.times) - 1)


def _merged(tracks: Iterable[Track]) -> Track:
    found = Track()
    for track in tracks:
        found.merge(track)
    return found
