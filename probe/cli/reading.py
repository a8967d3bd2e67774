"""Reads stored verdicts into series, on as many processors as there are where it is much."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from probe.compare.series import Collected, Series
from probe.record.brief import briefs, verdict_files
from probe.record.scan import EXAMPLES, ScanReport

_MUCH: Final = 64 * 1024**2  # bytes; what is less is read before a second process has started


def stored_series(
    root: Path, since: datetime | None, until: datetime | None, report: ScanReport
) -> tuple[Series, ...]:
    """The verdicts that were given in ``since`` <= t < ``until``, as series."""
    collected = Collected()
    for part, skipped in _parts(verdict_files(root, since, until), since, until):
        collected.merge(part)
        report.bad += skipped.bad
        report.unfinished += skipped.unfinished
        report.examples += skipped.examples[: EXAMPLES - len(report.examples)]
    return collected.series()


_Part = tuple[Collected, ScanReport]


def _parts(
    files: Sequence[Path], since: datetime | None, until: datetime | None
) -> Iterator[_Part]:
    processors = min(os.cpu_count() or 1, len(files))
    if processors < 2 or sum(path.stat().st_size for path in files) < _MUCH:
        yield read(files, since, until)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Every so-many-th day each, so that a year that grew is shared out evenly. A fresh process:
    # what runs in this one, a progress display say, must not be copied in the middle of its work.
    shares = [files[start::processors] for start in range(processors)]
    with ProcessPoolExecutor(processors, mp_context=get_context("spawn")) as pool:
        yield from pool.map(read, shares, [since] * processors, [until] * processors)


def read(files: Sequence[Path], since: datetime | None, until: datetime | None) -> _Part:
    """Collect the verdicts of some files, in a process of its own or here."""
    collected, report = Collected(), ScanReport()
    for path in files:
        collected.add(briefs(path, since, until, report))
    return collected, report
