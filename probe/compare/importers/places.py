"""Countries by the names that datasets use, and the days that are days there."""

from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from probe.compare import civil
from probe.compare.importers.dates import written
from probe.compare.importers.rows import RowError

# What datasets call them, where the IANA tables say it otherwise.
_ALSO: Final = {
    "bolivia": "BO",
    "brunei": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "cote d'ivoire": "CI",
    "côte d'ivoire": "CI",
    "ivory coast": "CI",
    "congo": "CG",
    "republic of congo": "CG",
    "republic of the congo": "CG",
    "congo-brazzaville": "CG",
    "democratic republic of congo": "CD",
    "democratic republic of the congo": "CD",
    "drc": "CD",
    "czechia": "CZ",
    "east timor": "TL",
    "eswatini": "SZ",
    "great britain": "GB",
    "united kingdom": "GB",
    "uk": "GB",
    "hong kong": "HK",
    "iran, islamic republic of": "IR",
    "lao pdr": "LA",
    "laos": "LA",
    "macedonia": "MK",
    "micronesia": "FM",
    "moldova": "MD",
    "myanmar": "MM",
    "north korea": "KP",
    "palestine": "PS",
    "occupied palestinian territory": "PS",
    "republic of korea": "KR",
    "russia": "RU",
    "russian federation": "RU",
    "south korea": "KR",
    "swaziland": "SZ",
    "syria": "SY",
    "syrian arab republic": "SY",
    "taiwan": "TW",
    "tanzania": "TZ",
    "the gambia": "GM",
    "the united states": "US",
    "turkiye": "TR",
    "türkiye": "TR",
    "united states of america": "US",
    "usa": "US",
    "uae": "AE",
    "venezuela": "VE",
    "viet nam": "VN",
    "vietnam": "VN",
    "mainland china": "CN",
    "brazil": "BR",
}
# Where one time is law, whatever else is kept by custom.
_ONE_TIME: Final = {"CN": "Asia/Shanghai", "IN": "Asia/Kolkata"}


def country(name: str) -> str:
    """The ISO 3166-1 code of a country, given by its name or its code."""
    wanted = " ".join(name.replace("’", "'").split())
    if len(wanted) == 2 and wanted.upper() in _zones():
        return wanted.upper()
    code = _ALSO.get(wanted.casefold()) or _names().get(wanted.casefold())
    if code is None:
        raise RowError(
            f"'{name[:60]}' is no country that we know" if name else "no country is named"
        )
    return code


def days(code: str, first: date, last: date) -> tuple[dict[str, Any], str, str]:
    """From the first moment of a day until the last of another, in all zones of a country.

    Gives the time zone to tell times in, and both instants as report files hold them. Where a
    country has several times, a dataset does not say which it means: the widest span holds all.
    """
    names = [_ONE_TIME[code]] if code in _ONE_TIME else _zones().get(code, ["UTC"])
    zones = [ZoneInfo(name) for name in names]
    starts = [civil.moment(first.isoformat(), zone, last=False) for zone in zones]
    ends = [civil.moment(last.isoformat(), zone, last=True) for zone in zones]
    return {"timezone": names[0]}, written(min(starts)), written(max(ends))


def window(
    code: str, onset: date, end: date | None, *, vague: int = 0, ongoing: bool = False
) -> dict[str, Any]:
    """The times of a report that names days; ``vague`` days are added at both sides of each."""
    if end is not None and end < onset:
        raise RowError(f"it ends on {end}, before it begins on {onset}")
    slack = timedelta(days=vague)
    zone, earliest, latest = days(code, onset - slack, onset + slack)
    times = {**zone, "onset_earliest": earliest, "onset_latest": latest}
    if end is None:
        return {**times, "ongoing": ongoing}
    _, first, last = days(code, max(end - slack, onset - slack), end + slack)
    return {**times, "end_earliest": max(first, earliest), "end_latest": last}


@cache
def _names() -> dict[str, str]:
    return {name.casefold(): code for code, name in _rows("iso3166.tab", 2)}


@cache
def _zones() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, _, zone in _rows("zone.tab", 3):
        found.setdefault(code, []).append(zone)
    return found


def _rows(name: str, columns: int) -> list[list[str]]:
    lines = files("tzdata.zoneinfo").joinpath(name).read_text("utf-8").splitlines()
    return [line.split("\t")[:columns] for line in lines if line and not line.startswith("#")]
