"""Leaves things out before the disk is full: first objects, then whole cycles.

A line that finds no room waits in memory, where not much has room and a power cut takes it; so
it is better not to measure than to measure and to lose it.
"""

import enum
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

LEAST: Final = 200 * 1024**2  # bytes that must be free, where nothing else is configured
SHARE: Final = 0.02  # of the disk, where that is less
OBJECTS: Final = 2.0  # times as much must be free for objects
AGAIN: Final = 1.25  # times as much must be free before what was left out is taken up again


class Left(enum.IntEnum):
    """What is left out."""

    NOTHING = 0
    OBJECTS = 1
    CYCLES = 2


class Disk:
    """Looks at the room that is left; ``out`` is what is left out at present."""

    def __init__(
        self, room: Callable[[], tuple[int, int]], limit: int | None, backlog: int | None = None
    ) -> None:
        """``room`` gives bytes that are free, and that there are in all.

        ``limit`` is how many must be free, None for LEAST or SHARE; ``backlog`` the number of
        waiting lines from which cycles are left out too.
        """
        self._room = room
        self.limit = limit
        self._backlog = backlog
        self.out = Left.NOTHING
        self.free = 0

    def look(self, waiting: int = 0) -> bool:
        """Look again; ``waiting`` lines wait for room. Whether ``out`` has changed."""
        before = self.out
        try:
            self.free, total = self._room()
        except OSError:  # nothing is known, so nothing changes
            return False
        needed = float(self.needed(total))
        self.out = Left.NOTHING
        if self._below(needed * OBJECTS, before >= Left.OBJECTS):
            self.out = Left.OBJECTS
        crowded = self._backlog is not None and waiting > (
            self._backlog // 2 if before is Left.CYCLES else self._backlog
        )
        if crowded or self._below(needed, before is Left.CYCLES):
            self.out = Left.CYCLES
        return self.out is not before

    def needed(self, total: int) -> int:
        """Bytes that must be free on a disk of this size."""
        return min(LEAST, int(total * SHARE)) if self.limit is None else self.limit

    def _below(self, threshold: float, already: bool) -> bool:
        return self.free < threshold * (AGAIN if already else 1.0)


def room_at(folder: Path) -> Callable[[], tuple[int, int]]:
    """What ``Disk`` asks about the file system that a folder is on."""

    def room() -> tuple[int, int]:
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    return room
