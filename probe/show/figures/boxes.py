"""Many filled boxes as one shape: quick to draw, and small in a file."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from probe.show.figures.palette import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Look = TypeVar("_Look")

Box = tuple[float, float, float, float]  # left, right, bottom, top


def fill(axes: "Axes", boxes: Iterable[Box], look: Look, edge: str) -> None:
    """Fill these boxes; ``edge`` is the colour of the hatch, they have no outline.

    The axes do not fit themselves to the boxes: they have limits of their own.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    outline = [int(Path.MOVETO), *[int(Path.LINETO)] * 3, int(Path.CLOSEPOLY)]
    corners: list[tuple[float, float]] = []
    codes: list[int] = []
    for left, right, bottom, top in boxes:
        corners += [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
        codes += outline
    if corners:
        axes.add_artist(
            PathPatch(
                Path(corners, codes),
                facecolor=look.colour,
                hatch=look.hatch or None,
                edgecolor=edge,
                linewidth=0,
            )
        )


def runs(columns: Sequence[tuple[int, _Look]], step: int) -> Iterator[tuple[int, int, _Look]]:
    """Neighbouring columns that look the same, as one: where it begins, where it ends, its look.

    A column is its first hour; it is ``step`` hours wide.
    """
    # Within a run, the hour and the place in the list grow alike.
    for (look, _), group in groupby(
        enumerate(columns), key=lambda item: (item[1][1], item[1][0] - item[0] * step)
    ):
        run = [hour for _, (hour, _) in group]
        yield run[0], run[-1] + step, look
