"""The smaller pages: events, downloads, the sign-in, and what could not be shown."""

import json
from collections.abc import Sequence
from typing import Final, get_args

from probe.core.model import Event, Outcome
from probe.core.times import rfc3339
from probe.serve.pages.detail import plain_table
from probe.serve.pages.frame import link, notice
from probe.show.report.markup import Markup, element, outside

EVENTS: Final = 200  # on one page


def events_page(events: Sequence[Event], kinds: Sequence[str], only: str | None) -> list[Markup]:
    """What happened to the probe itself, the newest first."""
    choices = [link("/events", "all", "chosen" if only is None else None), Markup(" ")]
    for kind in kinds:
        chosen = "chosen" if kind == only else None
        choices += [link("/events", kind[:60], chosen, event=kind), Markup(" ")]
    parts = [
        element("h1", "Events of the probe"),
        element(
            "p",
            "Starts and stops, slots that were missed or skipped, a full disk, and how the "
            "vantage's own network changed. While it was offline nothing is concluded of any "
            "target.",
            class_="quiet",
        ),
        element("p", "Only: ", *choices, class_="moves"),
    ]
    if not events:
        return [*parts, element("p", "There are none.")]
    rows = [
        (
            f"{rfc3339(event.at)[:19].replace('T', ' ')}",
            outside(event.event, 60),
            outside(event.vantage, 120),
            outside(_detail(event), 600),
        )
        for event in events[:EVENTS]
    ]
    parts.append(
        plain_table("The newest first", ("At", "Event", "Vantage", "More"), rows, "events")
    )
    if len(events) > EVENTS:
        parts.append(element("p", f"Only the newest {EVENTS} are shown; all are in events.jsonl."))
    return parts


def _detail(event: Event) -> str:
    return "; ".join(
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in event.detail.items()
    )


def downloads_page(since: str, until: str, asked: dict[str, str | None]) -> list[Markup]:
    """A form for a selection: it goes to an address that can be kept."""
    fields = [
        ("since", "From (UTC)", since),
        ("until", "Until before", until),
        ("service", "Service", asked.get("service") or ""),
        ("feature", "Feature", asked.get("feature") or ""),
        ("target", "Target", asked.get("target") or ""),
        ("vantage", "Vantage", asked.get("vantage") or ""),
    ]
    inputs = [
        element(
            "p",
            element("label", label, for_=name),
            element("input", id=name, name=name, value=value[:300], autocomplete="off"),
        )
        for name, label, value in fields
    ]
    options = [element("option", "any", value="")]
    options += [element("option", outcome, value=outcome) for outcome in get_args(Outcome)]
    chosen = element("select", *options, id="outcome", name="outcome")
    inputs.append(element("p", element("label", "Outcome", for_="outcome"), chosen))
    buttons = [
        element(
            "button",
            f"{what.capitalize()} as {form.upper()}",
            type="submit",
            formaction=f"/export/{what}.{form}",
        )
        for what in ("measurements", "verdicts")
        for form in ("csv", "json", "jsonl")
    ]
    return [
        element("h1", "Downloads"),
        element(
            "p",
            "One row per measurement of a target with the verdict on it, with the columns of "
            "“probe export”; or one row per verdict. Empty fields leave nothing out. A time is "
            "written 2017-07-18 or 2017-07-18T04.",
            class_="quiet",
        ),
        element(
            "form",
            *inputs,
            element("p", *buttons, class_="buttons"),
            method="get",
            action="/export/measurements.csv",
            class_="fields",
        ),
    ]


def login_page(then: str, wrong: str | None) -> list[Markup]:
    """Asks for the token."""
    return [
        element("h1", "Sign in"),
        *([notice(wrong)] if wrong else []),
        element(
            "form",
            element(
                "p",
                element("label", "Token", for_="token"),
                element(
                    "input",
                    id="token",
                    name="token",
                    type="password",
                    required="",
                    autocomplete="current-password",
                ),
            ),
            element("input", type="hidden", name="next", value=then),
            element("p", element("button", "Sign in", type="submit"), class_="buttons"),
            method="post",
            action="/login",
            class_="fields",
        ),
        element(
            "p",
            "It is the content of the file, or of the variable, that the page was started with.",
            class_="quiet",
        ),
    ]


def message_page(heading: str, text: str) -> list[Markup]:
    """What could not be shown, and what to do."""
    return [
        element("h1", heading),
        element("p", outside(text, 500)),
        element("p", link("/", "To the first page")),
    ]
