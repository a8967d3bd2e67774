"""One record, one line of JSON, and back.

Unknown fields are ignored on reading, so that an older program reads a newer one's files. A line
that is no record raises ``BadLineError``, whatever is wrong with it: readers count and skip it.
"""

import math
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from probe.core.model import JSON, Event, Measurement, Verdict
from probe.core.times import rfc3339

Record = Measurement | Verdict | Event

# Null where they do not apply: left out of the line.
_OPTIONAL: Final = ("trials", "policy", "members", "partial")
_EVENT_FIELDS: Final = frozenset({"at", "event", "vantage"})

_MEASUREMENT: Final = msgspec.json.Decoder(Measurement)
_VERDICT: Final = msgspec.json.Decoder(Verdict)
_EVENT: Final = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder()


class BadLineError(ValueError):
    """A line that holds no record; the text says why."""


def as_json(record: Record) -> dict[str, JSON]:
    """The record as files hold it: plain JSON values, times as text.

    Raises ValueError for a step whose time is not finite, and for an event whose detail would
    hide one of its own fields: neither could be read again.
    """
    if isinstance(record, Event):
        if hidden := _EVENT_FIELDS & record.detail.keys():
            raise ValueError(f"an event's detail may not hold '{min(hidden)}'")
        return {
            "at": rfc3339(record.at),
            "event": record.event,
            "vantage": record.vantage,
            **record.detail,
        }
    value: dict[str, JSON] = msgspec.to_builtins(record, builtin_types=(datetime,))
    if isinstance(record, Measurement):
        if not all(math.isfinite(step.t0) and math.isfinite(step.t) for step in record.steps):
            raise ValueError(f"measurement {record.id}: a step's time is not finite")
        # msgspec would write the instant without decimals when it falls on a whole second.
        value["started"] = rfc3339(record.started)
    else:
        value["at"] = rfc3339(record.at)
        for name in _OPTIONAL:
            if value[name] is None:
                del value[name]
    return value


def encode(record: Record) -> bytes:
    """One line of JSON with its newline; a detail that is not a finite number becomes null."""
    value = as_json(record)
    try:
        return _ENCODER.encode(value) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate: UTF-8 cannot hold it, and a server can cause it
        return _ENCODER.encode(_without_surrogates(value)) + b"\n"


def decode_measurement(line: bytes) -> Measurement:
    """Read a measurement's line."""
    try:
        measurement = _MEASUREMENT.decode(line)
    except (ValueError, RecursionError) as exc:
        raise BadLineError(str(exc)) from None
    _check_utc(measurement.started)
    return measurement


def decode_verdict(line: bytes) -> Verdict:
    """Read a verdict's line."""
    try:
        verdict = _VERDICT.decode(line)
    except (ValueError, RecursionError) as exc:
        raise BadLineError(str(exc)) from None
    _check_utc(verdict.at)
    return verdict


def decode_event(line: bytes) -> Event:
    """Read an event's line: whatever is not a field of every event is its detail."""
    try:
        value = _EVENT.decode(line)
        event = Event(
            at=msgspec.convert(value.pop("at", None), datetime),
            event=msgspec.convert(value.pop("event", None), str),
            vantage=msgspec.convert(value.pop("vantage", None), str),
            detail=value,
        )
    except (ValueError, RecursionError) as exc:
        raise BadLineError(str(exc)) from None
    _check_utc(event.at)
    return event


def _check_utc(at: datetime) -> None:
    # A naive time compares with none of ours, and an odd offset can lie outside of the calendar.
    if at.tzinfo is not UTC:
        raise BadLineError("the time is not in UTC")


def _without_surrogates(value: JSON) -> JSON:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_without_surrogates(key): _without_surrogates(v) for key, v in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
    return value
