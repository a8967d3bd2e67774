"""Coverage: when anything was concluded at all, shown as openly as failures."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from probe.show.figures.axis import days, time_axis
from probe.show.figures.boxes import Box, fill, runs
from probe.show.figures.canvas import Picture, canvas, label, legend
from probe.show.figures.palette import GAP, INK, QUIET, RULE, Look
from probe.show.figures.rows import Bin, Row, telling
from probe.show.figures.scale import Scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS: Final = 40
# Up to which share of a column's hours, and how that looks: darker is more, also in grey.
_SHADES: Final = (
    (0.25, Look("#d7e3ee"), "up to 25 %"),
    (0.5, Look("#a6c1d9"), "up to 50 %"),
    (0.75, Look("#6d97bd"), "up to 75 %"),
    (0.999, Look("#3a6f9f"), "up to 100 %"),
    (1.0, Look("#123f6b"), "all of it"),
)


def coverage(given: Sequence[Row], scale: Scale) -> Picture | None:
    """A bar per row, filled where hours were covered; None where there is no row."""
    kept = sorted(given, key=telling, reverse=True)[:ROWS]
    shown = [row for row in given if row in kept]
    if not shown:
        return None
    with canvas(0.28 * len(shown) + 1.4) as figure:
        axes = figure.subplots()
        boxes: dict[Look, list[Box]] = {}
        for at, row in enumerate(shown):
            for start, end, look in runs([(one.start, _look(row, one, scale)) for one in row.bins],
                                         scale.step):  # fmt: skip
                box = days(start), days(end), at - 0.36, at + 0.36
                boxes.setdefault(look, []).append(box)
            axes.plot(
                [days(scale.first), days(scale.last)], [at, at], color=RULE, linewidth=0.5, zorder=0
            )
        for look, found in boxes.items():
            fill(axes, found, look, QUIET)
        time_axis(axes, scale, 12)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_yticks(range(len(shown)), [label(row.name) for row in shown])
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        for at, row in enumerate(shown):
            axes.text(1.01, at, _percent(row), va="center", fontsize=8,
                      transform=axes.get_yaxis_transform())  # fmt: skip
        figure.suptitle("Coverage", x=0.008, ha="left", fontsize=11, weight="bold")
        _legend(figure)
    return Picture(
        name="coverage",
        title="When anything was concluded at all",
        alt="Bars of the time in which something was concluded. "
        + "; ".join(f"{row.name}: {_percent(row)} of the time" for row in shown)
        + ".",
        notes=tuple(_notes(given, shown, scale)),
        figure=figure,
    )


def _look(row: Row, one: Bin, scale: Scale) -> Look:
    if not one.covered:
        return GAP
    share = min(one.covered * row.pace / scale.step, 1.0)
    return next(look for most, look, _ in _SHADES if share <= most)


def _percent(row: Row) -> str:
    share = row.coverage
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries = [
        (Patch(facecolor=look.colour, edgecolor=INK, linewidth=0.4), name)
        for _, look, name in _SHADES
    ]
    gap = Patch(facecolor=GAP.colour, hatch=GAP.hatch, edgecolor=QUIET)
    line = Line2D([], [], color=RULE, linewidth=0.8)
    legend(figure, [*entries, (gap, "nothing concluded"), (line, "nothing measured")], across=4)


def _notes(given: Sequence[Row], shown: Sequence[Row], scale: Scale) -> Iterator[str]:
    yield (
        f"Shade: how much of {scale.width} is covered by cycles that concluded something. A cycle "
        "covers its hour or, where cycles come less often, one and a half times their usual "
        "distance. At the right: the same for the whole time shown."
    )
    if len(shown) < len(given):
        yield f"Left out: {len(given) - len(shown)} of {len(given)} rows."
