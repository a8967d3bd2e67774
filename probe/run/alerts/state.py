"""What alerts remember over a restart: a small file in the results folder, replaced as a whole.

A message stands in it from the moment when its change is known until it has been delivered, so a
restart neither repeats nor swallows one; only a process killed between a delivery and the writing
of it tells something twice.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from probe.record.whole import read_whole, write_whole
from probe.run.alerts.follow import Standing

FILE: Final = "alerts.json"
_LARGEST: Final = 16 * 1024**2  # bytes


@dataclass(slots=True, kw_only=True)
class Item:
    """One thing to tell: a headline, and lines under it."""

    at: datetime
    headline: str
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Lane:
    """What waits to be told to one address, the oldest first, and how much was dropped."""

    items: list[Item] = field(default_factory=list)
    dropped: int = 0


@dataclass(slots=True, kw_only=True)
class Subject:
    """A feature, or a target that is part of none (``target`` not null); since the last digest
    ``tally`` counts its outcomes."""

    service: str
    feature: str
    target: str | None = None
    standing: Standing = field(default_factory=Standing)
    tally: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Day:
    """What happened since the last digest, at ``begin``. ``away`` counts seconds without a
    network, ``missed`` and ``skipped`` turns."""

    begin: datetime
    changes: list[str] = field(default_factory=list)
    more_changes: int = 0
    away: float = 0.0
    missed: int = 0
    skipped: int = 0


@dataclass(slots=True, kw_only=True)
class State:
    """Everything; ``away`` is since when the vantage has no network, ``away_as`` in which way."""

    day: Day
    subjects: list[Subject] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    away: datetime | None = None
    away_as: str = ""


_DECODER: Final = msgspec.json.Decoder(State)


def load(root: Path) -> State | None:
    """What was saved last; None where there is nothing yet.

    ValueError where the file cannot be read as such.
    """
    text = read_whole(root / FILE, _LARGEST)
    return None if text is None else _DECODER.decode(text)


def save(root: Path, state: State) -> None:
    """Replace the file. ResultsError where that is not possible."""
    write_whole(root / FILE, msgspec.json.encode(state))
