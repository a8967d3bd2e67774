"""What happened to the probe itself: the newest of its events, and how each vantage's own network
is. The day's events are read on; where they were sealed, all of the last weeks are read anew."""

import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from probe.core.model import Event
from probe.record.codec import decode_event
from probe.record.follow import Version, lines, version
from probe.record.parts import DIARY, Sources, days, diary_sources
from probe.record.scan import ScanReport, events

KEPT: Final = 2000  # events, the newest
SEALED: Final = 40  # days of events that are looked at
_VANTAGES: Final = 1000
_TRIES: Final = 5


class Diary:
    """The newest events of a results folder; threads may share it."""

    def __init__(self, root: Path) -> None:
        """Nothing is read before ``refresh``."""
        self._root = root
        self._path = DIARY.open_file(root, "")
        self._lock = threading.Lock()
        self._sources = Sources()
        self._version: Version | None = None
        self._read = 0
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._health: dict[str, Event] = {}

    def refresh(self) -> None:
        """Read what is new. Raises OSError where that is not allowed."""
        since = self._since()
        found, now = diary_sources(self._root, since), version(self._path)
        if (found.sealed, found.taken) != (self._sources.sealed, self._sources.taken):
            self._anew(since)
        elif now != self._version:
            if now and self._version and now.grew_from(self._version):
                self._on(now)
            else:
                self._anew(since)

    def events(self) -> list[Event]:
        """The newest first."""
        with self._lock:
            return list(reversed(self._events))

    def health(self, vantage: str) -> Event | None:
        """When a vantage's own network changed its state for the last time, and into which."""
        with self._lock:
            return self._health.get(vantage)

    def _since(self) -> datetime | None:
        recent = days(self._root, DIARY)[-SEALED:]
        return datetime.fromisoformat(recent[0]).replace(tzinfo=UTC) if recent else None

    def _anew(self, since: datetime | None) -> None:
        """Read all; again where a writer or a sealer was at work meanwhile."""
        for _ in range(_TRIES):
            before = diary_sources(self._root, since), version(self._path)
            fresh = deque(events(self._root, since), maxlen=KEPT)
            after = diary_sources(self._root, since), version(self._path)
            if before == after:
                break
        with self._lock:
            self._events.clear()
            self._health.clear()
            for event in fresh:
                self._take(event)
        self._sources, self._version = before
        self._read = _whole(self._path, self._version.size) if self._version else 0

    def _on(self, now: Version) -> None:
        fresh = list(lines(self._path, self._read, now.size, decode_event, ScanReport()))
        self._version = now
        with self._lock:
            for _, end, event in fresh:
                self._read = end
                self._take(event)

    def _take(self, event: Event) -> None:
        self._events.append(event)
        known = event.vantage in self._health or len(self._health) < _VANTAGES
        if event.event == "health" and known:
            self._health[event.vantage] = event


def _whole(path: Path, size: int) -> int:
    """Where the last whole line within ``size`` bytes ends."""
    try:
        with path.open("rb") as file:
            while size > 0:
                start = max(0, size - 65536)
                file.seek(start)
                at = file.read(size - start).rfind(b"\n")
                if at >= 0:
                    return start + at + 1
                size = start
    except FileNotFoundError:
        pass
    return 0
