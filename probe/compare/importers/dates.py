"""Dates as datasets write them, read strictly: what is not surely one is refused."""

import math
import re
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar

from probe.compare.importers.rows import RowError

_Time = TypeVar("_Time", date, datetime)
_FIRST, _LAST = 2000, 2100  # a dataset of disruptions knows no others; outside is a slip


def american(text: str) -> date:
    """A day as in 7/18/2017: month, day, year."""
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    if not found:
        raise RowError(f"'{text[:40]}' is no date of the form month/day/year")
    month, day, year = map(int, found.groups())
    return _day(year, month, day, text)


def american_or_iso(text: str) -> date:
    """A day as in 7/18/2017 or 2017-07-18."""
    return iso(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else american(text)


def iso(text: str) -> date:
    """A day as in 2017-07-18."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    if not found:
        raise RowError(f"'{text[:40]}' is no date of the form year-month-day")
    year, month, day = map(int, found.groups())
    return _day(year, month, day, text)


def instant(value: Any) -> datetime:
    """An instant in RFC 3339, which names its offset; a day alone is none."""
    if not isinstance(value, str):
        raise RowError("a time is missing")
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise RowError(f"'{value[:40]}' is no time") from None
    if found.tzinfo is None or len(value) <= len("2017-07-18"):
        raise RowError(f"'{value[:40]}' names no offset from UTC")
    return _plausible(found.astimezone(UTC))


def unix(value: Any) -> datetime:
    """An instant in seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RowError("a time in seconds since 1970 is missing")
    try:
        return _plausible(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        raise RowError(f"{value} seconds since 1970 are beyond the calendar") from None


WRITTEN: Final = "%Y-%m-%dT%H:%M:%SZ"


def written(at: datetime) -> str:
    """An instant as report files hold it."""
    return at.astimezone(UTC).strftime(WRITTEN)


def _day(year: int, month: int, day: int, given: str) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        raise RowError(f"'{given}' is no day of the calendar") from None
    return _plausible(found)


def _plausible(at: _Time) -> _Time:
    if not _FIRST <= at.year < _LAST:
        raise RowError(f"the year {at.year} lies outside {_FIRST} to {_LAST - 1}")
    return at
