"""Small multiples of the share of failures, with its interval, for every feature and network."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from probe.show.figures.axis import grid, shade, time_axis
from probe.show.figures.canvas import TOP, Picture, label
from probe.show.figures.palette import BAND, LINE
from probe.show.figures.panels import curve, panels
from probe.show.figures.rows import Row, telling
from probe.show.figures.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS: Final = 24
NAME: Final = 40  # characters that fit over a panel


def multiples(given: Sequence[Row], scale: Scale, until: datetime) -> Picture | None:
    """The share of failures over time, of the rows that tell most; None if nothing is known."""
    concluded = [row for row in given if row.cycles]
    kept = sorted(concluded, key=telling, reverse=True)[:PANELS]
    shown = [row for row in concluded if row in kept]
    if not shown:
        return None
    with panels(len(shown), alike=True) as (figure, plots):
        for axes, row in zip(plots, shown, strict=True):
            _panel(axes, row, scale)
            shade(axes, row.reports, scale, until)
            grid(axes)
            time_axis(axes, scale, 4)
            names = label(f"{row.service} {row.feature}", NAME), label(str(row.place), NAME)
            axes.set_title("\n".join(names), loc="left", fontsize=8, y=TOP)
        figure.suptitle("Share of failures", x=0.008, ha="left", fontsize=11, weight="bold")
    return Picture(
        name="failures",
        title="Share of failures over time",
        alt=f"Small plots of the share of failed cycles over time. {'; '.join(map(_told, shown))}.",
        notes=tuple(_notes(given, concluded, shown, scale)),
        figure=figure,
    )


def _panel(axes: "Axes", row: Row, scale: Scale) -> None:
    known = [(one.start, one.share) for one in row.bins if one.cycles]
    curve(
        axes,
        [start for start, _ in known],
        [share.share or 0.0 for _, share in known],
        [(share.low or 0.0, share.high or 0.0) for _, share in known],
        scale.step,
        (LINE, BAND),
    )
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])


def _told(row: Row) -> str:
    return f"{row.name}: {row.failed:,} of {row.cycles:,} cycles failed"


def _notes(
    given: Sequence[Row], concluded: Sequence[Row], shown: Sequence[Row], scale: Scale
) -> Iterator[str]:
    yield (
        f"Line: share of failures among the cycles of {scale.width}; band: its 95 % interval, "
        "which takes cycles for independent and is therefore too narrow. Where the line is "
        "broken, nothing was concluded. Tinted and dotted: reported to fail."
    )
    if len(given) > len(concluded):
        yield f"Without any conclusion, and so without a plot: {len(given) - len(concluded)} rows."
    if len(concluded) > len(shown):
        yield (
            f"Left out: {len(concluded) - len(shown)} of {len(concluded)} rows; shown are those "
            "that a report speaks of, then those that failed most."
        )
