"""Days and instants as report files write them.

A bare date is a civil day somewhere: it has a first moment, and ends where the next day begins.
Both are instants in UTC here; daylight saving moves them, and in some zones moves midnight itself.
"""

import re
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, TypeVar

_YEARS: Final = range(1970, 2200)  # outside is a slip of the pen, and near the ends dates overflow
_DAY = TypeVar("_DAY", date, datetime)


def is_day(value: object) -> bool:
    """Whether this is written as a bare date, right or wrong: 2017-07-18."""
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value))


def day(value: object) -> date:
    """The day that a bare date names; else ValueError."""
    if not isinstance(value, str) or not is_day(value):
        raise ValueError("write a day as in 2017-07-18")
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"'{value}' is no day of the calendar") from None
    return _plausible(found)


def moment(value: object, zone: zoneinfo.ZoneInfo, *, last: bool) -> datetime:
    """An instant, or the first moment of a civil day, or (``last``) of the day after it; in UTC.

    ValueError for anything else, also for an instant that names no offset.
    """
    if not isinstance(value, str):
        raise ValueError("write a day as in 2017-07-18, or an instant as in 2017-07-18T04:00:00Z")
    if is_day(value):
        midnight = day(value) + timedelta(days=1 if last else 0)
        # Where clocks go back over midnight, fold=0 is the first of the two; where they go
        # forward over it, it gives the instant of the change: in both, the day's first moment.
        return datetime.combine(midnight, time(), zone).astimezone(UTC)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        hint = "write 2017-07-18 or 2017-07-18T04:00:00Z"
        raise ValueError(f"'{value}' is no time: {hint}") from None
    if at.tzinfo is None:
        raise ValueError(f"'{value}' names no offset: end it with Z, or with one such as +08:00")
    return _plausible(at).astimezone(UTC)


def _plausible(at: _DAY) -> _DAY:
    if at.year not in _YEARS:
        raise ValueError(f"the year {at.year} lies outside {_YEARS[0]} to {_YEARS[-1]}")
    return at


@cache
def zones() -> frozenset[str]:
    """The names of all IANA time zones."""
    return frozenset(zoneinfo.available_timezones())
