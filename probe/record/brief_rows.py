"""Of sealed verdicts only what a comparison needs, read of their columns."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from probe.core.model import Outcome, Vantage
from probe.record.brief import Brief
from probe.record.codec import BadLineError
from probe.record.sealed import row_records

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OUTCOMES: Final = frozenset(get_args(Outcome))
_NAMES: Final = ("vantage", "country", "asn", "network", "service", "feature")
_ROWS: Final = """
WITH found AS (
    SELECT epoch_us("at") AS micros, vantage, country, asn, network,
        target, service, feature, outcome, mechanism
    FROM read_parquet(?, hive_partitioning = false) WHERE {where}
)
SELECT found.* FROM found {but}
"""
# A feature that has a verdict of its own speaks for its targets.
_SAME: Final = " AND ".join(f"found.{name} IS NOT DISTINCT FROM spoken.{name}" for name in _NAMES)
_BUT_TARGETS: Final = f"""
ANTI JOIN (SELECT DISTINCT {", ".join(_NAMES)} FROM found WHERE target IS NULL) AS spoken
ON found.target IS NOT NULL AND {_SAME}
"""  # noqa: S608 - names of columns, all written here

_Row = tuple[Any, ...]


def brief_rows(
    path: Path, where: str, bad: Callable[[Path, int, str], None], *, telling: bool
) -> Iterator[Brief]:
    """The verdicts of one part that meet a condition, those of one vantage with one object.

    With ``telling``, those on targets are left out whose feature has a verdict of its own among
    them. ``bad`` is told of a row that is none, and of a broken file.
    """
    vantages: dict[_Row, Vantage] = {}

    def make(row: _Row) -> Brief:
        micros, *place, target, service, feature, outcome, mechanism = row
        key = tuple(place)
        vantage = vantages.get(key)
        if vantage is None:
            vantage = vantages[key] = _vantage(key)
        if micros is None or service is None or feature is None or outcome not in _OUTCOMES:
            raise BadLineError("no verdict has these columns")
        at = _UNIX + timedelta(microseconds=micros)
        return Brief(at, vantage, target, service, feature, outcome, mechanism)

    query = _ROWS.format(where=where, but=_BUT_TARGETS if telling else "")
    return row_records(path, query, make, bad)


def _vantage(key: _Row) -> Vantage:
    id_, country, asn, network = key
    fields = {"id": id_, "country": country, "asn": asn, "network": network}
    try:
        return msgspec.convert(fields, Vantage)
    except msgspec.ValidationError as exc:
        raise BadLineError(str(exc)) from None
