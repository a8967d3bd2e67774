"""The sentence of an answer: plain words that can be quoted, and never claim more than is known."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from probe.compare.reports import Report
from probe.compare.series import ACCUSING, FAILING, GAPS, WORKING, Series
from probe.compare.share import Share
from probe.core.model import UNKNOWN_COUNTRY

_NOTHING: Final = "the data says nothing about this report."
_NAMED: Final = 3  # more vantages or features than this are counted instead


def sentence(
    report: Report,
    matched: Sequence[Series],
    unplaced: Sequence[Series],
    *,
    window: tuple[datetime, datetime],
    before: Share,
    during: Share,
    after: Share,
) -> str:
    """Say what was seen of the reported thing in the reported window, and what that is worth.

    ``matched`` bear on the report; ``unplaced`` would, if their vantage's country were known.
    """
    start, end = window
    if start >= end:
        return f"The reported window begins after the time looked at: {_NOTHING}"
    if not during.cycles:
        elsewhere = [one for one in unplaced if _concluded(one, start, end)]
        return _unseen(report, matched, start, end) + _elsewhere(elsewhere)
    seen = [one for one in matched if _concluded(one, start, end)]
    beside = [
        f"{share.failed} of {share.cycles} {when}"
        for share, when in ((before, "before"), (after, "after"))
        if share.cycles
    ]
    against = f"against {_listed(beside, 'and')}" if beside else "with nothing measured beside it"
    return (
        f"{_vantages(seen)} saw {_features(seen)} fail in {during.failed} of "
        f"{_cycles(during.cycles)} in the reported window, {against}; {_worth(seen, start, end)}."
    )


def _worth(seen: Sequence[Series], start: datetime, end: datetime) -> str:
    if any(one.count(ACCUSING, start, end) for one in seen):
        return "such counts alone support or contradict nothing"
    return "without a control this supports or contradicts nothing"


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
