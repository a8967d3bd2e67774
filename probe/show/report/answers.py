"""Each report with what the results say about it: first all in a table, then one by one."""

from collections.abc import Iterator, Sequence
from typing import Final

from probe.compare.answer import Answer, Word
from probe.compare.comparison import Comparison
from probe.compare.reports import Report, Source
from probe.show.figures.rows import Numbered, numbered
from probe.show.report import words
from probe.show.report.markup import Markup, element, joined, link, outside, table

LISTED: Final = 300  # reports about which the results say anything
UNCOVERED: Final = 100  # reports about which they say nothing
SOURCES: Final = 20  # of one report

# A sign of its own for each word, so that no meaning is in colour alone.
SIGNS: Final[dict[Word, str]] = {
    "supported": "✔",
    "partly": "◐",
    "contradicted": "✘",
    "inconclusive": "?",
    "no_coverage": "○",
}
MEANINGS: Final[dict[Word, str]] = {
    "supported": "What was measured is what the report says, at the time that it says.",
    "partly": "Some of what the report says was measured, and some was not: the sentence says "
    "which features, networks or dates.",
    "contradicted": "Measurements covered nearly the whole time, on enough networks of the kind "
    "that people use, and all of them show the opposite.",
    "inconclusive": "There are measurements, but they bear the report out no more than they "
    "speak against it. The sentence says why.",
    "no_coverage": "Nothing was measured that bears on the report. The results say nothing "
    "about it, neither for nor against.",
}
_COLUMNS: Final = (
    "Report",
    "Answer",
    "Covered",
    "Failed before → during → after",
    "What the results say",
)


def listed(comparison: Comparison) -> tuple[list[Numbered], int]:
    """The reports that the page shows, in order, and how many it leaves out."""
    room = {True: UNCOVERED, False: LISTED}
    shown: list[Numbered] = []
    for one in numbered(comparison):
        uncovered = one.answer.answer == "no_coverage"
        if room[uncovered]:
            room[uncovered] -= 1
            shown.append(one)
    return shown, len(comparison.reports) - len(shown)


def overview(shown: Sequence[Numbered], left_out: int) -> Markup:
    """The table of all answers, and what the words mean."""
    if not shown:
        return element("p", "No report was given to hold the results against.")
    rows = [_row(one) for one in shown]
    return joined(
        table("Each report and its answer", _COLUMNS, rows, "answers"),
        _left_out(left_out),
        element("h3", "What the answers mean"),
        element(
            "dl",
            *(
                element("div", element("dt", badge(word)), element("dd", meaning))
                for word, meaning in MEANINGS.items()
            ),
            class_="meanings",
        ),
    )


def details(shown: Sequence[Numbered]) -> Markup:
    """Each report with its dates, its figures and its sources."""
    return joined(*map(_article, shown))


def badge(word: Word) -> Markup:
    """An answer's sign and word."""
    sign = element("span", SIGNS[word], aria_hidden="true")
    return element("span", sign, f" {word.replace('_', ' ')}", class_=f"badge {word}")


def _row(one: Numbered) -> tuple[str, ...]:
    report, answer = one.report, one.answer
    shares = (answer.before.share, answer.during.share, answer.after.share)
    return (
        joined(
            element("a", f"[{one.number}]", href=f"#report-{one.number}"),
            " ",
            outside(report.title, 300),
            element("small", _claim(report)),
        ),
        badge(answer.answer),
        words.percent(answer.coverage),
        _whole(shares),
        outside(answer.sentence),
    )


def _whole(shares: Sequence[float | None]) -> Markup:
    """Shares with arrows between them; a line breaks at an arrow, never before a %."""
    first, *others = (element("span", words.percent(one), class_="whole") for one in shares)
    return joined(first, *(joined(" → ", one) for one in others))


def _claim(report: Report) -> Markup:
    what = "fails" if report.expects == "fails" else "works"
    kind = report.kind.replace("_", " ")
    return joined(f"{report.country}, {kind} ({report.status}): if true, it {what}")


def _left_out(number: int) -> Markup:
    if not number:
        return Markup()
    reports = "1 more report is" if number == 1 else f"{number:,} more reports are"
    return element(
        "p",
        f"{reports} left out here. The page shows up to {LISTED} reports about which the results "
        f"say something, and {UNCOVERED} of the others; the downloads hold all answers.",
        class_="left-out",
    )


def _article(one: Numbered) -> Markup:
    report, answer = one.report, one.answer
    terms = "".join(
        joined(element("div", element("dt", name), element("dd", value)))
        for name, value in (*_reported(report), *_measured(report, answer))
    )
    sources = [_source(source) for source in report.sources[:SOURCES]]
    if more := len(report.sources) - len(sources):
        sources.append(element("li", f"and {more} more"))
    return element(
        "article",
        element("h3", f"[{one.number}] ", outside(report.title, 300)),
        element("p", badge(answer.answer), " ", outside(answer.sentence)),
        element("dl", Markup(terms), class_="facts"),
        element("h4", "Sources"),
        element("ul", *sources),
        id=f"report-{one.number}",
    )


def _reported(report: Report) -> Iterator[tuple[str, str]]:
    asns = ", ".join(f"AS{asn}" for asn in report.asns)
    networks = ", ".join(network.replace("_", " ") for network in report.networks)
    where = "; ".join(part for part in (asns, networks) if part) or "any network"
    services = ", ".join(report.services) or "any service"
    features = ", ".join(report.features) or "any feature"
    yield "Claim", _claim(report)
    yield "Where", outside(f"{report.country}: {where}", 300)
    yield "What", outside(f"{services}: {features}", 300)
    yield "Reported onset", words.reported_onset(report)
    yield "Reported end", words.reported_end(report)
    yield "Identifier", outside(report.id)


def _measured(report: Report, answer: Answer) -> Iterator[tuple[str, str]]:
    yield "Covered", f"{words.percent(answer.coverage)} of the window, on the network that saw most"
    yield "Failed before", words.failures(answer.before)
    yield "Failed during", words.failures(answer.during)
    if report.end_latest:
        yield "Failed after", words.failures(answer.after)
    if answer.onset_latest or answer.onset_earliest:
        yield (
            "Measured onset",
            words.interval(answer.onset_earliest, answer.onset_latest, report.timezone),
        )
    if answer.end_latest or answer.end_earliest:
        yield (
            "Measured end",
            words.interval(answer.end_earliest, answer.end_latest, report.timezone),
        )
    if answer.lag is not None:
        first, last = (words.hours(number) for number in answer.lag)
        yield "Measured after the report", f"{first} to {last}"
    if answer.p is not None:
        among = f"; {answer.q:.3f} among all reports" if answer.q is not None else ""
        yield "Chance that another time fits as well", f"{answer.p:.3f}{among}"
    if answer.networks:
        seen = "; ".join(f"{place}: {what}" for place, what in answer.networks.items())
        yield "Networks", outside(seen)
    if answer.mechanisms:
        counts = ", ".join(f"{name} ({count:,})" for name, count in answer.mechanisms.items())
        yield "Mechanisms in failures", outside(counts, 600)
    yield "Vantages", outside(", ".join(answer.vantages) or "none", 600)


def _source(source: Source) -> Markup:
    publisher = link(source.url, source.publisher) if source.url else outside(source.publisher)
    return element("li", publisher, f", {source.date}: ", outside(source.says))
