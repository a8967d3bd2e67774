"""The other way round: what was measured and nobody reported."""

from collections.abc import Sequence
from typing import Final

from probe.compare.unreported import Unreported
from probe.show.report import words
from probe.show.report.markup import Markup, element, joined, outside, table

LISTED: Final = 100


def unreported(found: Sequence[Unreported]) -> Markup:
    """The longest of them, by onset; a sentence where there is none."""
    if not found:
        return element("p", "No disruption was found outside the reported windows.")
    longest = sorted(found, key=lambda one: -one.failed)[:LISTED]
    shown = sorted(longest, key=lambda one: one.onset_latest)
    rows = [_row(one) for one in shown]
    left = len(found) - len(shown)
    return joined(
        element(
            "p",
            "These are places to look, not findings: a service that never worked from there is "
            "listed, too. What happened is in the outcome: only ",
            element("em", "blocked"),
            " and ",
            element("em", "degraded"),
            " speak of the network.",
        ),
        table(
            "Disruptions that no report speaks of",
            ("What", "Where", "Began", "Ended", "Failed", "Mostly"),
            rows,
        ),
        element("p", f"Left out: {left:,} shorter ones; the JSON download holds all of them.")
        if left
        else Markup(),
    )


def _row(one: Unreported) -> tuple[str, ...]:
    mostly = " ".join([*list(one.outcomes)[:1], *list(one.mechanisms)[:1]])
    ended = words.interval(one.end_earliest, one.end_latest) if one.end_latest else "not seen"
    return (
        outside(f"{one.service} {one.feature}", 120),
        joined(outside(one.network, 120), element("small", outside(", ".join(one.vantages), 120))),
        words.interval(one.onset_earliest, one.onset_latest),
        ended,
        f"{one.failed:,} of {one.cycles:,} cycles",
        outside(mostly or words.NOTHING, 120),
    )
