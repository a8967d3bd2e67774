"""Timelines as tables: a row per feature and vantage, a coloured cell with a letter per hour or
day."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import repeat
from typing import Final
from urllib.parse import urlencode

from probe.core.model import Outcome
from probe.serve import words
from probe.serve.board import Row, Standing, Window
from probe.serve.pages.column import Column, hour_name, sign
from probe.serve.pages.frame import address, link
from probe.serve.track import HOUR, Key
from probe.show.report.markup import Markup, element, joined, outside
from probe.show.report.words import moment

_NAME: Final = 120  # characters of a name in a table


def timeline(
    rows: Sequence[Row],
    window: Window,
    until: float,
    *,
    now: bool = True,
    of_targets: bool = False,
    unwell: Collection[str] = (),
) -> Markup:
    """The table. Its cells lead to the hour or day that they show.

    ``until`` is the moment that rows stand at, ``now`` whether that is the present. ``unwell`` are
    the vantages whose own network has a trouble of its own.
    """
    daily = window.step > HOUR
    span = f"{words.utc(window.since)} to {words.utc(window.until)}"
    caption = f"Each cell is one {'day' if daily else 'hour'}, from {span}."
    starts = (window.since + number * window.step for number in range(window.columns))
    columns = [Column(start, window.step) for start in starts]
    first = "Target" if of_targets else "Service and feature"
    head = element(
        "tr",
        element("th", first, scope="col", role="columnheader"),
        element("th", "Now" if now else "Then", scope="col", role="columnheader"),
        *(column.heading() for column in columns),
        role="row",
    )
    body = (
        element(
            "tr",
            _name(row.key, of_targets, row.key.vantage in unwell),
            _now(row.standing, until),
            *map(Column.cell, columns, row.cells, repeat(_query(row.key, daily))),
            role="row",
        )
        for row in rows
    )
    return element(
        "table",
        element("caption", caption),
        element("thead", head, role="rowgroup"),
        element("tbody", *body, role="rowgroup"),
        class_="timeline days" if daily else "timeline hours",
        role="table",
    )


def _name(key: Key, of_targets: bool, unwell: bool) -> Markup:
    asked = {"vantage": key.vantage, "service": key.service, "feature": key.feature}
    if of_targets:
        shown: str = outside(key.target or "", _NAME)
    else:
        shown = joined(outside(key.service, _NAME), " · ", outside(key.feature, _NAME))
    return element(
        "th",
        element("a", shown, href=address("/feature", asked), class_="name"),
        element("small", outside(key.vantage, _NAME)) if not of_targets else "",
        element("small", "its own network is not well", class_="warn") if unwell else "",
        scope="row",
        role="rowheader",
    )


def chip(outcome: Outcome) -> Markup:
    """An outcome by colour, letter and word."""
    return element("span", sign(outcome), outcome, class_="chip")


def _now(standing: Standing | None, now: float) -> Markup:
    if standing is None:
        return element("td", "not measured", class_="now", role="cell")
    said: list[str] = [chip(standing.outcome)]
    concluded = standing.concluded
    if concluded is not None and concluded != standing.newest:
        said.append(element("small", f"before: {concluded.outcome}"))
    if standing.since is not None:
        said.append(element("small", since(standing, now)))
    ago = words.span(now - standing.newest.time)
    warn = "stale" if standing.stale else None
    said.append(element("small", f"measured {ago} ago", class_=warn))
    return element("td", *said, class_="now", role="cell")


def since(standing: Standing, now: float) -> str:
    """For how long it has been so; where nothing else is known from before, at least that."""
    if standing.since is None:
        return ""
    took = now - standing.since
    least = "" if standing.earlier or took < 60 else "at least "
    return f"for {least}{words.span(took)}"


def _query(key: Key, daily: bool) -> str:
    asked = {"vantage": key.vantage, "service": key.service, "feature": key.feature}
    if key.target is not None and not daily:
        asked["target"] = key.target
    return urlencode(asked, errors="replace")


def legend() -> Markup:
    """What the letters and colours mean."""
    rows = [
        element("li", chip(outcome), " ", element("small", meaning))
        for outcome, meaning in words.MEANINGS.items()
    ]
    rows.append(
        element(
            "li",
            element("span", element("span", "", class_="sign none"), "empty", class_="chip"),
            " ",
            element("small", "nothing was measured then"),
        )
    )
    said = element(
        "p",
        "A cell is filled from below with the share of its letter's outcome; above it is what "
        "else was found. It leads to the verdicts behind it.",
        class_="quiet",
    )
    return element(
        "details",
        element("summary", "What the cells mean"),
        element("ul", *rows, class_="legend"),
        said,
    )


def moves(path: str, window: Window, now: float, **asked: str | None) -> Markup:
    """Links to the time before and after."""
    width = window.columns * window.step
    steps = [link(path, "← earlier", until=hour_name(window.until - width), **asked)]
    if window.until < now:
        later = window.until + width
        if later < now:
            steps.append(link(path, "later →", until=hour_name(later), **asked))
        steps.append(link(path, "now", **asked))
    return element("p", *(joined(step, " ") for step in steps), class_="moves")


def tomorrow(time: float) -> float:
    """The end of the UTC day in which a moment lies."""
    at = moment(time).replace(hour=0, minute=0, second=0, microsecond=0)
    return (at + timedelta(days=1)).timestamp()
