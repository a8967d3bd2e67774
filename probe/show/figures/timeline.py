"""Timelines: what was measured, column by column, under what was reported.

Each row is a feature at a vantage network. Its strip is filled from below with the outcomes that
failed, then with what worked; a column in which nothing was concluded is never filled. Above the
strip lie the reported windows that bear on it, and what was measured as onset and end.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from probe.core.model import Outcome
from probe.show.figures import windows
from probe.show.figures.axis import days, time_axis, undated, within
from probe.show.figures.boxes import Box, fill, runs
from probe.show.figures.canvas import TOP, Picture, bare, canvas, label, legend
from probe.show.figures.palette import GAP, INK, OUTCOMES, QUIET, RULE
from probe.show.figures.rows import Bin, Numbered, Row, telling
from probe.show.figures.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS: Final = 10  # of one figure
_STRIP: Final = 0.46  # inches


def timelines(
    service: str, given: Sequence[Row], scale: Scale, until: datetime, number: int
) -> Picture:
    """One service's rows, those that tell most; the notes say what was left out."""
    kept = sorted(given, key=telling, reverse=True)[:ROWS]
    shown = [row for row in given if row in kept]
    lanes = [windows.lanes(row, scale, until) for row in shown]
    heights = [windows.height(found) for found in lanes]
    inches = _STRIP * sum(heights) + 0.34 * len(shown) + 1.1
    with canvas(inches) as figure:
        plots = figure.subplots(
            len(shown), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
        )[:, 0]
        for axes, row, found in zip(plots, shown, lanes, strict=True):
            _strip(axes, row, scale)
            windows.draw(axes, row, found, scale, until)
            bare(axes)
            axes.set_yticks([0, 1], ["0 %", "100 %"], fontsize=6.5)
            axes.tick_params(axis="y", length=0, pad=2)
            axes.set_ylim(0, windows.height(found))
            axes.set_title(
                label(f"{row.feature} · {row.place}"), loc="left", fontsize=9, pad=3, y=1
            )
            axes.set_title(_counts(row), loc="right", fontsize=8, color=QUIET, pad=3, y=TOP)
            time_axis(axes, scale, 12)
        for axes in plots[:-1]:
            undated(axes)
        figure.suptitle(
            f"{label(service)}: reported and measured",
            x=0.008,
            ha="left",
            fontsize=11,
            weight="bold",
        )
        _legend(figure, shown, lanes)
    return Picture(
        name=f"timeline-{number}",
        title=f"{service}: what was reported, and what was measured",
        alt=_alt(service, shown, scale),
        notes=tuple(_notes(given, shown, lanes, scale, until)),
        figure=figure,
    )


def _strip(axes: "Axes", row: Row, scale: Scale) -> None:
    left, right = days(scale.first), days(scale.last)
    axes.plot([left, right, right, left, left], [0, 0, 1, 1, 0], color=RULE, linewidth=0.6)
    # What works is laid below all else, in one box where nothing is missing: most of a strip.
    worked = runs([(one.start, one.cycles > 0) for one in row.bins], scale.step)
    below = [(days(start), days(end), 0.0, 1.0) for start, end, concluded in worked if concluded]
    fill(axes, below, OUTCOMES["ok"], RULE)
    boxes: dict[Outcome | None, list[Box]] = {}
    for start, end, parts in stacked(row, scale):
        bottom = 0.0
        for outcome, share in parts:
            if outcome != "ok":
                box = days(start), days(end), bottom, bottom + share
                boxes.setdefault(outcome, []).append(box)
            bottom += share
    for outcome, found in boxes.items():
        fill(axes, found, OUTCOMES[outcome] if outcome else GAP, INK if outcome else RULE)


Stack = tuple[tuple[Outcome | None, float], ...]


def stacked(row: Row, scale: Scale) -> Iterator[tuple[int, int, Stack]]:
    """A row's strip: from which hour until which it is filled how, from below.

    An outcome of None stands for cycles without any conclusion; what was not measured is absent.
    """
    return runs([(one.start, _stack(one)) for one in row.bins], scale.step)


def _stack(one: Bin) -> Stack:
    if not one.cycles:
        return ((None, 1.0),)
    # In hundredths, as fine as a strip can show: neighbours that look the same become one. What
    # happened at all is at least one of them, and what worked is the rest.
    failed: dict[str, float] = {
        outcome: max(round(number / one.cycles, 2), 0.01)
        for outcome, number in one.outcomes.items()
        if number and outcome in OUTCOMES and outcome != "ok"
    }
    worked = {"ok": max(round(1 - sum(failed.values()), 2), 0.0)} if one.failed < one.cycles else {}
    shares: dict[str, float] = {**failed, **worked}
    return tuple((outcome, shares[outcome]) for outcome in OUTCOMES if shares.get(outcome))


def _counts(row: Row) -> str:
    gaps = f", {row.gaps:,} without conclusion" if row.gaps else ""
    return f"{row.failed:,} of {row.cycles:,} cycles failed{gaps}"


def _legend(figure: "Figure", shown: Sequence[Row], lanes: Sequence[Sequence[Numbered]]) -> None:
    from matplotlib.patches import Patch

    seen = {outcome for row in shown for one in row.bins for outcome in one.outcomes}
    entries: list[tuple[Any, str]] = [
        (Patch(facecolor=look.colour, hatch=look.hatch, edgecolor=INK, linewidth=0.4), outcome)
        for outcome, look in OUTCOMES.items()
        if outcome in seen
    ]
    if any(not one.cycles for row in shown for one in row.bins):
        gap = Patch(facecolor=GAP.colour, hatch=GAP.hatch, edgecolor=RULE)
        entries.append((gap, "nothing concluded"))
    entries.append((Patch(facecolor="white", edgecolor=RULE), "nothing measured"))
    entries += windows.handles(shown, lanes)
    legend(figure, entries, across=5)


def _alt(service: str, shown: Sequence[Row], scale: Scale) -> str:
    rows = "; ".join(f"{row.feature} at {row.place}: {_counts(row)}" for row in shown)
    return (
        f"Timelines of {service} from {scale.start:%Y-%m-%d} to {scale.end:%Y-%m-%d} (UTC). {rows}."
    )


def _notes(
    given: Sequence[Row],
    shown: Sequence[Row],
    lanes: Sequence[Sequence[Numbered]],
    scale: Scale,
    until: datetime,
) -> Iterator[str]:
    yield (
        f"One column is {scale.width} (UTC). Its filled height is the share of each outcome among "
        "the cycles that concluded something. Numbers in brackets are those of the reports."
    )
    hidden = {
        one.number
        for row, found in zip(shown, lanes, strict=True)
        for one in row.reports
        if within(one, scale, until) and one not in found
    }
    if hidden:
        yield f"Left out above the strips: {len(hidden)} wider reported windows."
    if len(shown) < len(given):
        left = [row for row in given if row not in shown]
        names = ", ".join(f"{row.feature} at {row.place}" for row in left[:5])
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        yield f"Left out of {len(given)} rows: {names}{more}."
