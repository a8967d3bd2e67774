"""Appends records to the day's files, one line each, so that a crash costs at most that line.

Every append opens the file, locks it, looks whether it ends in a whole line, and writes by one
call. So any number of processes may write, a file may be moved away between two lines, and what
``append`` has returned from survives kill -9. A line that finds no room is taken back whole and
waits in memory for the next append.
"""

import errno
import fcntl
import logging
import os
import threading
from collections import deque
from pathlib import Path
from typing import Final, Self

from probe.core.model import Event, Measurement, Verdict
from probe.core.times import utc_day
from probe.record.codec import encode
from probe.record.disk import ResultsError, explained, make_folder, open_to_append
from probe.record.durable import Syncer
from probe.record.objects import Objects

VERDICTS: Final = "verdicts"
EVENTS: Final = "events.jsonl"
BACKLOG_LINES: Final = 10_000
BACKLOG_BYTES: Final = 32 * 1024**2

_log = logging.getLogger(__name__)


class Journal:
    """The results folder, for writing. Threads may share it; close it, or use it in ``with``.

    ``waiting`` counts the lines that found no room yet, ``dropped`` those lost because too many
    waited (the oldest go first).
    """

    def __init__(self, root: Path, syncer: Syncer | None = None) -> None:
        """Make the folder. Raises ResultsError when there can be none, or none to write in."""
        self.root = root
        self.dropped = 0
        self._syncer = syncer or Syncer()
        self.objects = Objects(root, self._syncer)
        self._lock = threading.Lock()
        self._backlog: deque[tuple[Path, bytes]] = deque()
        try:
            make_folder(root)
        except OSError as exc:
            raise explained(root, exc) from exc
        if not os.access(root, os.W_OK | os.X_OK):
            raise ResultsError(f"{root}: no permission to write results there")

    @property
    def waiting(self) -> int:
        """How many lines wait in memory for room on the disk."""
        return len(self._backlog)

    def measurement(self, measurement: Measurement) -> None:
        """Append to the file of the UTC day on which it started.

        Like ``verdict`` and ``event`` it raises DiskFull or another ResultsError when the line
        could not be written; the line is then kept, and written by a later call.
        """
        self._append(self.root / f"{utc_day(measurement.started)}.jsonl", encode(measurement))

    def verdict(self, verdict: Verdict) -> None:
        """Append to the verdicts of the UTC day on which it was given."""
        path = self.root / VERDICTS / f"{utc_day(verdict.at)}.jsonl"
        self._append(path, encode(verdict))

    def event(self, event: Event) -> None:
        """Append to the probe's own diary."""
        self._append(self.root / EVENTS, encode(event))

    def retry(self) -> None:
        """Write what waits. Raises ResultsError when there is still no room for all of it."""
        with self._lock:
            self._drain()

    def close(self) -> None:
        """Write what waits, flush everything to disk, and end the flushing thread.

        Raises ResultsError when lines are still waiting: they are lost with the process.
        """
        try:
            with self._lock:
                self._drain()
        finally:
            self._syncer.close()

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _append(self, path: Path, line: bytes) -> None:
        with self._lock:
            self._backlog.append((path, line))
            try:
                self._drain()
            finally:
                self._shorten()

    def _drain(self) -> None:
        """Write all that waits, in order; one file's trouble does not hold up the others."""
        trouble: dict[Path, ResultsError] = {}
        for _ in range(len(self._backlog)):
            path, line = self._backlog[0]
            if path not in trouble:
                try:
                    self._write(path, line)
                except OSError as exc:
                    trouble[path] = explained(path, exc)
            if path in trouble:
                self._backlog.append((path, line))
            self._backlog.popleft()
        for error in trouble.values():
            raise error

    def _shorten(self) -> None:
        size = sum(len(line) for _, line in self._backlog)
        while len(self._backlog) > BACKLOG_LINES or size > BACKLOG_BYTES:
            size -= len(self._backlog.popleft()[1])
            self.dropped += 1

    def _write(self, path: Path, line: bytes) -> None:
        descriptor, size, new = _open_locked(path)
        try:
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            _write_whole(descriptor, size, b"\n" + line if torn else line)
        finally:
            os.close(descriptor)  # and with it the lock
        self._syncer.soon(path, *([path.parent, path.parent.parent] if new else []))
        if torn:
            _log.warning("mended a torn line at the end of %s", path)


def _open_locked(path: Path) -> tuple[int, int, bool]:
    """The file under an exclusive lock, its size, and whether it is new."""
    while True:
        descriptor, new = open_to_append(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            status = os.fstat(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        if _stands_at(path, status):
            return descriptor, status.st_size, new
        # Deleted or taken for sealing while we waited for the lock: a line in it would be lost.
        os.close(descriptor)


def _stands_at(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except FileNotFoundError:
        return False


def _write_whole(descriptor: int, size: int, line: bytes) -> None:
    """Append the line as a whole or not at all. Raises OSError (ENOSPC where it was cut short)."""
    try:
        if os.write(descriptor, line) == len(line):
            return
    except OSError:
        os.ftruncate(descriptor, size)
        raise
    os.ftruncate(descriptor, size)
    # A regular file takes less than it was given only where room ran out.
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
