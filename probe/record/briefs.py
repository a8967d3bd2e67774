"""Reads of each verdict of a day only what a comparison needs."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from probe.record.brief import Brief, decoder
from probe.record.brief_rows import brief_rows
from probe.record.parts import JUDGED, days, sources
from probe.record.scan import ScanReport, from_files, lines_in, within
from probe.record.sealed import during


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
    report = report or ScanReport()
    found = from_files(
        partial(sources, root, JUDGED, day),
        read=lambda file: lines_in(file, Path(file.name), decoder(), report),
        unseal=partial(
            brief_rows,
            where=during(JUDGED.columns.moment, since, until),
            bad=report.note_bad,
        ),
    )
    return (brief for brief in found if within(brief.at, since, until))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
