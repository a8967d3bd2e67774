"""Keeps results from growing without end: what is sealed and too old, or too much, is deleted.

Only sealed days are ever deleted, the oldest first, whole, with the objects that nothing names any
more. Age is counted from the newest sealed day as well as from the clock: neither a clock that
jumped ahead nor a machine that was off for a year deletes what is there.
"""

import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from probe.core.times import utc_day
from probe.record.objects import OBJECTS
from probe.record.parts import (
    DIARY,
    KINDS,
    MEASUREMENTS,
    SEALED,
    days,
    is_day,
    opened,
    sealed_parts,
    sources,
    taken_numbers,
)
from probe.record.scan import ScanReport, lines_of
from probe.record.sealed import SealedError, rows

GRACE: Final = timedelta(days=1)  # how long before the oldest kept day an object was last used
_AHEAD: Final = timedelta(days=2)  # of the newest sealed day, as far as age counts
_NAME: Final = re.compile(r"[0-9a-f]{64}")
_NAMED: Final = re.compile(rb'"([0-9a-f]{64})"')
_OLD: Final = ".old"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sealed days are kept, and how many bytes the whole folder may take; None: no end."""

    keep: timedelta | None = None
    size: int | None = None


@dataclass(slots=True)
class Removal:
    """What was deleted: days (of all kinds), bytes, and objects; and what is left, in bytes."""

    days: list[str] = field(default_factory=list)
    objects: int = 0
    freed: int = 0
    left: int = 0
    trouble: list[str] = field(default_factory=list)


def retain(root: Path, now: datetime, limits: Limits) -> Removal:
    """Delete what is beyond the limits.

    To be called by who is ``sealing_alone``, after the sealing. What cannot be deleted goes into
    ``trouble``.
    """
    done = Removal()
    try:
        last_used = _objects_by_day(root)
        total = _usage(root)
        for day in _sealed_days(root):
            too_old = limits.keep is not None and _age(root, day, now) > limits.keep
            too_much = limits.size is not None and total > limits.size
            if not (too_old or too_much):
                break
            freed = _remove_day(root, day)
            done.days.append(day)
            done.freed += freed
            # Its objects follow in a moment, or once their grace is over.
            total -= freed + sum(last_used.pop(one) for one in [*last_used] if one <= day)
        _remove_objects(root, done)
    except (OSError, SealedError) as exc:
        done.trouble.append(str(exc))
    done.left = _usage(root)
    return done


def _sealed_days(root: Path) -> list[str]:
    names = {
        path.name.removeprefix("day=")
        for kind in KINDS
        for path in _entries(root / SEALED / kind.name)
    }
    return sorted(filter(is_day, names))


def _age(root: Path, day: str, now: datetime) -> timedelta:
    """How long ago the day ended, by the clock or by the data, whichever is less."""
    newest = date.fromisoformat(_sealed_days(root)[-1])
    ended = date.fromisoformat(day)
    return min(now.astimezone(UTC).date() - ended, newest + _AHEAD - ended) - timedelta(days=1)


def _remove_day(root: Path, day: str) -> int:
    """Delete what is sealed of a day; gives its bytes. A part that does not count yet stays: it
    is being made of lines that are not sealed."""
    freed = 0
    for kind in KINDS:
        waiting = taken_numbers(root, kind, "" if kind is DIARY else day)
        for number, path in sealed_parts(root, kind, day):
            if number not in waiting:
                freed += _allocated(path)
                path.unlink()
        with contextlib.suppress(OSError):  # not empty
            kind.sealed_folder(root, day).rmdir()
    return freed


def _remove_objects(root: Path, done: Removal) -> None:
    """Delete the objects that no kept measurement names, and that nobody has used for a while.

    Each use brings an object's date up to now (``Objects.put``), so it is enough to look closer at
    those that were last used before everything that is kept.
    """
    folder = root / OBJECTS
    for path in _entries(folder):
        if path.name.endswith(_OLD):  # a removal was killed in the middle: judge it again
            path.rename(folder / path.name[1:65])
    kept = days(root, MEASUREMENTS)
    if not kept:
        return
    oldest = datetime.fromisoformat(kept[0]).replace(tzinfo=UTC)
    before = (oldest - min(GRACE, oldest - datetime.min.replace(tzinfo=UTC))).timestamp()
    unused = {
        path.name for path in _entries(folder)
        if _NAME.fullmatch(path.name) and path.stat().st_mtime < before
    }  # fmt: skip
    if not unused:
        return
    for named in _named(root):
        unused.discard(named)
    for name in unused:
        path = folder / name
        size = _allocated(path)
        # Out of the way first: who needs it at this very moment finds it missing and writes it
        # again, or has just renewed its date, which then shows.
        aside = path.with_name(f".{name}{_OLD}")
        path.rename(aside)
        if aside.stat().st_mtime >= before:
            aside.rename(path)
            continue
        aside.unlink()
        done.objects += 1
        done.freed += size


def _named(root: Path) -> Iterator[str]:
    """The objects that kept measurements name. Raises SealedError where that cannot be known."""
    query = "SELECT DISTINCT unnest(objects) FROM read_parquet(?, hive_partitioning = false)"
    for day in days(root, MEASUREMENTS):
        with opened(partial(sources, root, MEASUREMENTS, day)) as (sealed, files):
            for file in files:
                for line in lines_of(file, ScanReport()):
                    yield from (name.decode() for name in _NAMED.findall(line))
        for path in sealed:
            if path.suffix == ".parquet":
                yield from (name for (name,) in rows(query, [path]))


def _objects_by_day(root: Path) -> Counter[str]:
    """The bytes of the objects by the day of their last use."""
    found: Counter[str] = Counter()
    for path in _entries(root / OBJECTS):
        status = path.stat()
        found[utc_day(datetime.fromtimestamp(status.st_mtime, UTC))] += status.st_blocks * 512
    return found


def _usage(root: Path) -> int:
    """What the folder takes on disk, in bytes."""
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += _allocated(Path(folder, name))
    return total


def _allocated(path: Path) -> int:
    return path.lstat().st_blocks * 512


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
