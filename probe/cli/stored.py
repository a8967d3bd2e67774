"""Stored verdicts and measurements, for commands that look at them again."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from probe.core.model import Verdict
from probe.record.find import NEAR, days_with, moment_of
from probe.record.parts import JUDGED
from probe.record.scan import ScanReport, verdicts
from probe.show.evidence import named


def newest(root: Path, since: datetime | None, until: datetime | None) -> dict[str, Verdict]:
    """The verdicts of a folder in the order in which they were given; of several on one cycle and
    target the one written last."""
    found: dict[str, Verdict] = {}
    for verdict in verdicts(root, since, until, ScanReport()):
        key = f"{verdict.cycle} {verdict.target} {verdict.service} {verdict.feature}"
        found.pop(key, None)
        found[key] = verdict
    return found


def verdict_called(root: Path, id_: str) -> Verdict | None:
    """The newest verdict whose id or cycle begins so, else one that rests on a measurement whose id
    does."""
    at = moment_of(id_)
    if at is not None and (found := _called(_around(root, at), id_)):
        return found
    where = (
        "starts_with(id, ?) OR starts_with(cycle, ?) OR"
        " list_has_any([starts_with(one, ?) FOR one IN evidence || control_ids], [true])"
    )
    text = id_.encode()
    for day in days_with(root, JUDGED, where, [id_] * 3, lambda line: text in line):
        if found := _called(_of_day(root, day), id_):
            return found
    return None


def newest_failure(root: Path) -> Verdict | None:
    """The last verdict on a target that is not ok."""
    where = "outcome <> 'ok' AND target IS NOT NULL"
    for day in days_with(root, JUDGED, where, [], lambda _: True):
        failed = [v for v in _of_day(root, day) if v.outcome != "ok" and v.target is not None]
        if failed:
            return failed[-1]
    return None


def members_of(root: Path, feature: Verdict) -> list[Verdict]:
    """The targets' verdicts that a feature's verdict was made of."""
    firsts = set(feature.evidence)
    around = _around(root, feature.at)
    return [v for v in around if v.target is not None and firsts.intersection(v.evidence[:1])]


def _called(verdicts: Sequence[Verdict], id_: str) -> Verdict | None:
    for verdict in reversed(verdicts):
        if verdict.id.startswith(id_) or verdict.cycle.startswith(id_):
            return verdict
    for verdict in reversed(verdicts):
        if any(one.startswith(id_) for one in named(verdict)):
            return verdict
    return None


def _around(root: Path, at: datetime) -> list[Verdict]:
    try:
        return list(newest(root, at - NEAR, at + NEAR).values())
    except OverflowError:  # at an end of the calendar
        return []


def _of_day(root: Path, day: str) -> list[Verdict]:
    since = datetime.fromisoformat(day).replace(tzinfo=UTC)
    until = None if day == date.max.isoformat() else since + timedelta(days=1)
    return list(newest(root, since, until).values())
