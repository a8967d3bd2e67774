"""Access Now's KeepItOn STOP dataset, as CSV; its columns have had other names in other years.

https://www.accessnow.org/campaign/keepiton/
"""

import re
from collections.abc import Iterator
from typing import Final

from probe.compare.importers import places, services
from probe.compare.importers.dates import american_or_iso
from probe.compare.importers.rows import (
    Draft,
    FormatError,
    Imported,
    Row,
    RowError,
    columns,
    identity,
    imported,
    table,
    text,
    web_address,
)

_APPROXIMATE: Final = 3  # days that a date which is not called exact may be off
# The newest name first.
_NAMES: Final = {
    "start": ("start_date", "date_start", "start"),
    "end": ("end_date", "date_end", "end"),
    "exact": ("start_date_type", "date_type"),
    "country": ("country", "country_name"),
    "scope": ("geo_scope", "geographic_scope", "scope"),
    "area": ("area_name", "area", "region_name"),
    "type": ("shutdown_type", "type_of_shutdown", "type"),
    "network": ("affected_network", "network_affected", "network"),
    "extent": ("shutdown_extent", "extent", "full_or_service_based"),
    "status": ("shutdown_status", "status"),
    "cause": ("actual_cause", "cause"),
    "source": ("info_source", "source"),
    "link": ("info_source_link", "source_link", "link", "links", "an_link"),
}
_STARTS: Final = frozenset(_NAMES["start"])  # one of them is there
_SERVICE: Final = re.compile(r"(\w+?)_?(?:affected|blocked)")
_NO_SERVICE: Final = frozenset({"other", "sms", "phonecall", "network", "telcos", "users"})
_KINDS: Final = {"throttle": "degraded", "throttling": "degraded", "slowdown": "degraded"}


def read(data: bytes, name: str) -> Imported:
    """The reports of one file. FormatError if it is no such table."""
    if _STARTS.isdisjoint(map(_plain, columns(data))):
        raise FormatError(f"{name} needs a column 'start_date' in its first line")
    rows = [{_plain(key): cell for key, cell in row.items()} for row in table(data, (), name)]
    return imported(rows, _drafts)


def _drafts(row: Row) -> Iterator[Draft]:
    cells = {part: _cell(row, names) for part, names in _NAMES.items()}
    code = places.country(cells["country"])
    onset = american_or_iso(cells["start"])
    ongoing = "ongoing" in cells["status"].casefold() or cells["end"].casefold() == "ongoing"
    end = american_or_iso(cells["end"]) if cells["end"] and not ongoing else None
    vague = 0 if cells["exact"].casefold() in {"", "exact", "exact date"} else _APPROXIMATE
    affected = _services(row) if "service" in cells["extent"].casefold() else []
    if "service" in cells["extent"].casefold() and not affected:
        raise RowError("it is service-based, but names no service")
    kind = next((known for word, known in _KINDS.items() if word in cells["type"].casefold()), None)
    area = "" if "national" in cells["scope"].casefold() else cells["area"]
    what = ", ".join(affected) or "the internet"
    yield {
        "id": identity("stop", code, cells["start"], cells["area"], cells["type"], what),
        "title": f"{what} in {cells['country']}{f' ({area})' if area else ''}: {cells['type']}",
        "country": code,
        **({"region": area} if area else {}),
        "networks": _networks(cells["network"]),
        "services": affected,
        "kind": kind or ("blocked" if affected else "outage"),
        "expects": "fails",
        **places.window(code, onset, end, vague=vague, ongoing=ongoing),
        "status": "reported",
        "sources": [
            {
                "publisher": cells["source"] or "Access Now, KeepItOn STOP dataset",
                "date": onset.isoformat(),
                "url": web_address(cells["link"]),
                "says": f"Listed in the STOP dataset; cause: {cells['cause'] or 'not told'}",
            }
        ],
    }


def _services(row: Row) -> list[str]:
    ticked = [
        found[1]
        for key, cell in row.items()
        if (found := _SERVICE.fullmatch(key))
        and found[1] not in _NO_SERVICE
        and str(cell).casefold() in {"yes", "y", "true", "1", "x"}
    ]
    return services.named([*ticked, text(row, "other_affected"), text(row, "services_affected")])


def _networks(cell: str) -> list[str]:
    words = cell.casefold()
    mobile, fixed = "mobile" in words, "broadband" in words or "fixed" in words
    return (["mobile"] if not fixed else []) if mobile else (["residential"] if fixed else [])


def _cell(row: Row, names: tuple[str, ...]) -> str:
    return next((found for name in names if (found := text(row, name))), "")


def _plain(name: str) -> str:
    """A column's name without remarks in brackets, in one form: "Start Date (M/D/Y)"."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"\([^)]*\)", "", name.casefold())).strip("_")
