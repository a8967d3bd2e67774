"""Reported windows above a strip of measured outcomes: what a report claims, and from when to when.

A bar is black where the report surely expects failures, open where its dates are uncertain, and
crossed by a line where it expects that things work. Triangles stand where a network that saw what
was claimed saw it begin and end.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from probe.show.figures.axis import days, place, within
from probe.show.figures.palette import INK, MARK
from probe.show.figures.rows import Numbered, Row
from probe.show.figures.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LANES: Final = 5  # above one strip
_LANE: Final = 0.28  # of a strip's height


def height(found: Sequence[Numbered]) -> float:
    """Of a strip, which is 1, with these reports above it."""
    return 1 + _LANE * (len(found) + 0.35) if found else 1.0


def lanes(row: Row, scale: Scale, until: datetime) -> list[Numbered]:
    """The reports above a strip, the shortest lowest; the longest are left out if need be."""
    found = [one for one in row.reports if within(one, scale, until)]
    return sorted(found, key=lambda one: _length(one, until))[:LANES]


def _length(one: Numbered, until: datetime) -> float:
    start, end = one.report.window(until)
    return (end - start).total_seconds()


def draw(axes: "Axes", row: Row, found: Sequence[Numbered], scale: Scale, until: datetime) -> None:
    """Each window as a bar: whole where it surely holds, open at uncertain ends."""
    for lane, one in enumerate(found):
        report = one.report
        fails = report.expects == "fails"
        middle = 1 + _LANE * (lane + 0.85)
        low, high = middle - _LANE * 0.3, middle + _LANE * 0.3
        start, end = (place(at, scale) for at in report.window(until))
        sure = place(report.onset_latest, scale), place(report.end_earliest or until, scale)
        _bar(axes, (low, high), (start, end), "white")
        if sure[0] < sure[1]:
            _bar(axes, (low, high), sure, INK if fails else "white")
        if not fails:
            axes.plot([start, end], [middle, middle], color=INK, linewidth=0.7)
        for edge in (start, end) if lane == 0 or fails else ():
            axes.plot([edge, edge], [0, low], color=INK, linewidth=0.6, linestyle=(0, (1, 2)))
        near_end = end > days(scale.first) + 0.94 * days(scale.last - scale.first)
        axes.annotate(
            f"[{one.number}]",
            (start if near_end else end, middle),
            xytext=(-3 if near_end else 3, 0),
            textcoords="offset points",
            ha="right" if near_end else "left",
            va="center",
            fontsize=7.5,
            clip_on=False,
        )
        _measured(axes, row, one, middle, scale)


def _bar(axes: "Axes", height: tuple[float, float], span: tuple[float, float], colour: str) -> None:
    axes.barh(
        height[0],
        span[1] - span[0],
        left=span[0],
        height=height[1] - height[0],
        align="edge",
        facecolor=colour,
        edgecolor=INK,
        linewidth=0.7,
    )


def _measured(axes: "Axes", row: Row, one: Numbered, middle: float, scale: Scale) -> None:
    """Triangles where it was measured to begin and to end, if this network saw what was claimed."""
    answer = one.answer
    if not saw(row, one):
        return
    for at, marker in ((answer.onset_latest, ">"), (answer.end_earliest, "<")):
        if at and scale.start <= at <= scale.end:
            axes.plot(
                place(at, scale),
                middle,
                marker=marker,
                markersize=5.5,
                markerfacecolor=MARK,
                markeredgecolor="white",
                markeredgewidth=0.7,
                linestyle="none",
                zorder=5,
                clip_on=False,
            )


def handles(rows: Sequence[Row], found: Sequence[Sequence[Numbered]]) -> Iterator[tuple[Any, str]]:
    """What the legend says of the windows that were drawn."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    drawn = [one.report for lane in found for one in lane]
    open_bar = Patch(facecolor="white", edgecolor=INK, linewidth=0.7)
    if any(report.expects == "fails" for report in drawn):
        yield Patch(facecolor=INK, edgecolor=INK, linewidth=0.7), "reported to fail"
    if any(report.expects == "ok" for report in drawn):
        yield (open_bar, Line2D([], [], color=INK, linewidth=0.7)), "reported to work"
    if drawn:
        yield open_bar, "reported, dates uncertain"
    shown = ((row, one) for row, lane in zip(rows, found, strict=True) for one in lane)
    if any(saw(row, one) and one.answer.onset_latest for row, one in shown):
        mark = Line2D([], [], marker=">", linestyle="none", color=MARK)
        yield mark, "measured onset (▷) and end (◁)"


def saw(row: Row, one: Numbered) -> bool:
    """Whether this row's network saw what the report claims."""
    return "as claimed" in one.answer.networks.get(str(row.place), "")
