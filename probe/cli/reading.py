"""Reads stored verdicts into series, on as many processors as there are where it is much."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from probe.compare.series import Collected, Series
from probe.record.briefs import telling, verdict_bytes, verdict_days
from probe.record.scan import EXAMPLES, ScanReport

_MUCH: Final = 64 * 1024**2  # bytes; what is less is read before a second process has started


# ``map``, or the same on several processors.
Each = Callable[..., Iterator[Any]]


@contextmanager
def side_by_side(root: Path, since: datetime | None, until: datetime | None) -> Iterator[Each]:
    """How to work on the verdicts of this time: on as many processors as there are, if they are
    many, else here."""
    processors = os.cpu_count() or 1
    days = verdict_days(root, since, until)
    if processors < 2 or sum(verdict_bytes(root, day) for day in days) < _MUCH:
        yield map
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Fresh processes: what runs in this one, a progress display say, must not be copied in the
    # middle of its work.
    with ProcessPoolExecutor(processors, mp_context=get_context("spawn")) as pool:
        yield pool.map


def stored_series(
    root: Path, since: datetime | None, until: datetime | None, report: ScanReport, each: Each
) -> tuple[Series, ...]:
    """The verdicts that were given in ``since`` <= t < ``until``, as series."""
    days = verdict_days(root, since, until)
    # Every so-many-th day each, so that a year that grew is shared out evenly.
    number = 1 if each is map else min(os.cpu_count() or 1, max(len(days), 1))
    shares = [days[start::number] for start in range(number)]
    collected = Collected()
    for part, skipped in each(read, *zip(*((root, s, since, until) for s in shares), strict=True)):
        collected.merge(part)
        report.bad += skipped.bad
        report.unfinished += skipped.unfinished
        report.examples += skipped.examples[: EXAMPLES - len(report.examples)]
    return collected.series()


def read(
    root: Path, days: Sequence[str], since: datetime | None, until: datetime | None
) -> tuple[Collected, ScanReport]:
    """Collect the verdicts of some days, in a process of its own or here."""
    collected, report = Collected(), ScanReport()
    for day in days:
        collected.add(telling(root, day, since, until, report))
    return collected, report
