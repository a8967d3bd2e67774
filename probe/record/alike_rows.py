"""Sealed verdicts that say the same, brought together by their columns."""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from probe.record.alike import Alike
from probe.record.brief_rows import OUTCOMES, vantages
from probe.record.codec import BadLineError
from probe.record.sealed import SealedError, rows

_AT_ONCE: Final = 500_000  # verdicts
_FOUND: Final = "FROM read_parquet(?, hive_partitioning = false) WHERE {where}"
_NAMES: Final = ("vantage", "country", "asn", "network", "service", "feature")
_PLACE: Final = ", ".join(_NAMES)
_FEATURES: Final = f"SELECT target IS NULL, {_PLACE}, count(*) {_FOUND} GROUP BY ALL"
_SAME: Final = f'SELECT {_PLACE}, outcome, mechanism, list(epoch("at"))'
_OWN: Final = f"{_SAME} {_FOUND} AND {{some}} AND target IS NULL GROUP BY ALL"
# A feature that has a verdict of its own speaks for its targets.
_ALSO: Final = " AND ".join(f"found.{name} IS NOT DISTINCT FROM own.{name}" for name in _NAMES)
_REST: Final = f"""
WITH found AS (SELECT {_PLACE}, outcome, mechanism, "at", target {_FOUND})
{_SAME} FROM found ANTI JOIN (SELECT DISTINCT {_PLACE} FROM found WHERE target IS NULL) AS own
ON {_ALSO} WHERE {{some}} GROUP BY ALL
"""  # noqa: S608 - names of columns, all written here

_Row = tuple[Any, ...]


def alike_rows(path: Path, where: str, bad: Callable[[Path, int, str], None]) -> Iterator[Alike]:
    """The verdicts of one part that meet a condition, but for those on targets whose feature has a
    verdict of its own among them.

    ``bad`` is told of rows that are none, once for all that are alike, and of a broken file.
    """
    vantage_of = vantages()
    number = 0
    try:
        for number, (own, row) in enumerate(_groups(path, where), 1):
            *place, service, feature, outcome, mechanism, times = row
            try:
                vantage = vantage_of(tuple(place))
                if service is None or feature is None or outcome not in OUTCOMES or None in times:
                    raise BadLineError("no verdict has these columns")
            except BadLineError as exc:
                bad(path, number, str(exc))
            else:
                times = array("d", times)
                yield Alike(vantage, own, service, feature, outcome, mechanism, times)
    except FileNotFoundError:
        return  # its time was over, between the listing and now
    except SealedError as exc:
        bad(path, number + 1, f"the sealed file is broken: {exc}")


def _groups(path: Path, where: str) -> Iterator[tuple[bool, _Row]]:
    """Whether they are features' own verdicts, and the columns of some that say the same."""
    features = list(rows(_FEATURES.format(where=where), [path]))
    speaking = {row[1:-1] for row in features if row[0]}
    for row in _some(_OWN, path, where, sum(row[-1] for row in features if row[0])):
        yield True, row
    silent = sum(row[-1] for row in features if row[1:-1] not in speaking)
    if silent:  # a third look only where it is needed
        for row in _some(_REST, path, where, silent):
            yield False, row


def _some(query: str, path: Path, where: str, number: int) -> Iterator[_Row]:
    """The rows of a query on so many verdicts, those that fit into memory at a time."""
    pieces = 1 + number // _AT_ONCE
    for piece in range(pieces):
        some = f'hash("at") % {pieces} = {piece}' if pieces > 1 else "true"
        yield from rows(query.format(where=where, some=some), [path])
