"""Splits a line into the columns of a sealed day.

A row holds what its line held. ``steps`` and an event's ``detail`` stay as they were written, as
JSON; ``line`` is the whole line, and only there where the other columns cannot hold all of it: a
field that this version does not know, or a number beyond 64 bits.
"""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from probe.core.model import (
    Control,
    Event,
    Measurement,
    Members,
    Software,
    Target,
    Trials,
    Vantage,
    Verdict,
)
from probe.core.times import utc_day
from probe.record.codec import decode_event, decode_measurement, decode_verdict

Row = dict[str, Any]
_Raw = dict[str, msgspec.Raw]
_Fields = dict[str, frozenset[str]]  # a record's fields, and the names in those that are objects

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RAW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECT_OR_NULL: Final = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_OBJECT: Final = re.compile(rb'"([0-9a-f]{64})"')


def _fields(record: type[Measurement | Verdict], **inner: type) -> _Fields:
    return {
        field.name: frozenset(part.name for part in fields(inner[field.name]))
        if field.name in inner
        else frozenset()
        for field in fields(record)
    }


_MEASUREMENT: Final = _fields(Measurement, vantage=Vantage, target=Target, software=Software)
_VERDICT: Final = _fields(Verdict, vantage=Vantage, control=Control, trials=Trials, members=Members)


def split_measurement(line: bytes) -> tuple[Row, str]:
    """The row of a measurement, and its day; BadLineError if the line is none."""
    found: Measurement = decode_measurement(line)
    raw = _RAW.decode(line)
    return _row(
        line,
        raw,
        _MEASUREMENT,
        schema=found.schema,
        id=found.id,
        run=found.run,
        cycle=found.cycle,
        started=micros(found.started),
        **_of_vantage(found),
        target=found.target.id,
        service=found.target.service,
        feature=found.target.feature,
        url=found.target.url,
        check=found.check,
        trial=found.trial,
        origin=found.origin,
        role=found.role,
        followup_of=found.followup_of,
        followup=found.followup,
        steps=bytes(raw.get("steps", b"[]")).decode(),
        covered=found.covered,
        invalid=found.invalid,
        software=found.software.name,
        version=found.software.version,
        objects=sorted({name.decode() for name in _OBJECT.findall(line)}),
    ), utc_day(found.started)


def split_verdict(line: bytes) -> tuple[Row, str]:
    """The row of a verdict, and its day; BadLineError if the line is none."""
    found: Verdict = decode_verdict(line)
    return _row(
        line,
        _RAW.decode(line),
        _VERDICT,
        id=found.id,
        at=micros(found.at),
        cycle=found.cycle,
        **_of_vantage(found),
        target=found.target,
        service=found.service,
        feature=found.feature,
        url=found.url,
        outcome=found.outcome,
        mechanism=found.mechanism,
        locus=found.locus,
        rule=found.rule,
        rules=found.rules,
        covered=found.covered,
        control_ids=list(found.control.ids),
        control_outcome=found.control.outcome,
        evidence=list(found.evidence),
        note=found.note,
        trials_failed=found.trials.failed if found.trials else None,
        trials_needed=found.trials.needed if found.trials else None,
        policy=found.policy,
        members_ok=found.members.ok if found.members else None,
        members_failed=found.members.failed if found.members else None,
        partial=found.partial,
    ), utc_day(found.at)


def split_event(line: bytes) -> tuple[Row, str]:
    """The row of an event, and its day; BadLineError if the line is none."""
    found: Event = decode_event(line)
    raw = _RAW.decode(line)
    detail = (
        msgspec.json.encode(name).decode() + ":" + bytes(value).decode()
        for name, value in raw.items()
        if name in found.detail
    )
    row = {
        "at": micros(found.at),
        "event": found.event,
        "vantage": found.vantage,
        "detail": "{" + ",".join(detail) + "}",
    }
    return row, utc_day(found.at)


def _of_vantage(record: Measurement | Verdict) -> Row:
    vantage = record.vantage
    return {
        "vantage": vantage.id,
        "country": vantage.country,
        "asn": vantage.asn,
        "network": vantage.network,
    }


def _row(line: bytes, raw: _Raw, known: _Fields, **row: Any) -> Row:
    """The row, with the whole line in it where the columns do not tell everything."""
    whole = raw.keys() <= known.keys() and all(
        _keys(bytes(raw[name])) <= inner for name, inner in known.items() if inner and name in raw
    )
    for name, value in row.items():
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            row[name], whole = None, False
    row["line"] = None if whole else line.decode("utf-8", "replace").rstrip("\n")
    return row


@lru_cache(maxsize=1024)  # the same vantage and program in nearly every line
def _keys(text: bytes) -> frozenset[str]:
    """The names in an object; none in null."""
    return frozenset(_OBJECT_OR_NULL.decode(text) or ())


def micros(at: datetime) -> int:
    """An instant as sealed days hold it: microseconds since 1970."""
    return (at - _UNIX) // timedelta(microseconds=1)
