"""Which records a results folder holds already, so that importing twice changes nothing."""

from collections import OrderedDict
from pathlib import Path
from typing import Final

import msgspec

from probe.record.codec import BadLineError
from probe.record.columns import object_text, string_text
from probe.record.parts import Kind
from probe.record.scan import ScanReport, day_records

_DAYS: Final = 8  # days whose ids are held in memory


class _Line(msgspec.Struct):
    """The part of any record that is needed here."""

    id: str


_DECODER: Final = msgspec.json.Decoder(_Line)
_TEXT: Final = object_text(id=string_text("id"))  # the same of a sealed record


class Stored:
    """The ids of a results folder by day, each day read when it is first asked about."""

    def __init__(self, root: Path) -> None:
        """Start with nothing read."""
        self._root = root
        self._days: OrderedDict[tuple[Kind, str], set[str]] = OrderedDict()

    def add(self, id_: str, kind: Kind, day: str) -> bool:
        """Whether this day did not hold this id yet; from now on it counts as held."""
        key = kind, day
        if key not in self._days:
            self._days[key] = set(day_records(self._root, kind, day, _id, ScanReport(), _TEXT))
            while len(self._days) > _DAYS:
                self._days.popitem(last=False)
        self._days.move_to_end(key)
        ids = self._days[key]
        new = id_ not in ids
        ids.add(id_)
        return new


def _id(line: bytes) -> str:
    try:
        return _DECODER.decode(line).id
    except (ValueError, RecursionError) as exc:
        raise BadLineError(str(exc)) from None
