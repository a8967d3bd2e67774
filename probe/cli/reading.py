"""Reads stored verdicts into series, on as many processors as there are where it is much."""

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

from probe.compare.collect import Collected
from probe.compare.series import Series
from probe.record.briefs import verdict_bytes, verdict_days
from probe.record.scan import EXAMPLES, ScanReport
from probe.record.telling import telling

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
    number = 1 if each is map else os.cpu_count() or 1
    shares = _shares(days, [verdict_bytes(root, day) for day in days], number)
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
        for one in telling(root, day, since, until, report):
            collected.take(
                one.vantage,
                one.service,
                one.feature,
                one.outcome,
                one.mechanism,
                one.times,
                own=one.own,
            )
    collected.settle()
    return collected, report


def _shares(days: Sequence[str], sizes: Sequence[int], number: int) -> list[Sequence[str]]:
    """The days in so many pieces of about one size, in order, so that what is read of them needs
    no sorting when it is put together."""
    total, before = sum(sizes) or 1, list(accumulate(sizes, initial=0))
    first = [bisect_left(before, total * share / number) for share in range(number)]
    return [days[start:end] for start, end in pairwise([*first, len(days)])]
