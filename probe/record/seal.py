"""Seals past days: their JSON Lines become zstd Parquet, verified before the original goes.

A file is taken from its writers (``record.parts``), converted (``record.convert``), the parts are
put in their places and onto the disk, and then the original is removed. Whatever is killed on the
way is done again by the next sealing. What was written meanwhile to a day that is sealed becomes a
further part of it.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from probe.record.codec import BadLineError
from probe.record.convert import convert, whole_lines
from probe.record.disk import FILE_MODE, give_to_owner, make_folder, open_to_append
from probe.record.parts import KINDS, SEALED, Kind, days, next_number, taken_numbers
from probe.record.sealed import SealedError

WAIT: Final = timedelta(hours=1)  # after a day's end: what began in it may still be written
DRAFTS: Final = ".drafts"
_LOCK: Final = ".lock"
_FIRST_LINES: Final = 1000  # of the diary, to find an event in


class SealerBusyError(Exception):
    """Another process is sealing this folder."""


@dataclass(slots=True)
class Sealing:
    """What a sealing did. ``trouble`` has a line for each file that could not be sealed: it stays
    as it is and is read as before."""

    parts: int = 0
    records: int = 0
    rejected: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    trouble: list[str] = field(default_factory=list)


@contextlib.contextmanager
def sealing_alone(root: Path) -> Iterator[None]:
    """The right to change what is sealed. Raises SealerBusyError while another process has it."""
    folder = root / SEALED
    make_folder(folder)
    descriptor, _ = open_to_append(folder / _LOCK)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SealerBusyError(f"{folder}: another process is sealing") from None
        yield
    finally:
        os.close(descriptor)  # and with it the lock; a killed process loses it likewise


def seal(root: Path, now: datetime, wait: timedelta = WAIT) -> Sealing:
    """Seal every day of a results folder that ended ``wait`` ago or earlier.

    To be called by who is ``sealing_alone``. What is wrong with one file goes into ``trouble`` and
    stops no other.
    """
    done = Sealing()
    drafts = root / SEALED / DRAFTS
    shutil.rmtree(drafts, ignore_errors=True)  # of one that was killed
    for kind in KINDS:
        for day in [""] if kind.single else days(root, kind):
            open_file = kind.open_file(root, day)
            try:
                if _due(open_file, kind, day, now - wait):
                    _take(open_file, kind.taken_file(root, day, next_number(root, kind, day)))
            except OSError as exc:
                done.trouble.append(f"{open_file}: {exc.strerror or exc}")
            for number in sorted(taken_numbers(root, kind, day)):
                taken = kind.taken_file(root, day, number)
                try:
                    make_folder(drafts)
                    _seal_taken(root, kind, day, number, done)
                except (SealedError, OSError) as exc:
                    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
                    done.trouble.append(f"{taken}: {reason}")
                finally:
                    shutil.rmtree(drafts, ignore_errors=True)
    return done


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _due(path: Path, kind: Kind, day: str, before: datetime) -> bool:
    if not kind.single:
        return path.exists() and _end(day) <= before
    first = _first_day(path, kind)
    return first is not None and _end(first) <= before


def _end(day: str) -> datetime:
    """The first moment after the day."""
    if day == date.max.isoformat():
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)


def _first_day(path: Path, kind: Kind) -> str | None:
    """The day of the first record in a file, None when it has none or is not there."""
    try:
        with path.open("rb") as file:
            for line, _ in islice(whole_lines(file), _FIRST_LINES):
                with contextlib.suppress(BadLineError):
                    return kind.columns.split(line)[1]
    except FileNotFoundError:
        pass
    return None


def _take(path: Path, taken: Path) -> None:
    """Take an open file from its writers.

    Under its lock, so that none is in the middle of a line; who waits for the lock finds that the
    file is gone from its place, and makes a new one.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return  # somebody moved it; what stands there now is taken next time
        os.fsync(file.fileno())
        path.rename(taken)
    flush(path.parent)


def _seal_taken(root: Path, kind: Kind, day: str, number: int, done: Sealing) -> None:
    taken = kind.taken_file(root, day, number)
    made = convert(kind, day, taken, root / SEALED / DRAFTS)
    for own, draft in made.drafts.items():
        _put(draft, kind.part_file(root, own, number))
    if made.rejected:
        aside = day or max(made.drafts, default=date.min.isoformat())
        _put(made.draft_of_rejected, kind.rejected_file(root, aside, number))
    before = taken.stat().st_size
    taken.unlink()  # from here on the parts count, and no moment earlier
    flush(taken.parent)
    done.parts += len(made.drafts)
    done.records += made.records
    done.rejected += made.rejected
    done.bytes_before += before
    done.bytes_after += sum(kind.part_file(root, own, number).stat().st_size for own in made.drafts)


def _put(draft: Path, place: Path) -> None:
    """Put a finished file in its place so that it survives a power cut."""
    draft.chmod(FILE_MODE)
    with draft.open("rb") as file:
        give_to_owner(file.fileno(), draft.parent.parent)
    flush(draft)
    make_folder(place.parent)
    draft.rename(place)
    for folder in (place.parent, place.parent.parent, place.parent.parent.parent):
        flush(folder)
