"""Reads of each verdict only what a comparison needs: three times as quick as reading all of it.

A year of many targets is tens of millions of verdicts, and most of their lines are identifiers.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.core.model import Outcome, Vantage
from probe.record.codec import BadLineError
from probe.record.columns import VANTAGE_TEXT, instant_text, object_text, string_text
from probe.record.parts import JUDGED, days, sources
from probe.record.scan import ScanReport, day_records, within


class Brief(msgspec.Struct, gc=False):
    """When what was concluded, where, and of what; fields as in ``core.model.Verdict``."""

    at: datetime
    vantage: Any  # a Vantage, one object for all verdicts of a file
    target: str | None
    service: str
    feature: str
    outcome: Outcome
    mechanism: str | None


class _Line(Brief, gc=False):
    vantage: msgspec.Raw  # the same text in nearly every line: read once


_DECODER: Final = msgspec.json.Decoder(_Line)
_VANTAGE: Final = msgspec.json.Decoder(Vantage)
_TEXT: Final = object_text(  # the same of a sealed verdict
    at=instant_text("at"),
    vantage=VANTAGE_TEXT,
    target=string_text("target"),
    service=string_text("service"),
    feature=string_text("feature"),
    outcome=string_text("outcome"),
    mechanism=string_text("mechanism"),
)


def verdict_days(root: Path, since: datetime | None, until: datetime | None) -> list[str]:
    """The days of a results folder that can hold verdicts of ``since`` <= t < ``until``."""
    return days(root, JUDGED, since, until)


def verdict_bytes(root: Path, day: str) -> int:
    """What the verdicts of a day take on disk; sealed, it is a tenth of the lines."""
    found = sources(root, JUDGED, day)
    open_files = [*found.taken, *([found.open] if found.open else [])]
    return sum(_size(path) for path in open_files) + 10 * sum(map(_size, found.sealed))


def briefs(
    root: Path,
    day: str,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[Brief]:
    """The verdicts of one day that were given in ``since`` <= t < ``until``, as written.

    Verdicts of one vantage share one object. A line that is none goes into the report.
    """
    found = day_records(root, JUDGED, day, _decoder(), report or ScanReport(), _TEXT)
    if since is None and until is None:
        return found
    return (brief for brief in found if within(brief.at, since, until))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _decoder() -> Callable[[bytes], Brief]:
    vantages: dict[bytes, Vantage] = {}

    def decode(text: bytes) -> Brief:
        try:
            line = _DECODER.decode(text)
            raw = bytes(line.vantage)
            if raw not in vantages:
                vantages[raw] = _VANTAGE.decode(raw)
        except (ValueError, RecursionError) as exc:
            raise BadLineError(str(exc)) from None
        if line.at.tzinfo is not UTC:
            raise BadLineError("the time is not in UTC")
        brief: Brief = line
        brief.vantage = vantages[raw]
        return brief

    return decode
