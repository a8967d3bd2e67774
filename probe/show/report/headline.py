"""The top of the page: what was measured, when, from where, and what came of it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from probe.compare.comparison import Comparison
from probe.show.figures.rows import Row
from probe.show.report import words
from probe.show.report.answers import MEANINGS, badge
from probe.show.report.markup import Markup, element, joined, outside, table


def headline(comparison: Comparison, rows: Sequence[Row]) -> Markup:
    """A paragraph, the answers counted, and the networks that measured."""
    if not rows:
        return element(
            "p",
            "No results were found for this time. Nothing was measured, so nothing on this page "
            "speaks for or against any report.",
            class_="lead nothing",
        )
    cycles, failed = sum(row.cycles for row in rows), sum(row.failed for row in rows)
    gaps = sum(row.gaps for row in rows)
    services = {row.service for row in rows}
    features = {(row.service, row.feature) for row in rows}
    places = {row.place for row in rows}
    vantages = {vantage for row in rows for vantage in row.vantages}
    return joined(
        element(
            "p",
            f"{_many(len(vantages), 'vantage')} on {_many(len(places), 'network')} measured "
            f"{_many(len(features), 'feature')} of {_many(len(services), 'service')} from "
            f"{_first(comparison)} to {_last(comparison)}: {_many(cycles, 'cycle')} with a "
            f"conclusion, of which {failed:,} failed, and {_many(gaps, 'cycle')} without. "
            "A cycle is one round of checks of one feature from one vantage. ",
            _compared(comparison),
            class_="lead",
        ),
        _answers(comparison),
        table(
            "The networks that measured",
            ("Network", "Vantages", "Features", "Cycles", "Failed", "Without conclusion"),
            list(_networks(rows)),
        ),
    )


def _compared(comparison: Comparison) -> str:
    number = len(comparison.reports)
    if not number:
        return "No report was given to hold this against."
    return f"This is held against {_many(number, 'report')}."


def _answers(comparison: Comparison) -> Markup:
    counts = Counter(answer.answer for answer in comparison.answers)
    if not counts:
        return Markup()
    return element(
        "ul",
        *(
            element("li", element("strong", f"{counts[word]:,}"), " ", badge(word))
            for word in MEANINGS
        ),
        class_="counts",
    )


def _networks(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    for place in sorted({row.place for row in rows}, key=str):
        own = [row for row in rows if row.place == place]
        vantages = sorted({vantage for row in own for vantage in row.vantages})
        yield (
            outside(str(place)),
            outside(", ".join(vantages), 300),
            f"{len(own):,}",
            f"{sum(row.cycles for row in own):,}",
            f"{sum(row.failed for row in own):,}",
            f"{sum(row.gaps for row in own):,}",
        )


def _first(comparison: Comparison) -> str:
    return words.minute(words.moment(min(one.times[0] for one in comparison.series if one.times)))


def _last(comparison: Comparison) -> str:
    return words.minute(words.moment(max(one.times[-1] for one in comparison.series if one.times)))


def _many(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"
