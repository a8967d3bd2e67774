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

OUTCOMES: Final = frozenset(get_args(Outcome))
_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS: Final = """
SELECT epoch_us("at"), vantage, country, asn, network, target, service, feature, outcome, mechanism
FROM read_parquet(?, hive_partitioning = false) WHERE {where}
"""

_Row = tuple[Any, ...]


def brief_rows(path: Path, where: str, bad: Callable[[Path, int, str], None]) -> Iterator[Brief]:
    """The verdicts of one part that meet a condition, those of one vantage with one object.

    ``bad`` is told of a row that is none, and of a broken file.
    """
    vantage_of = vantages()

    def make(row: _Row) -> Brief:
        micros, *place, target, service, feature, outcome, mechanism = row
        vantage = vantage_of(tuple(place))
        if micros is None or service is None or feature is None or outcome not in OUTCOMES:
            raise BadLineError("no verdict has these columns")
        at = _UNIX + timedelta(microseconds=micros)
        return Brief(at, vantage, target, service, feature, outcome, mechanism)

    return row_records(path, _ROWS.format(where=where), make, bad)


def vantages() -> Callable[[_Row], Vantage]:
    """Makes a vantage of its columns, or raises BadLineError; of the same the same object."""
    known: dict[_Row, Vantage] = {}

    def vantage_of(columns: _Row) -> Vantage:
        found = known.get(columns)
        if found is None:
            id_, country, asn, network = columns
            fields = {"id": id_, "country": country, "asn": asn, "network": network}
            try:
                found = known[columns] = msgspec.convert(fields, Vantage)
            except msgspec.ValidationError as exc:
                raise BadLineError(str(exc)) from None
        return found

    return vantage_of
