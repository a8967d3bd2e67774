"""The first page and the month: how everything stands, and its timelines."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from probe.core.model import Event, Outcome, Vantage
from probe.serve import words
from probe.serve.board import Row, Standing, Window
from probe.serve.pages.cells import chip, legend, moves, timeline
from probe.serve.pages.detail import plain_table
from probe.serve.pages.frame import link, notice, section
from probe.serve.track import HOUR
from probe.show.report.markup import Markup, element, outside

ROWS: Final = 50  # of one page
_SILENT: Final = 3600.0  # seconds without any verdict after which the page says so first


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the page shows: ``rows`` of ``total``, and how many features stand how."""

    rows: Sequence[Row]
    total: int
    page: int
    window: Window
    now: float
    until: float
    counts: Mapping[Outcome | None, int]
    vantages: Sequence[tuple[str, Vantage | None, Event | None]]
    asked: Mapping[str, str | None] = field(default_factory=dict)
    newest: float | None = None  # the newest verdict at all, where none is in sight
    bad: int = 0


def overview(about: Overview) -> list[Markup]:
    """The parts of the page."""
    daily = about.window.step > HOUR
    path = "/month" if daily else "/"
    span = f"{about.window.columns} days" if daily else f"{about.window.columns} hours"
    until = words.utc(about.until)
    present = about.until >= about.now
    title = f"The last {span}" if present else f"{span} until {until}"
    unwell = {name for name, _, event in about.vantages if _is_unwell(event)}
    parts = [
        element("h1", "Now" if present and not daily else title),
        *_silence(about, path),
        *(_trouble(name, event) for name, _, event in about.vantages if name in unwell and event),
        _counts(about.counts),
    ]
    if about.rows:
        table = timeline(about.rows, about.window, about.until, now=present, unwell=unwell)
        heading = "By the day" if daily else "By the hour"
        parts.append(section("timeline", heading, legend(), table, *_paging(about, path)))
    parts.append(moves(path, about.window, about.now, **_without(about.asked, "until")))
    if about.vantages:
        parts.append(section("vantages", "The probe's own network", _vantages(about)))
    if about.bad:
        lines = "line" if about.bad == 1 else "lines"
        parts.append(element("p", f"{about.bad:,} unreadable {lines} left out.", class_="quiet"))
    return parts


def _silence(about: Overview, path: str) -> list[Markup]:
    """What must be said where nothing new comes in."""
    seen = [row.standing.newest.time for row in about.rows if row.standing]
    if not seen:
        said = "Nothing was measured in this time."
        if about.newest is None:
            said += " There are no results yet: they appear here as soon as a probe writes them."
            return [notice(said)]
        day = words.utc(about.newest)[:10]
        until = f"{words.utc(about.newest + 86400)[:10]}T00"
        go = link(path, f"Go to {day}", until=until, **_without(about.asked, "until"))
        return [notice(said, f" The newest results are of {day}. ", go)]
    age = about.until - max(seen)
    if about.until >= about.now and age > _SILENT:
        return [
            notice(
                f"The newest verdict is {words.span(age)} old: what stands here was then. "
                "Is the probe running?"
            )
        ]
    return []


def _counts(counts: Mapping[Outcome | None, int]) -> Markup:
    items = [
        element("li", element("strong", f"{counts[outcome]:,}"), " ", chip(outcome))
        for outcome in words.SIGNS
        if counts.get(outcome)
    ]
    unseen = "Features by how they stand"
    return element("ul", *items, class_="counts", aria_label=unseen) if items else Markup()


def _is_unwell(event: Event | None) -> bool:
    return event is not None and event.detail.get("state") not in {"online", "untested"}


def _trouble(name: str, event: Event) -> Markup:
    """What must be known before the failures are read."""
    return notice(
        element("strong", outside(name, 120)),
        f": {_state(event)} since {words.utc(event.at.timestamp())}. "
        "What fails meanwhile says nothing of any target.",
    )


def _state(event: Event) -> str:
    state = event.detail.get("state")
    return words.STATES.get(state, "not known") if isinstance(state, str) else "not known"


def _vantages(about: Overview) -> Markup:
    rows = []
    for name, vantage, event in about.vantages:
        state = element(
            "span",
            _state(event) if event else "not told by any event",
            class_="warn" if _is_unwell(event) else None,
        )
        since = words.utc(event.at.timestamp()) if event else "–"
        place = outside(words.place(vantage), 120)
        rows.append((outside(name, 120), place, state, since))
    columns = ("Vantage", "Where", "Its network", "Since")
    return plain_table("What the anchors said last", columns, rows, "vantages")


def _paging(about: Overview, path: str) -> list[Markup]:
    if about.total <= ROWS:
        return []
    first = about.page * ROWS
    last = first + len(about.rows)
    asked = _without(about.asked, "page")
    steps: list[str] = [f"Rows {first + 1:,} to {last:,} of {about.total:,}. "]
    if about.page:
        steps += [link(path, "← previous", page=str(about.page - 1), **asked), " "]
    if last < about.total:
        steps.append(link(path, "next →", page=str(about.page + 1), **asked))
    return [element("p", *steps, class_="moves")]


def standings(found: Iterable[Standing | None]) -> Counter[Outcome | None]:
    """How many of the rows stand how."""
    return Counter(standing.outcome if standing else None for standing in found)


def _without(asked: Mapping[str, str | None], name: str) -> dict[str, str | None]:
    return {key: value for key, value in asked.items() if key != name}
