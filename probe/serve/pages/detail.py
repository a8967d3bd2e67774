"""From a cell to what lies behind it: a feature, the verdicts of an hour, one verdict."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from probe.core.model import Measurement, Verdict
from probe.core.times import rfc3339
from probe.judge.explain import Part, told
from probe.serve import words
from probe.serve.board import Row, Window
from probe.serve.pages.cells import chip, legend, since, timeline
from probe.serve.pages.column import hour_name
from probe.serve.pages.frame import address, crumbs, facts, link, section, segment
from probe.serve.track import HOUR, Key
from probe.show.report.markup import Markup, element, joined, outside

TARGETS: Final = 50  # rows of one feature's targets
VERDICTS: Final = 200  # of one hour that are listed
_NAME: Final = 200  # characters of a name


def feature_page(
    key: Key,
    rows: tuple[Row, Row],
    targets: Sequence[Row],
    left_out: int,
    windows: tuple[Window, Window],
    until: float,
    *,
    now: bool,
) -> list[Markup]:
    """A feature at a vantage: how it stands, its day and month, and its targets' day."""
    hours, days = windows
    standing = rows[0].standing
    then = "now" if now else words.utc(until)
    parts = [
        crumbs(link("/", "Now and 24 hours"), named(key)),
        element("h1", named(key)),
        element("p", "Measured from ", outside(key.vantage, _NAME), ".", class_="quiet"),
    ]
    if standing is None:
        parts.append(element("p", "Nothing was measured in this time."))
    else:
        newest = words.utc(standing.newest.time)
        pairs = [(f"Outcome {then}", chip(standing.outcome)), ("Measured", Markup(newest))]
        if standing.concluded and standing.since is not None:
            what = joined(chip(standing.concluded.outcome), f" {since(standing, until)}, from ")
            pairs.append(("Concluded", joined(what, words.utc(standing.since))))
        parts.append(facts(*pairs))
    asked = {"vantage": key.vantage, "service": key.service, "feature": key.feature}
    parts += [
        section("day", "24 hours", legend(), timeline(rows[:1], hours, until, now=now)),
        section("month", "30 days", timeline(rows[1:], days, until, now=now)),
    ]
    if targets:
        table = timeline(targets, hours, until, now=now, of_targets=True)
        more = [element("p", f"{left_out:,} more are left out.")] if left_out else []
        parts.append(section("targets", "Its targets", table, *more))
    range_ = {"since": hour_name(days.since), "until": hour_name(days.until), **asked}
    parts.append(
        element("p", "Take the month along: ", *_downloads("measurements", range_), class_="moves")
    )
    return parts


def named(key: Key) -> Markup:
    """A feature's or target's name for a heading."""
    if key.target is not None:
        return outside(key.target, _NAME)
    return joined(outside(key.service, _NAME), " · ", outside(key.feature, _NAME))


def hour_page(
    hour: datetime, asked: dict[str, str | None], verdicts: Sequence[Verdict], total: int
) -> list[Markup]:
    """The verdicts of an hour, in the order in which they were given."""
    name = hour_name(hour.timestamp())
    title = f"{hour:%d %B %Y}, {hour:%H:%M} to {(hour.hour + 1):02}:00"
    whom = [value for key in ("target", "service", "feature", "vantage") if (value := asked[key])]
    parts = [
        crumbs(link("/", "24 hours until then", until=hour_name(hour.timestamp() + HOUR)), title),
        element("h1", title),
        element("p", *_separated(whom), class_="quiet") if whom else Markup(),
    ]
    if not verdicts:
        parts.append(element("p", "No verdict was given in this hour, or its file is gone."))
        return parts
    rows = [_verdict_row(name, verdict) for verdict in verdicts]
    columns = ("At", "Of", "Outcome", "Failed at", "Control", "Note")
    parts.append(plain_table("Verdicts of this hour", columns, rows, "verdicts"))
    if total > len(verdicts):
        parts.append(element("p", f"{total - len(verdicts):,} more are left out; all are in:"))
    range_ = {"since": name, "until": hour_name(hour.timestamp() + HOUR), **asked}
    parts.append(
        element(
            "p",
            "Verdicts: ",
            *_downloads("verdicts", range_),
            " Measurements: ",
            *_downloads("measurements", range_),
            class_="moves",
        )
    )
    return parts


def _separated(texts: Sequence[str]) -> list[Markup]:
    shown: list[Markup] = []
    for text in texts:
        shown += [Markup(" · "), outside(text, _NAME)] if shown else [outside(text, _NAME)]
    return shown


def plain_table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], kind: str
) -> Markup:
    """A table that becomes cards on a narrow screen; its first cells name their rows."""
    head = element(
        "tr", *(element("th", c, scope="col", role="columnheader") for c in columns), role="row"
    )
    body = (
        element(
            "tr",
            element("th", row[0], scope="row", role="rowheader", data_label=columns[0]),
            *(
                element("td", cell, role="cell", data_label=column)
                for column, cell in zip(columns[1:], row[1:], strict=True)
            ),
            role="row",
        )
        for row in rows
    )
    return element(
        "table",
        element("caption", caption),
        element("thead", head, role="rowgroup"),
        element("tbody", *body, role="rowgroup"),
        class_=f"cards {kind}",
        role="table",
    )


def _verdict_row(hour: str, verdict: Verdict) -> tuple[str, ...]:
    of = verdict.target or f"{verdict.service} · {verdict.feature}"
    path = f"/verdict/{hour}/{segment(verdict.id)}"
    what = element("a", outside(of, _NAME), href=path)
    if verdict.target is None:
        what = joined(what, element("small", f"the feature, by policy {verdict.policy or ''}"))
    else:
        what = joined(what, element("small", outside(verdict.vantage.id, _NAME)))
    control = verdict.control.outcome
    return (
        f"{verdict.at:%H:%M:%S}",
        what,
        chip(verdict.outcome),
        outside(verdict.mechanism, 100) if verdict.mechanism else "–",
        chip(control) if control else "–",
        outside(verdict.note, 400) if verdict.note else "",
    )


def _downloads(kind: str, asked: Mapping[str, str | None]) -> list[Markup]:
    parts: list[Markup] = []
    for form in ("csv", "json"):
        parts += [link(f"/export/{kind}.{form}", form.upper(), **asked), Markup(" ")]
    return parts


def verdict_page(
    hour: datetime,
    verdict: Verdict,
    chain: Sequence[Part] | None,
    measurements: Sequence[Measurement],
    members: Sequence[Verdict],
) -> list[Markup]:
    """One verdict: what it says, why, and what it rests on."""
    name = hour_name(hour.timestamp())
    asked = {
        "vantage": verdict.vantage.id,
        "service": verdict.service,
        "feature": verdict.feature,
    }
    of = (
        outside(verdict.target, _NAME)
        if verdict.target
        else named(Key(verdict.vantage.id, verdict.service, verdict.feature, None))
    )
    parts = [
        crumbs(
            link("/", "Now and 24 hours"),
            element(
                "a",
                named(Key(verdict.vantage.id, verdict.service, verdict.feature, None)),
                href=address("/feature", {**asked, "until": _next(hour)}),
            ),
            element("a", f"{hour:%d %B, %H:%M}", href=address(f"/hour/{name}", asked)),
            "Verdict",
        ),
        element("h1", of, ": ", verdict.outcome),
        facts(*_verdict_facts(verdict)),
    ]
    if members:
        rows = [_verdict_row(name, member) for member in members]
        columns = ("At", "Of", "Outcome", "Failed at", "Control", "Note")
        parts.append(
            section(
                "members",
                "Its targets",
                plain_table("Verdicts that it was drawn from", columns, rows, "verdicts"),
            )
        )
    elif chain is None:
        parts.append(
            element(
                "p",
                "Some of the measurements that it rests on are no longer here.",
                class_="notice",
            )
        )
    for part in chain or ():
        items = (element("li", outside(line)) for line in part.lines)
        parts.append(element("h2", part.heading.capitalize()))
        parts.append(element("ul", *items, class_="chain"))
    if measurements:
        seen = [_evidence_row(name, measurement) for measurement in measurements]
        heads = ("Started", "Check", "Measured at", "What happened")
        table = plain_table("Measurements that it rests on", heads, seen, "evidence")
        parts.append(section("evidence", "Measurements", table))
    return parts


def _next(hour: datetime) -> str:
    return hour_name(hour.timestamp() + HOUR)


def _verdict_facts(verdict: Verdict) -> list[tuple[str, str]]:
    where = words.place(verdict.vantage)
    pairs: list[tuple[str, str]] = [
        ("Outcome", chip(verdict.outcome)),
        ("Given", f"{rfc3339(verdict.at)[:19].replace('T', ' ')} UTC"),
        ("At", joined(outside(verdict.vantage.id, _NAME), " ", outside(where))),
    ]
    if verdict.mechanism:
        pairs.append(("Failed at", outside(verdict.mechanism, 100)))
    if verdict.locus:
        pairs.append(("Where", verdict.locus))
    if verdict.url:
        pairs.append(("URL", element("code", outside(verdict.url))))
    if verdict.policy:
        members = verdict.members
        count = f": {members.ok} ok, {members.failed} not" if members else ""
        pairs.append(("Policy", outside(f"{verdict.policy}{count}")))
    pairs.append(("Looked as far as", verdict.covered))
    if verdict.note:
        pairs.append(("Note", outside(verdict.note)))
    pairs.append(("Rule", outside(f"{verdict.rule} (version {verdict.rules})")))
    pairs.append(("Id", element("code", outside(verdict.id, 100))))
    return pairs


def _evidence_row(hour: str, measurement: Measurement) -> tuple[str, ...]:
    role = measurement.followup or ("" if measurement.role == "target" else measurement.role)
    what = element(
        "a",
        f"{measurement.started:%Y-%m-%d %H:%M:%S}",
        href=f"/measurement/{hour}/{segment(measurement.id)}",
    )
    origin = "here" if measurement.origin == "vantage" else measurement.origin
    return (
        what,
        joined(outside(measurement.check, 40), element("small", outside(role, 60)) if role else ""),
        outside(origin, _NAME),
        outside(told(measurement), 400),
    )
