"""By which mechanisms it failed: shares among the failures of each feature and network."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from probe.show.figures.boxes import fill
from probe.show.figures.canvas import Picture, canvas, label, legend
from probe.show.figures.palette import INK, OTHER, PARTS, UNNAMED, Look
from probe.show.figures.rows import Row, telling

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS: Final = 24
_OTHERS: Final = "other mechanisms"
_NONE: Final = "no mechanism given"


def mechanisms(given: Sequence[Row]) -> Picture | None:
    """One bar per row that failed at all, with the number of its failures; None if none did."""
    failing = [row for row in given if row.failed]
    kept = sorted(failing, key=telling, reverse=True)[:ROWS]
    shown = [row for row in failing if row in kept]
    if not shown:
        return None
    total: Counter[str] = Counter()
    for row in shown:
        total.update(row.mechanisms)
    # By name, not by rank: whoever compares two pages meets the same order.
    named = sorted(name for name, _ in total.most_common(len(PARTS)))
    looks = {**dict(zip(named, PARTS, strict=False)), _OTHERS: OTHER, _NONE: UNNAMED}
    parts = [_parts(row, named) for row in shown]
    with canvas(0.36 * len(shown) + 1.4) as figure:
        axes = figure.subplots()
        for name, look in looks.items():
            boxes = []
            for at, shares in enumerate(parts):
                left = sum(share for other, share in shares if _before(other, name, looks))
                width = dict(shares)[name]
                if width:
                    boxes.append((left, left + width, at - 0.34, at + 0.34))
            fill(axes, boxes, look, INK)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_yticks(range(len(shown)), [label(row.name) for row in shown])
        for at, row in enumerate(shown):
            axes.text(1.01, at, f"{row.failed:,}", va="center", fontsize=8)
        axes.text(1.01, -0.62, "failures", va="bottom", fontsize=8)
        figure.suptitle("Mechanisms, among failures", x=0.008, ha="left", fontsize=11,
                        weight="bold")  # fmt: skip
        _legend(figure, looks, parts)
    return Picture(
        name="mechanisms",
        title="By which mechanism it failed",
        alt=f"Bars of the mechanisms among failures. {'; '.join(map(_told, shown))}.",
        notes=tuple(_notes(failing, shown)),
        figure=figure,
    )


def _parts(row: Row, named: Sequence[str]) -> list[tuple[str, float]]:
    known = sum(row.mechanisms.values())
    listed = sum(row.mechanisms.get(name, 0) for name in named)
    numbers = [(name, row.mechanisms.get(name, 0)) for name in named]
    numbers += [(_OTHERS, known - listed), (_NONE, max(row.failed - known, 0))]
    total = sum(number for _, number in numbers)
    return [(name, number / total) for name, number in numbers]


def _before(name: str, other: str, looks: dict[str, Look]) -> bool:
    order = list(looks)
    return order.index(name) < order.index(other)


def _legend(
    figure: "Figure", looks: dict[str, Look], parts: Sequence[Sequence[tuple[str, float]]]
) -> None:
    from matplotlib.patches import Patch

    seen = {name for shares in parts for name, share in shares if share}
    entries = [
        (
            Patch(facecolor=look.colour, hatch=look.hatch or None, edgecolor=INK, linewidth=0.4),
            name,
        )
        for name, look in looks.items()
        if name in seen
    ]
    legend(figure, entries, across=4)


def _told(row: Row) -> str:
    counts = [f"{name} {count:,}" for name, count in list(row.mechanisms.items())[:3]]
    return f"{row.name}: {row.failed:,} failures, {', '.join(counts) or 'no mechanism given'}"


def _notes(failing: Sequence[Row], shown: Sequence[Row]) -> Iterator[str]:
    yield (
        "Each bar is all failures of that row in the whole time shown, everyday ones included. A "
        "long bar part is a large share, not a large number: the number stands at the right."
    )
    if len(shown) < len(failing):
        yield f"Left out: {len(failing) - len(shown)} of {len(failing)} rows with failures."
