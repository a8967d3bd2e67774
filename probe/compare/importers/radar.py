"""Cloudflare Radar's outage annotations.

https://developers.cloudflare.com/api/ (radar, annotations, outages)
"""

from collections.abc import Iterator

from probe.compare.importers import places
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
    """The reports of one file, one per country of an outage. FormatError if it is no such."""
    return imported(listed(document(data), "result", "annotations"), _drafts)


def _drafts(row: Row) -> Iterator[Draft]:
    number = text(row, "id")
    if not number:
        raise RowError("it has no id")
    onset = instant(row.get("startDate"))
    end = instant(row["endDate"]) if row.get("endDate") else None
    if end and end < onset:
        raise RowError("it ends before it begins")
    asns = row.get("asns")
    numbers = [asn for asn in asns if isinstance(asn, int)] if isinstance(asns, list) else []
    locations = row.get("locations")
    codes = (
        [one for one in locations if isinstance(one, str)] if isinstance(locations, list) else []
    )
    if not codes:
        raise RowError("no country is named")
    outage = row.get("outage")
    cause = text(outage, "outageCause") if isinstance(outage, dict) else ""
    said = text(row, "description") or f"An outage; cause: {cause or 'not told'}"
    for code in dict.fromkeys(map(places.country, codes)):
        scope = text(row, "scope")
        yield {
            "id": f"radar-{number.casefold()}-{code.lower()}"[:100],
            "title": f"Outage in {scope or code}: {cause or 'no cause told'}",
            "country": code,
            **({"region": scope} if scope else {}),
            "asns": numbers,
            "kind": "outage",
            "expects": "fails",
            "timezone": "UTC",
            "onset_earliest": written(onset),
            "onset_latest": written(onset),
            **(
                {"end_earliest": written(end), "end_latest": written(end)}
                if end
                else {"ongoing": True}
            ),
            "status": "reported",
            "sources": [
                {
                    "publisher": "Cloudflare Radar",
                    "date": f"{onset:%Y-%m-%d}",
                    "url": web_address(text(row, "linkedUrl")),
                    "says": said,
                }
            ],
        }
