"""The verdicts of the days that are looked at, held in memory and kept up with the files.

A day is read once, the newest first; what its file has gained since is read on from there. A file
that shrank, was replaced, sealed or deleted makes its day be read anew. Reading happens on one
thread of its own: a request asks for days, and gets what is there by then.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final, Self

from probe.core.model import Vantage
from probe.record.brief import Brief, decoder
from probe.record.briefs import briefs, verdict_days
from probe.record.follow import Version, lines, version
from probe.record.parts import JUDGED, sources
from probe.record.scan import ScanReport
from probe.serve.diary import Diary
from probe.serve.track import Key, Track

DAYS: Final = 70  # that are kept at most; those that were not looked at for longest go first
FRESH: Final = 1.0  # seconds for which the files are taken to be as they were
WAIT: Final = 0.25  # seconds that a request waits for what it asked
_BATCH: Final = 2000  # verdicts between two looks at whether it is time to stop
_MECHANISMS: Final = 60_000  # different ones; a file can hold anything

_log = logging.getLogger("probe.serve")


@dataclass(slots=True)
class _File:
    """What was read of one file: ``read`` bytes, and where each hour's lines lie in it."""

    version: Version
    read: int = 0
    hours: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Day:
    """One UTC day: its tracks, and what was read of its files."""

    tracks: dict[Key, Track] = field(default_factory=dict)
    files: dict[Path, _File] = field(default_factory=dict)
    vantages: dict[str, Vantage] = field(default_factory=dict)
    bad: int = 0


class History:
    """Days of verdicts. Close it, or use it in ``with``; everything may be called by any thread.

    ``lock`` is held while days change: hold it while you look at them.
    """

    def __init__(self, root: Path, fresh: float = FRESH) -> None:
        """Nothing is read before it is asked for."""
        self.root = root
        self._fresh = fresh
        self._checked = -inf
        self.lock = threading.Lock()
        self.diary = Diary(root)
        self.trouble: str | None = None
        self._days: OrderedDict[date, Day] = OrderedDict()
        self._mechanisms: dict[str | None, int] = {None: 0}
        self._names: list[str | None] = [None]
        self._wanted: Sequence[date] = ()
        self._state = threading.Condition()
        self._asked = self._done = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="history", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, in the middle of a day if need be."""
        with self._state:
            self._stopped = True
            self._state.notify_all()
        self._thread.join()

    def __enter__(self) -> Self:
        """The history itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def want(self, days: Iterable[date], wait: float = WAIT) -> bool:
        """Bring these days up to date; whether that was done within ``wait`` seconds.

        If not it goes on, and so does what the last request asked for: only the newest request's
        days are wanted.
        """
        wanted = sorted(set(days), reverse=True)[:DAYS]
        if monotonic() - self._checked < self._fresh:
            with self.lock:
                if all(day in self._days for day in wanted):
                    return True
        with self._state:
            self._wanted = wanted
            self._asked += 1
            asked = self._asked
            self._state.notify_all()
            return self._state.wait_for(lambda: self._done >= asked or self._stopped, wait)

    def held(self, day: date) -> Day | None:
        """What is known of a day; None before it was read. Hold ``lock``."""
        return self._days.get(day)

    def mechanism(self, code: int) -> str | None:
        """The mechanism that a track's code means."""
        return self._names[code]

    def newest(self) -> date | None:
        """The newest day that has a file of verdicts."""
        found = verdict_days(self.root, None, None)
        return date.fromisoformat(found[-1]) if found else None

    def place(self, hour: datetime) -> list[tuple[Path, int, int]] | None:
        """Where the hour's verdicts lie: files, first and last byte. None where that is not known,
        for a day that was not read or is sealed."""
        with self.lock:
            day = self._days.get(hour.date())
            if day is None or any(path.suffix != ".jsonl" for path in day.files):
                return None
            return [
                (path, *file.hours[hour.hour])
                for path, file in day.files.items()
                if hour.hour in file.hours
            ]

    def _work(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._stopped or self._done < self._asked)
                if self._stopped:
                    return
                asked, wanted = self._asked, self._wanted
            try:
                self.diary.refresh()
                self._bring_up(wanted, asked)
                self.trouble = None
            except OSError as exc:
                # Told on the page; the next request tries again.
                self.trouble = f"{exc.filename or self.root}: {(exc.strerror or str(exc)).lower()}"
            except Exception:  # noqa: BLE001  (the page says it, and stays)
                _log.exception("results cannot be read")
                self.trouble = "an internal error; the log has more"
            with self._state:
                self._done = max(self._done, asked)
                self._state.notify_all()

    def _bring_up(self, wanted: Sequence[date], asked: int) -> None:
        if not wanted:
            return
        there: dict[date, dict[Path, Version]] = {}
        for day in wanted:
            found = sources(self.root, JUDGED, day.isoformat())
            files = (*found.sealed, *found.taken, *([found.open] if found.open else []))
            versions = ((path, version(path)) for path in files)
            there[day] = {path: now for path, now in versions if now is not None}
        for day in wanted:
            if not self._follow(day, there[day]):
                self._read(day, there[day])
                if self._stopped or self._asked != asked:
                    return  # another request wants other days first
        self._checked = monotonic()
        with self.lock:
            for day in reversed(wanted):
                if day in self._days:
                    self._days.move_to_end(day)
            while len(self._days) > DAYS:
                self._days.popitem(last=False)

    def _follow(self, day: date, there: dict[Path, Version]) -> bool:
        """Read on in files that have only grown; False where the day must be read anew."""
        with self.lock:
            known = self._days.get(day)
        if known is None or known.files.keys() != there.keys():
            return False
        for path, now in there.items():
            file = known.files[path]
            if now == file.version:
                continue
            if path.suffix != ".jsonl" or not now.grew_from(file.version):
                return False
            self._take(known, path, file, now)
        return True

    def _read(self, day: date, there: dict[Path, Version]) -> None:
        """Read a day from its beginning, and put it in its place when it is whole."""
        fresh = Day()
        if any(path.suffix != ".jsonl" for path in there):
            fresh.files = {path: _File(now) for path, now in there.items()}
            report = ScanReport()
            whole = ((0, 0, one) for one in briefs(self.root, day.isoformat(), report=report))
            self._add_all(fresh, _File(Version(0, 0, 0, 0)), whole, shared=False)
            fresh.bad = report.bad
        else:
            for path, now in there.items():
                self._take(fresh, path, _File(now), now, shared=False)
        with self.lock:
            if not self._stopped:
                self._days[day] = fresh

    def _take(
        self, day: Day, path: Path, file: _File, now: Version, *, shared: bool = True
    ) -> None:
        """Read on in a file of lines."""
        report = ScanReport()
        found = lines(path, file.read, now.size, decoder(), report)
        self._add_all(day, file, found, shared=shared)
        day.files[path] = file
        file.version = now
        day.bad += report.bad

    def _add_all(
        self, day: Day, file: _File, found: Iterable[tuple[int, int, Brief]], *, shared: bool
    ) -> None:
        rest = iter(found)
        while not self._stopped and (batch := list(islice(rest, _BATCH))):
            self._add(day, file, batch, shared=shared)

    def _add(
        self, day: Day, file: _File, batch: list[tuple[int, int, Brief]], *, shared: bool
    ) -> None:
        if shared:
            with self.lock:
                self._append(day, file, batch)
        else:
            self._append(day, file, batch)

    def _append(self, day: Day, file: _File, batch: list[tuple[int, int, Brief]]) -> None:
        tracks, codes, names, hours = day.tracks, self._mechanisms, self._names, file.hours
        for start, end, brief in batch:
            at, vantage, mechanism = brief.at, brief.vantage, brief.mechanism
            key = Key(vantage.id, brief.service, brief.feature, brief.target)
            track = tracks.get(key)
            if track is None:
                key = key.cut()
                track = tracks.setdefault(key, Track())
                day.vantages[key.vantage] = vantage
            code = codes.get(mechanism)
            if code is None:
                if len(names) >= _MECHANISMS:
                    mechanism = "…"
                code = codes.setdefault(mechanism, len(names))
                if code == len(names):
                    names.append(mechanism)
            track.add(at.timestamp(), brief.outcome, code)
            first, last = hours.get(at.hour, (start, end))
            hours[at.hour] = min(first, start), max(last, end)
            file.read = end
