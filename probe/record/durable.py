"""Gets what was written onto the disk soon, without making the writer wait for it.

A written line survives the end of the process at once, for the kernel has it; it survives a power
cut only after fsync, which can take seconds on a slow disk. So one thread does that, behind.
"""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

GATHER: Final = 0.5  # seconds; what is written within them shares one fsync

_log = logging.getLogger(__name__)


class Syncer:
    """Flushes files and folders to disk, at most about a second after ``soon``."""

    def __init__(self, gather: float = GATHER, fsync: Callable[[int], None] = os.fsync) -> None:
        """Start nothing yet: the thread starts with the first path."""
        self._gather = gather
        self._fsync = fsync
        self._lock = threading.Lock()
        self._dirty: set[Path] = set()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def soon(self, *paths: Path) -> None:
        """Note what was written; never waits for the disk."""
        with self._lock:
            self._dirty.update(paths)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fsync", daemon=True)
                self._thread.start()
            self._wake.set()

    def close(self) -> None:
        """Flush what is noted, wait for it, and end the thread."""
        with self._lock:
            thread = self._thread
            if thread is None:
                return
            self._closing.set()
            self._wake.set()
        thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._closing.wait(self._gather)
            with self._lock:
                self._wake.clear()
                dirty, self._dirty = self._dirty, set()
                if last := self._closing.is_set():
                    self._closing.clear()
                    self._thread = None
            for path in dirty:
                self._flush(path)
            if last:
                return

    def _flush(self, path: Path) -> None:
        # Opened anew: fsync flushes the file whichever descriptor wrote it.
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # moved away since
        except OSError as exc:
            _log.warning("cannot flush %s to disk: %s", path, exc.strerror)
            return
        try:
            self._fsync(descriptor)
        except OSError as exc:
            _log.warning("cannot flush %s to disk: %s", path, exc.strerror)
        finally:
            os.close(descriptor)
