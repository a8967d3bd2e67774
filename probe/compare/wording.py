"""The sentence of an answer: plain words that can be quoted, and never claim more than is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from probe.compare.reports import Report
from probe.compare.series import FAILING, GAPS, WORKING, Series
from probe.compare.share import Share
from probe.core.model import UNKNOWN_COUNTRY

_NOTHING: Final = "the data says nothing about this report."
_REASONS: Final = {
    "control": "without a control this supports or contradicts nothing",
    "otherwise": "the failures are not of the reported kind, and decide nothing",
    "chance": "such failures occur at other times as well, which decides nothing",
    "alone": "without a control, a line that fails by itself looks the same, which decides nothing",
    "not due": "what was announced need not have come yet, so this decides nothing",
    "region": "it is about a part of the country, and no vantage is known to lie in that",
    "kind": "such lines meet less blocking than people do, so this decides nothing",
    "coverage": "too little of the window, or too few networks, were measured to decide",
}
_Interval = tuple[datetime | None, datetime | None]
_NAMED: Final = 3  # more vantages or features than this are counted instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a sentence is made of.

    ``matched`` bear on the report; ``unplaced`` would, if their vantage's country were known.
    ``why`` says in words what of a claim does not hold, or names the reason why there is no answer.
    """

    report: Report
    answer: str
    why: str
    window: tuple[datetime, datetime]
    matched: Sequence[Series]
    unplaced: Sequence[Series]
    before: Share
    during: Share
    after: Share
    onset: _Interval
    end: _Interval


def sentence(given: Words) -> str:
    """Say what was seen of the reported thing in the reported window, and what that is worth."""
    (start, end), during = given.window, given.during
    if start >= end:
        return f"The reported window begins after the time looked at: {_NOTHING}"
    if not during.cycles:
        elsewhere = [one for one in given.unplaced if _concluded(one, start, end)]
        return _unseen(given.report, given.matched, start, end) + _elsewhere(elsewhere)
    seen = [one for one in given.matched if _concluded(one, start, end)]
    beside = [
        f"{share.failed} of {share.cycles} {when}"
        for share, when in ((given.before, "before"), (given.after, "after"))
        if share.cycles
    ]
    against = f"against {_listed(beside, 'and')}" if beside else "with nothing measured beside it"
    return (
        f"Seen from {_vantages(seen)}, {_features(seen)} failed in {during.failed} of "
        f"{_cycles(during.cycles)} in the reported window, {against}{_dates(given)}; "
        f"{_worth(given)}."
    )


def _worth(given: Words) -> str:
    if given.answer == "supported":
        return "this supports the report"
    if given.answer == "contradicted":
        return "this contradicts the report"
    if given.answer == "partly":
        return f"this supports the report in part: {given.why}"
    return _REASONS.get(given.why) or f"this decides nothing: {given.why}"


def _dates(given: Words) -> str:
    """When it began and ended, as measured, in the report's own time zone."""
    zone = ZoneInfo(given.report.timezone)
    onset, end = (
        [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else None for at in interval]
        for interval in (given.onset, given.end)
    )
    words = [
        *([f"beginning {_within(onset)}"] if any(onset) else []),
        *([f"still failing at {end[0]}"] if end[0] and not end[1] else []),
        *([f"ending {_within(end)}"] if end[1] else []),
    ]
    return f", {_listed(words, 'and')} ({given.report.timezone})" if words else ""


def _within(interval: Sequence[str | None]) -> str:
    first, last = interval
    if first and last:
        return f"at {first}" if first == last else f"between {first} and {last}"
    return f"before {last}" if last else f"after {first}"


def _unseen(report: Report, matched: Sequence[Series], start: datetime, end: datetime) -> str:
    when = _when(report, start, end)
    if not matched:
        return f"No vantage in {_where(report)} measured {_claimed(report)} {when}: {_NOTHING}"
    if tried := [one for one in matched if one.count(GAPS, start, end)]:
        cycles = _cycles(sum(one.count(GAPS, start, end) for one in tried))
        return (
            f"{_vantages(tried)} ran {cycles} of {_features(tried)} {when} without any conclusion "
            f"(offline, inconclusive or invalid): {_NOTHING}"
        )
    return f"{_vantages(matched)} measured {_features(matched)}, but not {when}: {_NOTHING}"


def _elsewhere(unplaced: Sequence[Series]) -> str:
    if not unplaced:
        return ""
    return (
        f" {_vantages(unplaced)} did measure {_features(unplaced)} then, but in a country that is "
        f"not known ({UNKNOWN_COUNTRY}), which counts for no report."
    )


def _concluded(one: Series, start: datetime, end: datetime) -> bool:
    return one.count(WORKING | FAILING, start, end) > 0


def _where(report: Report) -> str:
    asns = _listed([f"AS{asn}" for asn in report.asns], "or")
    networks = _listed([network.replace("_", " ") for network in report.networks], "or")
    within = "; ".join(part for part in (asns, networks) if part)
    return f"{report.country} ({within})" if within else report.country


def _claimed(report: Report) -> str:
    """What the report names: "whatsapp media", "greenvpn", "any service's tunnel"."""
    services, features = _listed(report.services, "or"), _listed(report.features, "or")
    if not services:
        return f"any service's {features}" if features else "any service"
    return f"{services} {features}".rstrip()


def _when(report: Report, start: datetime, end: datetime) -> str:
    """The window in the report's own time zone: in days, both included, where it is made of days.

    The end of an open window is where the data ends: its day is told, however far it had got.
    """
    zone = ZoneInfo(report.timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.time() == time() and (report.end_latest is None or last.time() == time()):
        days = first.date(), (end - timedelta.resolution).astimezone(zone).date()
        return f"on {days[0]}" if days[0] == days[1] else f"between {days[0]} and {days[1]}"
    form = "%Y-%m-%d %H:%M:%S" if first.second or last.second else "%Y-%m-%d %H:%M"
    return f"between {first:{form}} and {last:{form}} ({report.timezone})"


def _vantages(series: Sequence[Series]) -> str:
    return _named(sorted({one.vantage.id for one in series}), "vantages")


def _features(series: Sequence[Series]) -> str:
    return _named(sorted({f"{one.service} {one.feature}" for one in series}), "features")


def _named(names: Sequence[str], what: str) -> str:
    return _listed(names, "and") if len(names) <= _NAMED else f"{len(names)} {what}"


def _listed(words: Sequence[str], last: str) -> str:
    """One, or one and two, or one, two and three."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _cycles(number: int) -> str:
    return "1 cycle" if number == 1 else f"{number} cycles"
