"""The time axis of a figure: UTC, with few marks, and the reported windows upon it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from probe.show.figures.palette import INK, RULE, WINDOW
from probe.show.figures.rows import Numbered
from probe.show.figures.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAY: Final = 24  # hours; matplotlib counts time in days since 1970
_SECONDS: Final = 86400


def days(hour: float) -> float:
    """A UTC hour counted from 1970, as matplotlib places it."""
    return hour / _DAY


def place(at: datetime, scale: Scale) -> float:
    """A moment likewise, moved to the nearer end where it lies beyond the axis."""
    return min(max(at.timestamp() / _SECONDS, days(scale.first)), days(scale.last))


def time_axis(axes: "Axes", scale: Scale, marks: int = 8) -> None:
    """Let the horizontal axis be this scale, with dates below it."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    places, dates, common = _dates(scale, marks)
    formatter = FixedFormatter(dates)
    formatter.set_offset_string(common)
    axes.set_xlim(days(scale.first), days(scale.last))
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(formatter)


def undated(axes: "Axes") -> None:
    """Leave the dates away: they stand below another plot of the same column."""
    axes.xaxis.set_tick_params(labelbottom=False)
    axes.xaxis.offsetText.set_visible(False)


@lru_cache(maxsize=8)
def _dates(scale: Scale, marks: int) -> tuple[list[float], list[str], str]:
    """The marks, the date at each, and what all dates have in common.

    Looked for once: matplotlib looks at every axis some ten times until a figure is drawn.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    # All of this is without types in matplotlib.
    locator: Any = AutoDateLocator(  # type: ignore[no-untyped-call]
        tz=UTC, minticks=marks // 2, maxticks=marks
    )
    # Its last word names the year, and the month only where no mark does.
    months = {(at.year, at.month) for at in (scale.start, scale.end)}
    offsets = ["", "%Y", "%Y", "%Y-%b-%d", "%Y-%b-%d", "%Y-%b-%d %H:%M"]
    formatter: Any = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, tz=UTC, offset_formats=offsets if len(months) > 1 else None
    )
    places = locator.tick_values(scale.start, scale.end)
    return list(places), formatter.format_ticks(places), formatter.get_offset()


def within(one: Numbered, scale: Scale, until: datetime) -> bool:
    """Whether any part of the reported window lies on the axis."""
    start, end = one.report.window(until)
    return start < end and start < scale.end and end > scale.start


def shade(axes: "Axes", reports: Iterable[Numbered], scale: Scale, until: datetime) -> None:
    """Lay the windows of reports that expect failures behind what is drawn: tinted and edged."""
    spans = sorted(
        (place(start, scale), place(end, scale))
        for one in reports
        if one.report.expects == "fails" and within(one, scale, until)
        for start, end in (one.report.window(until),)
    )
    for start, end in _joined(spans):
        axes.axvspan(start, end, facecolor=WINDOW, alpha=0.28, edgecolor="none", zorder=0)
    for edge in sorted({edge for span in spans for edge in span}):
        axes.axvline(edge, color=INK, linewidth=0.5, linestyle=(0, (1, 2)), zorder=1)


def _joined(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Spans, in order of their beginnings, that do not overlap: a tint laid twice is darker."""
    last: tuple[float, float] | None = None
    for start, end in spans:
        if last and start <= last[1]:
            last = last[0], max(last[1], end)
        else:
            if last:
                yield last
            last = start, end
    if last:
        yield last


def grid(axes: "Axes") -> None:
    """Thin lines at the marks of the vertical axis, behind everything."""
    axes.grid(axis="y", color=RULE, linewidth=0.4)
    axes.set_axisbelow(True)
