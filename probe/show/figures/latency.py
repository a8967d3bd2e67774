"""How long measurements took, and how fast data came, target by target."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final

from probe.show.figures.axis import grid, shade, time_axis
from probe.show.figures.canvas import TOP, Picture, label
from probe.show.figures.lines import Line, Point
from probe.show.figures.multiples import NAME
from probe.show.figures.palette import BAND, LINE
from probe.show.figures.panels import curve, panels
from probe.show.figures.rows import Row
from probe.show.figures.scale import Scale

PANELS: Final = 18


@dataclass(frozen=True, slots=True)
class _Quantity:
    """What is plotted: ``points`` takes it from a line, ``note`` says which values count."""

    name: str
    title: str
    heading: str
    unit: str
    note: str
    points: Callable[[Line], tuple[Point, ...]]
    band: Callable[[Point], tuple[float, float]]


_DURATION: Final = _Quantity(
    "latency",
    "How long successful measurements took",
    "Duration in ms: median (line) to 90th percentile (band)",
    "ms",
    "band: up to the 90th percentile. Only measurements that succeeded have a duration: failures "
    "are in the timelines. Where the line is broken, none succeeded.",
    attrgetter("total"),
    attrgetter("median", "high"),
)
_SPEED: Final = _Quantity(
    "throughput",
    "How fast data came",
    "Throughput in kB/s: median (line), 10th to 90th percentile (band)",
    "kB/s",
    "band: from the 10th to the 90th percentile. Transfers that were too short to have a speed are "
    "not counted. Where the line is broken, there was none.",
    attrgetter("speed"),
    attrgetter("low", "high"),
)


def durations(
    lines: Sequence[Line], given: Sequence[Row], scale: Scale, until: datetime
) -> Picture | None:
    """The whole duration of what succeeded, in milliseconds; None where nothing did."""
    return _picture(_DURATION, lines, given, scale, until)


def speeds(
    lines: Sequence[Line], given: Sequence[Row], scale: Scale, until: datetime
) -> Picture | None:
    """The throughput of transfers, in kB per second; None where there was none."""
    return _picture(_SPEED, lines, given, scale, until)


def _picture(
    what: _Quantity, lines: Sequence[Line], given: Sequence[Row], scale: Scale, until: datetime
) -> Picture | None:
    known = [line for line in lines if what.points(line)]
    reports = {(row.place, row.service, row.feature): row.reports for row in given}

    def telling(line: Line) -> tuple[bool, int]:
        return bool(reports.get((line.place, line.service, line.feature))), line.values

    kept = sorted(known, key=telling, reverse=True)[:PANELS]
    shown = [line for line in known if line in kept]
    if not shown:
        return None
    with panels(len(shown), alike=False) as (figure, plots):
        for axes, line in zip(plots, shown, strict=True):
            points = what.points(line)
            curve(
                axes,
                [point.start for point in points],
                [point.median for point in points],
                [what.band(point) for point in points],
                scale.step,
                (LINE, BAND),
            )
            axes.set_ylim(bottom=0)
            axes.ticklabel_format(axis="y", style="plain")  # no power of ten where the title is
            shade(axes, reports.get((line.place, line.service, line.feature), ()), scale, until)
            grid(axes)
            time_axis(axes, scale, 4)
            names = label(line.target, NAME), label(str(line.place), NAME)
            axes.set_title("\n".join(names), loc="left", fontsize=8, y=TOP)
        figure.suptitle(what.heading, x=0.008, ha="left", fontsize=11, weight="bold")
    told = "; ".join(_told(line, what) for line in shown)
    return Picture(
        name=what.name,
        title=what.title,
        alt=f"Small plots over time. {what.heading}. {told}.",
        notes=tuple(_notes(what, len(shown), len(known), scale)),
        figure=figure,
    )


def _told(line: Line, what: _Quantity) -> str:
    points = what.points(line)
    middle = sorted(point.median for point in points)[len(points) // 2]
    return f"{line.target} at {line.place}: usually {middle:,.0f} {what.unit}"


def _notes(what: _Quantity, shown: int, known: int, scale: Scale) -> Iterator[str]:
    yield (
        f"Line: median of {scale.width}; {what.note} Each plot has a scale of its own. Values are "
        "exact to 2 %. Tinted and dotted: reported to fail."
    )
    if shown < known:
        yield f"Left out: {known - shown} of {known} targets."
