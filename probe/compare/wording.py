"""The sentence of an answer: plain words that can be quoted, and never claim more than is known."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from probe.compare.reports import Report
from probe.compare.series import ACCUSING, FAILING, GAPS, WORKING, Series
from probe.compare.share import Share
from probe.core.model import UNKNOWN_COUNTRY

_NOTHING: Final = "the data says nothing about this report."
_NAMED: Final = 3  # more names than this are counted instead


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
    accused = any(one.count(ACCUSING, start, end) for one in seen)
    worth = "such counts alone support or contradict" if accused else (
        "without a control this supports or contradicts"
    )
    return (
        f"{_vantages(seen)} saw {_things(seen)} fail in {during.failed} of "
        f"{_cycles(during.cycles)} in the reported window, {against}; {worth} nothing."
    )


def _unseen(report: Report, matched: Sequence[Series], start: datetime, end: datetime) -> str:
    when = _when(report, start, end)
    if not matched:
        return f"No vantage in {_where(report)} measured {_claimed(report)} {when}: {_NOTHING}"
    if tried := [one for one in matched if one.count(GAPS, start, end)]:
        cycles = _cycles(sum(one.count(GAPS, start, end) for one in tried))
        return (
            f"{_vantages(tried)} ran {cycles} of {_things(tried)} {when} without any conclusion "
            f"(offline, inconclusive or invalid): {_NOTHING}"
        )
    return f"{_vantages(matched)} measured {_things(matched)}, but not {when}: {_NOTHING}"


def _elsewhere(unplaced: Sequence[Series]) -> str:
    if not unplaced:
        return ""
    return (
        f" {_vantages(unplaced)} measured {_things(unplaced)} then, in a country that is not "
        f"known ({UNKNOWN_COUNTRY}), and was left out."
    )


def _concluded(one: Series, start: datetime, end: datetime) -> bool:
    return one.count(WORKING | FAILING, start, end) > 0


def _where(report: Report) -> str:
    asns = _listed([f"AS{asn}" for asn in report.asns], "or")
    networks = _listed([network.replace("_", " ") for network in report.networks], "or")
    within = "; ".join(part for part in (asns, networks) if part)
    return f"{report.country} ({within})" if within else report.country


def _claimed(report: Report) -> str:
    """What the report names, e.g. whatsapp media or calls."""
    services = _listed(report.services, "or")
    features = _listed(report.features, "or")
    return " ".join(part for part in (services or "any", features or "feature") if part) if (
        not services
    ) else f"{services} {features}".strip()
