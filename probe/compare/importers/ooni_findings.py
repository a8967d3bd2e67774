"""OONI's findings: incidents that people of OONI have written up, as their API gives them.

https://api.ooni.org/api/v1/incidents/search
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from probe.compare.importers import places, services
from probe.compare.importers.dates import instant, written
from probe.compare.importers.rows import (
    Draft,
    Imported,
    Row,
    RowError,
    document,
    imported,
    listed,
    text,
    web_address,
)


def read(data: bytes, name: str) -> Imported:  # noqa: ARG001  (as every importer)
    """The reports of one file, one per country of an incident. FormatError if it is no such."""
    return imported(listed(document(data), "incidents"), _drafts)


def _drafts(row: Row) -> Iterator[Draft]:
    number = text(row, "id")
    if not number:
        raise RowError("it has no id")
    if row.get("published") is False:
        raise RowError("it is not published")
    onset = _time(row, "start_time")
    end = _time(row, "end_time") if row.get("end_time") else None
    if end and end < onset:
        raise RowError("it ends before it begins")
    tests = [services.TESTS[name] for name in _texts(row, "test_names") if name in services.TESTS]
    countries = _texts(row, "CCs")
    if not countries:
        raise RowError("no country is named")
    asns = row.get("ASNs")
    told = text(row, "update_time") or text(row, "create_time") or text(row, "start_time")
    for code in dict.fromkeys(map(places.country, countries)):
        yield {
            "id": f"ooni-{number}-{code.lower()}"[:100],
            "title": text(row, "title") or f"OONI incident {number}",
            "country": code,
            "asns": [asn for asn in asns if isinstance(asn, int)] if isinstance(asns, list) else [],
            "services": list(dict.fromkeys([*tests, *_texts(row, "domains")])),
            "kind": "degraded" if "throttling" in _texts(row, "tags", "themes") else "blocked",
            "expects": "fails",
            "timezone": "UTC",
            "onset_earliest": written(onset),
            "onset_latest": written(onset),
            **_end(end),
            "status": "confirmed",
            "sources": [
                {
                    "publisher": text(row, "reported_by") or "OONI",
                    "date": told[:10],
                    "url": web_address(" ".join(_texts(row, "links")))
                    or f"https://explorer.ooni.org/findings/{number}",
                    "says": text(row, "short_description") or "Listed among OONI's findings.",
                }
            ],
        }


def _time(row: Row, key: str) -> datetime:
    """OONI writes instants in UTC, with and without saying so."""
    value = text(row, key).replace(" ", "T")
    return instant(value if value.endswith("Z") or "+" in value else f"{value}Z")


def _end(end: datetime | None) -> dict[str, Any]:
    if end is None:
        return {"ongoing": True}
    return {"end_earliest": written(end), "end_latest": written(end)}


def _texts(row: Row, *keys: str) -> list[str]:
    found = [row.get(key) for key in keys]
    return [
        word
        for one in found
        if isinstance(one, list)
        for word in one
        if isinstance(word, str) and word
    ]
