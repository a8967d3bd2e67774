"""All figures of one comparison: which, in which order, and how many a page can bear."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from probe.show.figures.coverage import coverage
from probe.show.figures.latency import durations, speeds
from probe.show.figures.lines import Line
from probe.show.figures.mechanisms import mechanisms
from probe.show.figures.multiples import multiples
from probe.show.figures.painters import Draft
from probe.show.figures.rows import Row, telling
from probe.show.figures.scale import Scale
from probe.show.figures.timeline import timelines

SERVICES: Final = 12  # timelines on one page


def drafts(
    rows: Sequence[Row], lines: Sequence[Line], scale: Scale, until: datetime
) -> list[Draft]:
    """All figures, none of which is drawn yet."""
    return [
        *(
            partial(timelines, service, _of(service, rows), scale, until, number)
            for number, service in enumerate(chosen(rows), 1)
        ),
        partial(multiples, rows, scale, until),
        partial(coverage, rows, scale),
        partial(mechanisms, rows),
        partial(durations, lines, rows, scale, until),
        partial(speeds, lines, rows, scale, until),
    ]


def _of(service: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.service == service]


def chosen(rows: Sequence[Row]) -> list[str]:
    """The services that get a timeline, by name: those that a report speaks of, or that failed."""
    best: dict[str, tuple[bool, float, int]] = {}
    for row in rows:
        best[row.service] = max(best.get(row.service, (False, 0.0, 0)), telling(row))
    return sorted(sorted(best, key=lambda service: best[service], reverse=True)[:SERVICES])
