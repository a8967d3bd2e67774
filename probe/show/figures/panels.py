"""Small multiples: many small plots on the same axes, so that the eye compares them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from probe.show.figures.axis import days, undated
from probe.show.figures.canvas import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS: Final = 3
_HEIGHT: Final = 1.35  # inches


@contextmanager
def panels(number: int, *, alike: bool) -> "Iterator[tuple[Figure, list[Axes]]]":
    """A figure with so many plots, three in a row; what is left of the last row stays empty.

    Where their vertical axes are ``alike``, only the first of a row has words beside it. Whoever
    draws gives them their limits: axes that matplotlib couples take it twice as long.
    """
    down = -(-number // ACROSS)
    across = min(number, ACROSS)
    with canvas(down * _HEIGHT + 0.9) as figure:
        made = figure.subplots(down, across, squeeze=False)
        found = list(made.flat)
        for empty in found[number:]:
            empty.set_axis_off()
        for axes in made[:-1].flat:
            undated(axes)
        # Where the last row is not full, the dates stand under the row above it.
        for axes in found[max(0, number - across) : number]:
            axes.xaxis.set_tick_params(labelbottom=True)
        if alike:
            for axes in made[:, 1:].flat:
                axes.yaxis.set_tick_params(labelleft=False)
        yield figure, found[:number]


def stretches(starts: Sequence[int], step: int) -> Iterator[slice]:
    """The runs of columns without a gap between them: a line is broken where nothing is known."""
    first = 0
    for at in range(1, len(starts) + 1):
        if at == len(starts) or starts[at] - starts[at - 1] > step:
            yield slice(first, at)
            first = at


def curve(
    axes: "Axes",
    starts: Sequence[int],
    values: Sequence[float],
    band: Sequence[tuple[float, float]],
    step: int,
    colours: tuple[str, str],
) -> None:
    """A line with a band around it, as steps over its columns; broken at gaps.

    An axis without limits fits itself to the bands: the lines lie in them.
    """
    from matplotlib.patches import StepPatch

    line, tint = colours
    for run in stretches(starts, step):
        hours = starts[run]
        edges = [days(hour) for hour in (*hours, hours[-1] + step)]
        low = [one[0] for one in band[run]]
        high = [one[1] for one in band[run]]
        axes.fill_between(
            edges, [*low, low[-1]], [*high, high[-1]], step="post", color=tint, linewidth=0
        )
        # Not axes.stairs, which measures every step of it for limits that the band sets anyway.
        steps = StepPatch(
            values[run],
            edges,
            baseline=None,  # type: ignore[arg-type]  # only its documentation knows of None
            edgecolor=line,
            linewidth=1.1,
            fill=False,
        )
        axes.add_artist(steps)
