"""Reads results back as one history, record by record, whatever state the files are in.

Past days may be sealed, the others are JSON Lines; nobody who reads needs to know which. Memory
stays bounded by the longest line. A line that is no record is counted and skipped. A last
line without its newline is a writer at work, or what a crash left: counted apart, and skipped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from probe.core.model import Event, Measurement, Verdict
from probe.record.codec import BadLineError, decode_event, decode_measurement, decode_verdict
from probe.record.parts import (
    DIARY,
    JUDGED,
    MEASUREMENTS,
    Kind,
    Sources,
    days,
    diary_sources,
    opened,
    sources,
)
from probe.record.sealed import during, sealed_records

LINE_LIMIT: Final = 16 * 1024**2  # bytes
EXAMPLES: Final = 10
NEWLINE: Final = 0x0A
_BUFFER: Final = 1024**2

_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Skipped:
    """One line that could not be read; ``line`` counts from 1."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        """FILE:LINE, as editors and grep write it."""
        return f"{self.path}:{self.line}"


@dataclass(slots=True)
class ScanReport:
    """What was skipped: ``bad`` lines, ``unfinished`` last lines, and the first few of both."""

    bad: int = 0
    unfinished: int = 0
    examples: list[Skipped] = field(default_factory=list)

    def note_bad(self, path: Path, line: int, reason: str) -> None:
        """Count a line that is no record."""
        self.bad += 1
        self._example(path, line, reason)

    def note_unfinished(self, path: Path, line: int) -> None:
        """Count a last line without its newline."""
        self.unfinished += 1
        self._example(path, line, "the line is not finished")

    def _example(self, path: Path, line: int, reason: str) -> None:
        if len(self.examples) < EXAMPLES:
            self.examples.append(Skipped(path, line, reason))


def measurements(
    root: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[Measurement]:
    """The measurements of a results folder that started in ``since`` <= t < ``until``.

    They come in the order of the files: by day, then as written. A folder that does not exist
    holds none.
    """
    report = report or ScanReport()
    for day in days(root, MEASUREMENTS, since, until):
        for measurement in day_records(
            root, MEASUREMENTS, day, decode_measurement, report, since=since, until=until
        ):
            if within(measurement.started, since, until):
                yield measurement


def verdicts(
    root: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[Verdict]:
    """The verdicts given in ``since`` <= t < ``until``, likewise."""
    report = report or ScanReport()
    for day in days(root, JUDGED, since, until):
        for verdict in day_records(
            root, JUDGED, day, decode_verdict, report, since=since, until=until
        ):
            if within(verdict.at, since, until):
                yield verdict


def events(
    root: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[Event]:
    """The events of ``since`` <= t < ``until``: by day what is sealed, then as written."""
    report = report or ScanReport()
    look = partial(diary_sources, root, since, until)
    where = during(DIARY.columns.moment, since, until)
    for event in _records(look, DIARY.columns.text, decode_event, report, where):
        if within(event.at, since, until):
            yield event


def day_records(
    root: Path,
    kind: Kind,
    day: str,
    decode: Callable[[bytes], _Record],
    report: ScanReport,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[_Record]:
    """Every record of a day that ``decode`` can read, wherever it lies, as they were written.

    ``decode`` raises BadLineError for the others, which go into the report. ``text`` is SQL for
    the line that it is given of a sealed record, where less than the whole line will do. Sealed
    records that lie outside ``since`` and ``until`` are left out; of the others ``within`` can
    tell.
    """
    where = during(kind.columns.moment, since, until)
    return _records(
        partial(sources, root, kind, day), text or kind.columns.text, decode, report, where
    )


def _records(
    look: Callable[[], Sources],
    text: str,
    decode: Callable[[bytes], _Record],
    report: ScanReport,
    where: str,
) -> Iterator[_Record]:
    return from_files(
        look,
        read=lambda file: lines_in(file, Path(file.name), decode, report),
        unseal=lambda path: sealed_records(path, text, decode, report.note_bad, where),
    )


def from_files(
    look: Callable[[], Sources],
    *,
    read: Callable[[BinaryIO], Iterator[_Record]],
    unseal: Callable[[Path], Iterator[_Record]],
) -> Iterator[_Record]:
    """What two readers, one for files of lines and one for sealed parts, give of what is there."""
    with opened(look) as (sealed, files):
        for path in sealed:
            if path.suffix == ".parquet":
                yield from unseal(path)
                continue
            try:
                rejected = path.open("rb", buffering=_BUFFER)
            except FileNotFoundError:
                continue  # its time was over, between the listing and now
            with rejected:
                yield from read(rejected)
        for file in files:
            yield from read(file)


def lines_in(
    file: BinaryIO,
    path: Path,
    decode: Callable[[bytes], _Record],
    report: ScanReport,
    number: int = 0,
) -> Iterator[_Record]:
    """The same of an open file, or of a part of it behind its first ``number`` lines."""
    for at, line in _numbered(file, path, report, number):
        try:
            record = decode(line)
        except BadLineError as exc:
            report.note_bad(path, at, str(exc))
        else:
            yield record


def lines_of(file: BinaryIO, report: ScanReport) -> Iterator[bytes]:
    """The whole lines of a file that are not too long to be records."""
    return (line for _, line in _numbered(file, Path(file.name), report, 0))


def _numbered(
    file: BinaryIO, path: Path, report: ScanReport, number: int
) -> Iterator[tuple[int, bytes]]:
    while line := file.readline(LINE_LIMIT):
        number += 1
        if line[-1] == NEWLINE:
            yield number, line
        elif len(line) == LINE_LIMIT and _skip_rest(file):
            report.note_bad(path, number, f"longer than {LINE_LIMIT // 1024**2} MiB")
        else:
            report.note_unfinished(path, number)
            return  # its end may be there by now, and is no line of its own


def within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    """Whether ``since`` <= at < ``until``; None leaves that side open."""
    return (since is None or since <= at) and (until is None or at < until)


def _skip_rest(file: BinaryIO) -> bool:
    """Go on behind the end of a line that is too long; False when it has no end."""
    while piece := file.readline(_BUFFER):
        if piece[-1] == NEWLINE:
            return True
    return False
