"""Instants in files: UTC, RFC 3339, always six decimals and ``Z``, so that text sorts as time."""

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """Write an aware instant the one way that files hold it, e.g. 2017-07-18T04:00:00.000000Z."""
    utc = at.astimezone(UTC)
    # Faster than strftime, and isoformat drops the decimals of a whole second.
    return (
        f"{utc.year:04}-{utc.month:02}-{utc.day:02}T"
        f"{utc.hour:02}:{utc.minute:02}:{utc.second:02}.{utc.microsecond:06}Z"
    )


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant, or a bare date as its first moment in UTC; else ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no time: write 2017-07-18 or 2017-07-18T04:00:00Z") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def utc_day(at: datetime) -> str:
    """The UTC civil day, as result files are named after it: 2017-07-18."""
    return at.astimezone(UTC).date().isoformat()
