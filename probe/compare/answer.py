"""What the data says about one reported disruption.

So far only ``no_coverage`` and ``inconclusive`` are given: verdicts that no control stands behind,
counted without statistics, can neither support nor contradict a report.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor
from typing import Final, Literal

from probe.compare.reports import Report
from probe.compare.series import FAILING, WORKING, Series, matches, unplaced
from probe.compare.share import Share, share
from probe.compare.wording import sentence

Word = Literal["supported", "contradicted", "partly", "no_coverage", "inconclusive"]

_HOUR: Final = 3600
_LEAST: Final = timedelta(days=1)
_MOST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the data says about one report; ``docs/reports.md`` tells how each part is found.

    ``coverage`` and the shares lie between 0 and 1. ``onset`` and ``end`` are the measured ones.
    What is not known, or not yet worked out, is null.
    """

    report: str
    answer: Word
    coverage: float
    vantages: tuple[str, ...]
    before: Share
    during: Share
    after: Share
    effect: float | None
    p: float | None
    onset_earliest: datetime | None
    onset_latest: datetime | None
    end_earliest: datetime | None
    end_latest: datetime | None
    lag: float | None
    mechanisms: dict[str, int]
    sentence: str


def answer(report: Report, series: Sequence[Series], *, until: datetime) -> Answer:
    """Hold one report against all series.

    ``until`` closes the window of a report that has no end: now, or where the data was cut off.
    """
    matched = [one for one in series if matches(report, one)]
    start, end = window = report.window(until)
    beside = min(max(end - start, _LEAST), _MOST)
    before = _share(matched, start - beside, start)
    during = _share(matched, start, end)
    after = _share(matched, end, end + beside) if report.end_latest else share(0, 0)
    mechanisms = sum((one.failures(start, end) for one in matched), Counter[str]())
    return Answer(
        report=report.id,
        answer="inconclusive" if during.cycles else "no_coverage",
        coverage=_coverage(matched, start, end),
        vantages=tuple(sorted({one.vantage.id for one in matched})),
        before=before,
        during=during,
        after=after,
        effect=_effect(before.share, during.share),
        p=None,
        onset_earliest=None,
        onset_latest=None,
        end_earliest=None,
        end_latest=None,
        lag=None,
        mechanisms=dict(mechanisms.most_common()),
        sentence=sentence(
            report,
            matched,
            [one for one in series if unplaced(report, one)],
            window=window,
            before=before,
            during=during,
            after=after,
        ),
    )


def _share(series: Sequence[Series], start: datetime, end: datetime) -> Share:
    failed = sum(one.count(FAILING, start, end) for one in series)
    working = sum(one.count(WORKING, start, end) for one in series)
    return share(failed, failed + working)


def _effect(before: float | None, during: float | None) -> float | None:
    return None if before is None or during is None else during - before


def _coverage(series: Sequence[Series], start: datetime, end: datetime) -> float:
    """The share of the window's whole UTC hours in which any series concluded something.

    A window too short to hold a whole hour is taken by the hours that it touches.
    """
    if start >= end:
        return 0.0
    first, last = ceil(start.timestamp() / _HOUR), floor(end.timestamp() / _HOUR)
    if first >= last:
        first, last = floor(start.timestamp() / _HOUR), ceil(end.timestamp() / _HOUR)
    covered: set[int] = set()
    for one in series:
        covered |= one.hours(start, end)
    return sum(first <= hour < last for hour in covered) / (last - first)
