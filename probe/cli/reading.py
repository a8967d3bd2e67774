"""Reads stored verdicts into series, on as many processors as there are where it is much."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from probe.compare.series import Collected, Series
from probe.record.briefs import telling, verdict_bytes, verdict_days
from probe.record.scan import EXAMPLES, ScanReport

_MUCH: Final = 64 * 1024**2  # bytes; what is less is read before a second process has started


def stored_series(
    root: Path, since: datetime | None, until: datetime | None, report: ScanReport
) -> tuple[Series, ...]:
    """The verdicts that were given in ``since`` <= t < ``until``, as series."""
    collected = Collected()
    for part, skipped in _parts(root, verdict_days(root, since, until), since, until):
        collected.merge(part)
        report.bad += skipped.bad
        report.unfinished += skipped.unfinished
        report.examples += skipped.examples[: EXAMPLES - len(report.examples)]
    return collected.series()


_Part = tuple[Collected, ScanReport]


def _parts(
    root: Path, days: Sequence[str], since: datetime | None, until: datetime | None
) -> Iterator[_Part]:
    processors = min(os.cpu_count() or 1, len(days))
    if processors < 2 or sum(verdict_bytes(root, day) for day in days) < _MUCH:
        yield read(root, days, since, until)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Every so-many-th day each, so that a year that grew is shared out evenly. A fresh process:
    # what runs in this one, a progress display say, must not be copied in the middle of its work.
    shares = [days[start::processors] for start in range(processors)]
    with ProcessPoolExecutor(processors, mp_context=get_context("spawn")) as pool:
        yield from pool.map(
            read, [root] * processors, shares, [since] * processors, [until] * processors
        )


def read(root: Path, days: Sequence[str], since: datetime | None, until: datetime | None) -> _Part:
    """Collect the verdicts of some days, in a process of its own or here."""
    collected, report = Collected(), ScanReport()
    for day in days:
        collected.add(telling(root, day, since, until, report))
    return collected, report
