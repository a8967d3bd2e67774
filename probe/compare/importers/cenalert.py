"""CenAlert's table of known events, as CSV."""

from collections.abc import Iterator

from probe.compare.importers import places, services
from probe.compare.importers.dates import american_or_iso
from probe.compare.importers.rows import (
    Draft,
    Imported,
    Row,
    identity,
    imported,
    table,
    text,
    web_address,
)


def read(data: bytes, name: str) -> Imported:
    """The reports of one file. FormatError if it is no such table."""
    return imported(list(table(data, ("country", "start_date"), name)), _drafts)


def _drafts(row: Row) -> Iterator[Draft]:
    code = places.country(text(row, "country_code") or text(row, "country"))
    onset = american_or_iso(text(row, "start_date"))
    end = american_or_iso(text(row, "end_date")) if text(row, "end_date") else None
    affected = services.named([text(row, "affected_services")])
    region = text(row, "affected_regions")
    nationwide = region.casefold() in {"", "all", "national", "nationwide", "whole country"}
    what = ", ".join(affected) or "the internet"
    yield {
        "id": identity("cenalert", code, onset.isoformat(), what, region),
        "title": f"{what} in {code}{'' if nationwide else f' ({region})'}",
        "country": code,
        **({} if nationwide else {"region": region}),
        "services": affected,
        "kind": "blocked" if affected else "outage",
        "expects": "fails",
        **places.window(code, onset, end),
        "status": "reported",
        "sources": [
            {
                "publisher": text(row, "source") or "CenAlert",
                "date": onset.isoformat(),
                "url": web_address(text(row, "link")),
                "says": f"Listed by CenAlert; cause: {text(row, 'cause') or 'not told'}",
            }
        ],
    }
