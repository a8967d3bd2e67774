"""Reads results back as one history, record by record, whatever state the files are in.

Memory stays bounded by the longest line. A line that is no record is counted and skipped. A last
line without its newline is a writer at work, or what a crash left: counted apart, and skipped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from probe.core.model import Event, Measurement, Verdict
from probe.core.times import rfc3339, utc_day
from probe.record.codec import BadLineError, decode_event, decode_measurement, decode_verdict
from probe.record.journal import EVENTS, VERDICTS

LINE_LIMIT: Final = 16 * 1024**2  # bytes
EXAMPLES: Final = 10
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
    for path in day_files(root, since, until):
        for measurement in records(path, decode_measurement, report):
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
    for path in day_files(root / VERDICTS, since, until):
        for verdict in records(path, decode_verdict, report):
            if within(verdict.at, since, until):
                yield verdict


def events(
    root: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[Event]:
    """The events of ``since`` <= t < ``until``, in the order in which they were written."""
    for event in records(root / EVENTS, decode_event, report or ScanReport()):
        if within(event.at, since, until):
            yield event


def day_files(
    folder: Path, since: datetime | None = None, until: datetime | None = None
) -> list[Path]:
    """The folder's day files that can hold records of ``since`` <= t < ``until``, in order."""
    if not folder.is_dir():
        return []
    first = utc_day(since) if since else ""
    end = rfc3339(until) if until else "~"  # behind every digit
    return sorted(
        path
        for path in folder.glob("????-??-??.jsonl")
        if _is_day(path.stem) and first <= path.stem and f"{path.stem}T00:00:00.000000Z" < end
    )


def records(
    path: Path, decode: Callable[[bytes], _Record], report: ScanReport
) -> Iterator[_Record]:
    """Every line of one file that ``decode`` can read; a missing file has none.

    ``decode`` raises BadLineError for the others, which go into the report.
    """
    try:
        file = path.open("rb", buffering=_BUFFER)
    except FileNotFoundError:
        return
    with file:
        number = 0
        while line := file.readline(LINE_LIMIT):
            number += 1
            if line[-1] != 0x0A and not (len(line) == LINE_LIMIT and _skip_rest(file)):
                report.note_unfinished(path, number)
                return  # its end may be there by now, and is no line of its own
            if line[-1] != 0x0A:
                report.note_bad(path, number, f"longer than {LINE_LIMIT // 1024**2} MiB")
            else:
                try:
                    record = decode(line)
                except BadLineError as exc:
                    report.note_bad(path, number, str(exc))
                else:
                    yield record


def within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    """Whether ``since`` <= at < ``until``; None leaves that side open."""
    return (since is None or since <= at) and (until is None or at < until)


def _skip_rest(file: BinaryIO) -> bool:
    """Go on behind the end of a line that is too long; False when it has no end."""
    while piece := file.readline(_BUFFER):
        if piece[-1] == 0x0A:
            return True
    return False


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
