"""Where the history lies: the day's file that is written to, and what was sealed of past days.

A day's lines are *open* while anybody may append to them. Sealing takes the file away from the
writers by giving it a number (*taken*), writes the sealed part of that number beside it, and
removes the taken file last. That removal is the one moment at which the part begins to count: as
long as a taken file is there, readers read it and not the part of the same number. So every record
is read exactly once, wherever the sealing was killed.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final

from probe.core.times import rfc3339, utc_day
from probe.record.columns import EVENT, MEASUREMENT, VERDICT, Columns
from probe.record.journal import EVENTS, VERDICTS

SEALED: Final = "sealed"
_BUFFER: Final = 1024**2
_PART: Final = re.compile(r"part-([0-9]{4,9})\.(parquet|rejected)")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One of the three histories. ``single`` is the name of its only file, where it has no file
    for each day."""

    name: str
    folder: str
    columns: Columns
    single: str | None = None

    def open_file(self, root: Path, day: str) -> Path:
        """What writers append to."""
        return root / self.folder / (self.single or f"{day}.jsonl")

    def taken_file(self, root: Path, day: str, number: int) -> Path:
        """The same when it has been taken for sealing."""
        stem = self.single.removesuffix(".jsonl") if self.single else day
        return root / self.folder / f"{stem}.{number:04}.jsonl"

    def sealed_folder(self, root: Path, day: str) -> Path:
        """Where the sealed parts of a day are."""
        return root / SEALED / self.name / f"day={day}"

    def part_file(self, root: Path, day: str, number: int) -> Path:
        """One sealed part."""
        return self.sealed_folder(root, day) / f"part-{number:04}.parquet"

    def rejected_file(self, root: Path, day: str, number: int) -> Path:
        """The lines that were no records when the part was made."""
        return self.part_file(root, day, number).with_suffix(".rejected")


MEASUREMENTS: Final = Kind("measurements", "", MEASUREMENT)
JUDGED: Final = Kind("verdicts", VERDICTS, VERDICT)
DIARY: Final = Kind("events", "", EVENT, EVENTS)
KINDS: Final = (MEASUREMENTS, JUDGED, DIARY)


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that hold records, in the order in which they were written."""

    sealed: tuple[Path, ...] = ()  # parts and rejected lines, by number
    taken: tuple[Path, ...] = ()
    open: Path | None = None


def days(
    root: Path, kind: Kind, since: datetime | None = None, until: datetime | None = None
) -> list[str]:
    """The days that can hold records of ``since`` <= t < ``until``, in order.

    Of a ``single`` kind those of which something is sealed.
    """
    found = {name.removeprefix("day=") for name in _names(root / SEALED / kind.name)}
    if kind.single is None:
        found |= {
            name[:10]
            for name in _names(root / kind.folder)
            if name.endswith(".jsonl") and (len(name) == 16 or _number(name[10:]))
        }
    first = utc_day(since) if since else ""
    end = rfc3339(until) if until else "~"  # behind every digit
    return sorted(
        day for day in found if is_day(day) and first <= day and f"{day}T00:00:00.000000Z" < end
    )


def sources(root: Path, kind: Kind, day: str) -> Sources:
    """What is there of a day at this moment."""
    return _sources(root, kind, [day])


def diary_sources(
    root: Path, since: datetime | None = None, until: datetime | None = None
) -> Sources:
    """What is there of the diary: of what is sealed, these days; of the rest, everything."""
    return _sources(root, DIARY, days(root, DIARY, since, until))


def _sources(root: Path, kind: Kind, wanted: Sequence[str]) -> Sources:
    numbers = taken_numbers(root, kind, wanted[0] if wanted else "")
    file = kind.open_file(root, wanted[0] if wanted else "")
    return Sources(
        sealed=tuple(
            path
            for day in wanted
            for number, path in sealed_parts(root, kind, day)
            if number not in numbers
        ),
        taken=tuple(
            kind.taken_file(root, wanted[0] if wanted else "", number) for number in sorted(numbers)
        ),
        open=file if file.exists() else None,
    )


@contextlib.contextmanager
def opened(look: Callable[[], Sources]) -> Iterator[tuple[tuple[Path, ...], list[BinaryIO]]]:
    """The sealed files that ``look`` finds, and its other files opened: each record exactly once.

    While the files are opened a sealer may take or remove one. Numbers only grow, so a listing that
    is the same before and after was true in between.
    """
    with contextlib.ExitStack() as stack:
        while True:
            found = look()
            try:
                files = [
                    stack.enter_context(path.open("rb", buffering=_BUFFER))
                    for path in (*found.taken, *([found.open] if found.open else []))
                ]
            except FileNotFoundError:
                stack.pop_all().close()
                continue
            if look() == found:
                break
            stack.pop_all().close()
        yield found.sealed, files


def sealed_parts(root: Path, kind: Kind, day: str) -> list[tuple[int, Path]]:
    """The sealed files of a day with their numbers, whether they count yet or not."""
    folder = kind.sealed_folder(root, day)
    found = ((_PART.fullmatch(name), name) for name in _names(folder))
    return sorted((int(match[1]), folder / name) for match, name in found if match)


def taken_numbers(root: Path, kind: Kind, day: str) -> set[int]:
    """The numbers of the files that have been taken and not yet sealed."""
    stem = kind.taken_file(root, day, 0).name.removesuffix(".0000.jsonl")
    found = (
        _number(name[len(stem) :])
        for name in _names(root / kind.folder)
        if name.startswith(f"{stem}.")
    )
    return {number for number in found if number}


def next_number(root: Path, kind: Kind, day: str) -> int:
    """A number that nothing of this day has (of a ``single`` kind: nothing of any day)."""
    numbers = taken_numbers(root, kind, day)
    for one in days(root, kind) if kind.single else [day]:
        numbers |= {number for number, _ in sealed_parts(root, kind, one)}
    return max(numbers, default=0) + 1


def is_day(text: str) -> bool:
    """Whether this is a day as files are named after it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _number(suffix: str) -> int:
    """The number in a taken file's name, behind its stem; 0 if there is none."""
    match = re.fullmatch(r"\.([0-9]{4,9})\.jsonl", suffix)
    return int(match[1]) if match else 0


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
