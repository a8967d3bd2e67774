"""All reports held against all series: the whole answer of one run of the program."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from probe.compare.answer import Answer, answers
from probe.compare.cells import Each, cells
from probe.compare.reports import Report
from probe.compare.series import Series
from probe.compare.unreported import Unreported, unreported


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was reported and what was seen; each answer stands where its report stands."""

    reports: tuple[Report, ...]
    answers: tuple[Answer, ...]
    unreported: tuple[Unreported, ...]
    series: tuple[Series, ...]
    until: datetime


def compare(
    reports: Iterable[Report],
    series: Sequence[Series],
    *,
    until: datetime,
    each: Each = map,
) -> Comparison:
    """Hold every report against every series, and look for what nobody reported.

    ``until`` closes the window of a report that has no end: now, or where the data was cut off.
    ``each`` is ``map``, or the same on several processors.
    """
    held, measured = tuple(reports), cells(series, each)
    return Comparison(
        reports=held,
        answers=answers(held, measured, until=until),
        unreported=unreported(measured, held, until=until),
        series=tuple(series),
        until=until,
    )
