"""Reads of each verdict only what a comparison needs, many at a time.

A year of many targets is tens of millions of verdicts, and most of their lines are identifiers:
this is ten times as quick as reading all of each, one by one.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import repeat
from os import SEEK_CUR
from pathlib import Path
from typing import BinaryIO, Final

from probe.core.model import Vantage
from probe.record.brief import Brief, at_once, decoder
from probe.record.brief_rows import brief_rows
from probe.record.parts import JUDGED, days, sources
from probe.record.scan import NEWLINE, ScanReport, day_records, lines_in, within
from probe.record.sealed import during
from probe.record.spoken import Spoken

_AT_ONCE: Final = 128  # lines
_LONG: Final = 512 * 1024  # bytes of a line that is read by itself, so that memory stays bounded


def verdict_days(root: Path, since: datetime | None, until: datetime | None) -> list[str]:
    """The days of a results folder that can hold verdicts of ``since`` <= t < ``until``."""
    return days(root, JUDGED, since, until)


def verdict_bytes(root: Path, day: str) -> int:
    """What the verdicts of a day take on disk; sealed, it is a tenth of the lines."""
    found = sources(root, JUDGED, day)
    open_files = [*found.taken, *([found.open] if found.open else [])]
    return sum(_size(path) for path in open_files) + 10 * sum(map(_size, found.sealed))


def briefs(
    root: Path,
    day: str,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[Brief]:
    """The verdicts of one day that were given in ``since`` <= t < ``until``, as written.

    Verdicts of one vantage share one object in each file. A line that is none goes into the report.
    """
    return _all(root, day, since, until, report or ScanReport(), telling=False)


def telling(
    root: Path, day: str, since: datetime | None, until: datetime | None, report: ScanReport
) -> Iterator[Brief]:
    """The same, but for most of those on targets whose feature has a verdict of its own.

    Those are most lines of most files, and count for nothing where the feature speaks for itself.
    """
    return _all(root, day, since, until, report, telling=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _all(
    root: Path,
    day: str,
    since: datetime | None,
    until: datetime | None,
    report: ScanReport,
    *,
    telling: bool,
) -> Iterator[Brief]:
    vantages: dict[bytes, Vantage] = {}
    decode = decoder(vantages)
    spoken = Spoken(since, until) if telling else None
    where = during(JUDGED.columns.moment, since, until)
    found = day_records(
        root,
        JUDGED,
        day,
        decode,
        report,
        read=partial(_many, decode=decode, vantages=vantages, spoken=spoken, report=report),
        unseal=partial(brief_rows, where=where, bad=report.note_bad, telling=telling),
    )
    if since is None and until is None:
        return found
    return (brief for brief in found if within(brief.at, since, until))


def _many(
    file: BinaryIO,
    decode: Callable[[bytes], Brief],
    vantages: dict[bytes, Vantage],
    spoken: Spoken | None,
    report: ScanReport,
) -> Iterator[Brief]:
    """Many lines at a time; where anything is wrong with some, they are read one by one."""
    path, number = Path(file.name), 0
    while texts := _lines(file):
        if texts[-1][-1] != NEWLINE or max(map(len, texts)) == _LONG:  # unfinished, or too long
            file.seek(-sum(map(len, texts)), SEEK_CUR)
            yield from lines_in(file, path, decode, report, number)
            return
        wanted = spoken.without(texts) if spoken else texts
        found = at_once(wanted, vantages)
        if found is None:
            yield from lines_in(BytesIO(b"".join(texts)), path, decode, report, number)
        else:
            if spoken:
                spoken.learn(found, wanted)
            yield from found
        number += len(texts)


def _lines(file: BinaryIO) -> list[bytes]:
    """The next lines, with their ends; to read a block and split it takes three times as long."""
    texts = list(map(file.readline, repeat(_LONG, _AT_ONCE)))
    return texts if texts[-1] else [text for text in texts if text]
