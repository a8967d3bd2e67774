"""Of a verdict only what a comparison needs, read of its line."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from probe.core.model import Outcome, Vantage
from probe.record.codec import BadLineError


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


def decoder(vantages: dict[bytes, Vantage] | None = None) -> Callable[[bytes], Brief]:
    """Reads a line, or raises BadLineError; the verdicts that it reads share their vantages."""
    known = {} if vantages is None else vantages

    def decode(text: bytes) -> Brief:
        try:
            return _settled([_DECODER.decode(text)], known)[0]
        except (ValueError, RecursionError) as exc:
            raise BadLineError(str(exc)) from None

    return decode


def at_once(texts: Sequence[bytes], vantages: dict[bytes, Vantage]) -> Sequence[Brief] | None:
    """Whole lines of which each is a verdict; None where one of them is not."""
    joined = b"".join(texts)
    if b"}{" in joined:  # two on one line would make up for one that is none
        return None
    try:
        found = _settled(_DECODER.decode_lines(joined), vantages)
    except (ValueError, RecursionError):
        return None
    return found if len(found) == len(texts) else None


def _settled(lines: Iterable[_Line], vantages: dict[bytes, Vantage]) -> Sequence[Brief]:
    """The lines with their vantages read; ValueError where one of them or a time is no good."""
    found: list[Brief] = []
    for line in lines:
        raw = bytes(line.vantage)
        vantage = vantages.get(raw)
        if vantage is None:
            vantage = vantages[raw] = _VANTAGE.decode(raw)
        if line.at.tzinfo is not UTC:
            raise ValueError("the time is not in UTC")
        brief: Brief = line
        brief.vantage = vantage
        found.append(brief)
    return found
