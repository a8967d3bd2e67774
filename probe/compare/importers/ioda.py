"""IODA's outage events, in both shapes of its API ("codf" and "ioda").

https://api.ioda.inetintel.cc.gatech.edu/v2/
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from probe.compare.importers import places
from probe.compare.importers.dates import unix, written
from probe.compare.importers.rows import (
    Draft,
    FormatError,
    Imported,
    Row,
    RowError,
    document,
    identity,
    imported,
    listed,
    text,
)


def read(data: bytes, name: str) -> Imported:  # noqa: ARG001  (as every importer)
    """The reports of one file. FormatError if it holds no events; alerts are none."""
    value = document(data)
    rows = listed(value) if isinstance(value, list) else listed(value, "data")
    if rows and all("level" in row and "condition" in row for row in rows):
        raise FormatError("these are IODA's alerts, single readings; ask its API for events")
    return imported(rows, _drafts)


def _drafts(row: Row) -> Iterator[Draft]:
    place, label = _place(row)
    if "from" in row:
        onset, end = unix(row["from"]), unix(row.get("until"))
    else:
        onset = unix(row.get("start"))
        length = row.get("duration")
        if isinstance(length, bool) or not isinstance(length, int | float) or length < 0:
            raise RowError("its duration is missing")
        end = onset + timedelta(seconds=min(length, 10 * 366 * 86400))
    if end <= onset:
        raise RowError("it ends before it begins")
    source, score = text(row, "datasource"), text(row, "score")
    yield {
        "id": identity("ioda", place, source, text(row, "method"), written(onset)),
        "title": f"Outage of {label}, seen by {source or 'IODA'}",
        "country": places.country(place),
        "kind": "outage",
        "expects": "fails",
        "timezone": "UTC",
        "onset_earliest": written(onset),
        "onset_latest": written(onset),
        "end_earliest": written(end),
        "end_latest": written(end),
        "status": "reported",
        "sources": [
            {
                "publisher": "IODA",
                "date": f"{onset:%Y-%m-%d}",
                "says": f"An outage by {source or 'its data'}, score {score or 'not told'}",
            }
        ],
    }


def _place(row: Row) -> tuple[str, str]:
    """The country of an event, and its name; RowError for a network or region without one."""
    entity: Any = row.get("entity", row.get("location"))
    if isinstance(entity, dict):
        kind, code, label = text(entity, "type"), text(entity, "code"), text(entity, "name")
    else:
        kind, _, code = str(entity or "").partition("/")
        label = text(row, "location_name")
    if kind != "country":
        raise RowError(f"it is about '{kind or 'nothing'}', which tells no country")
    return code, label or code
