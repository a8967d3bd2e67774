"""All figures of one comparison: which, in which order, and how many a page can bear."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from probe.show.figures.canvas import Picture
from probe.show.figures.coverage import coverage
from probe.show.figures.latency import durations, speeds
from probe.show.figures.lines import Line
from probe.show.figures.mechanisms import mechanisms
from probe.show.figures.multiples import multiples
from probe.show.figures.rows import Row, telling
from probe.show.figures.scale import Scale
from probe.show.figures.timeline import timelines

SERVICES: Final = 12  # timelines on one page


def pictures(
    rows: Sequence[Row], lines: Sequence[Line], scale: Scale, until: datetime
) -> Iterator[Picture]:
    """Draw them one by one; a figure that nothing is known for is not there."""
    for number, service in enumerate(chosen(rows), 1):
        own = [row for row in rows if row.service == service]
        yield timelines(service, own, scale, until, number)
    for drawn in (
        multiples(rows, scale, until),
        coverage(rows, scale),
        mechanisms(rows),
        durations(lines, rows, scale, until),
        speeds(lines, rows, scale, until),
    ):
        if drawn is not None:
            yield drawn


def chosen(rows: Sequence[Row]) -> list[str]:
    """The services that get a timeline, by name: those that a report speaks of, or that failed."""
    best: dict[str, tuple[bool, float, int]] = {}
    for row in rows:
        best[row.service] = max(best.get(row.service, (False, 0.0, 0)), telling(row))
    return sorted(sorted(best, key=lambda service: best[service], reverse=True)[:SERVICES])
