"""Which records a results folder holds already, so that importing twice changes nothing."""

from collections import OrderedDict
from pathlib import Path
from typing import Final

import msgspec

from probe.record.codec import BadLineError
from probe.record.scan import ScanReport, records

_DAYS: Final = 8  # files whose ids are held in memory


class _Line(msgspec.Struct):
    """The part of any record that is needed here."""

    id: str


_DECODER: Final = msgspec.json.Decoder(_Line)


class Stored:
    """The ids in day files, each read when it is first asked about."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._days: OrderedDict[Path, set[str]] = OrderedDict()

    def add(self, id_: str, path: Path) -> bool:
        """Whether this file did not hold this id yet; from now on it counts as held."""
        if path not in self._days:
            self._days[path] = set(records(path, _id, ScanReport()))
            while len(self._days) > _DAYS:
                self._days.popitem(last=False)
        self._days.move_to_end(path)
        ids = self._days[path]
        new = id_ not in ids
        ids.add(id_)
        return new


def _id(line: bytes) -> str:
    try:
        return _DECODER.decode(line).id
    except (ValueError, RecursionError) as exc:
        raise BadLineError(str(exc)) from None
