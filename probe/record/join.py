"""Brings each measurement together with what was concluded from its cycle.

The key is ``cycle``: one round of one target. A verdict is given minutes after its measurements,
so only the verdicts of the current and the following UTC day are held, and of each no more than
what is shown beside a measurement.
"""

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from probe.core.model import Locus, Measurement, Outcome, Verdict
from probe.record.codec import BadLineError, decode_measurement
from probe.record.columns import object_text, string_text
from probe.record.parts import JUDGED, MEASUREMENTS, days
from probe.record.scan import ScanReport, day_records, within


class Judged(NamedTuple):
    """What a measurement's cycle was judged to mean."""

    outcome: Outcome
    mechanism: str | None
    locus: Locus | None
    rule: str
    control_outcome: Outcome | None

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """The same of a verdict at hand."""
        return cls(
            verdict.outcome,
            verdict.mechanism,
            verdict.locus,
            verdict.rule,
            verdict.control.outcome,
        )


class _Control(msgspec.Struct):
    outcome: Outcome | None = None


class _Line(msgspec.Struct):
    """The part of a verdict's line that is needed here; reading no more makes it quick."""

    cycle: str
    target: str | None
    outcome: Outcome
    mechanism: str | None
    locus: Locus | None
    rule: str
    control: _Control


_DECODER: Final = msgspec.json.Decoder(_Line)
_TEXT: Final = object_text(  # the same part of a sealed verdict
    cycle=string_text("cycle"),
    target=string_text("target"),
    outcome=string_text("outcome"),
    mechanism=string_text("mechanism"),
    locus=string_text("locus"),
    rule=string_text("rule"),
    control=object_text(outcome=string_text("control_outcome")),
)
_KEY_BYTES: Final = 15  # 120 bits tell a million cycles apart, and fit Python's 48-byte block
_Day = dict[bytes, Judged]


def judged(
    root: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[tuple[Measurement, Judged | None]]:
    """The measurements that started in ``since`` <= t < ``until``, each with its verdict if any.

    Of several verdicts on one cycle the one written last counts: it was recomputed.
    """
    report = report or ScanReport()
    given = [date.fromisoformat(day) for day in days(root, JUDGED)]
    held: dict[date, _Day] = {}
    same: dict[Judged, Judged] = {}
    for name in days(root, MEASUREMENTS, since, until):
        today = date.fromisoformat(name)
        near = [day for day in given if 0 <= (day - today).days <= 1]
        held = {day: held[day] for day in near if day in held}
        for day in near:
            if day not in held:
                held[day] = _load(root, day.isoformat(), same, report)
        latest_first = [held[day] for day in sorted(near, reverse=True)]
        for measurement in day_records(
            root, MEASUREMENTS, name, decode_measurement, report, since=since, until=until
        ):
            if within(measurement.started, since, until):
                yield measurement, _find(latest_first, measurement.cycle)


def _find(days: list[_Day], cycle: str) -> Judged | None:
    key = _key(cycle)
    for day in days:
        if found := day.get(key):
            return found
    return None


def _load(root: Path, day: str, same: dict[Judged, Judged], report: ScanReport) -> _Day:
    found: _Day = {}
    for line in day_records(root, JUDGED, day, _decode, report, _TEXT):
        if line.target is not None:
            told = Judged(line.outcome, line.mechanism, line.locus, line.rule, line.control.outcome)
            found[_key(line.cycle)] = same.setdefault(told, told)
    return found


def _decode(line: bytes) -> _Line:
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError) as exc:
        raise BadLineError(str(exc)) from None


def _key(cycle: str) -> bytes:
    return blake2b(cycle.encode(), digest_size=_KEY_BYTES).digest()
