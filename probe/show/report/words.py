"""Numbers and times as the page writes them."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from probe.compare.reports import Report
from probe.compare.share import Share

NOTHING: Final = "–"


def percent(share: float | None) -> str:
    """Never 0 % for something, nor 100 % for less than all."""
    if share is None:
        return NOTHING
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"


def failures(share: Share) -> str:
    """As in "12 of 20 (60 %; 39 to 78 %)"."""
    if not share.cycles:
        return "nothing measured"
    interval = f"{percent(share.low)} to {percent(share.high)}"
    return f"{share.failed:,} of {share.cycles:,} ({percent(share.share)}; {interval})"


def minute(at: datetime) -> str:
    """As in "2017-07-18 04:00 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def moment(seconds: float) -> datetime:
    """A time of Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def interval(earliest: datetime | None, latest: datetime | None, zone: str = "UTC") -> str:
    """Between which moments something was measured to change, as clocks of that zone had it."""
    if earliest is None and latest is None:
        return NOTHING
    first, last = (
        f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else None
        for at in (earliest, latest)
    )
    name = zone if zone == "UTC" else f"({zone})"
    if first and last:
        return f"{first} {name}" if first == last else f"{first} to {last} {name}"
    return f"before {last} {name}" if last else f"after {first} {name}"


def hours(number: float) -> str:
    """As in "+3.5 h"; days where there are many."""
    return f"{number:+.1f} h" if abs(number) < 72 else f"{number / 24:+.1f} days"


def reported_onset(report: Report) -> str:
    """When it began, as the report has it, in its own time zone."""
    return _civil(report.onset_earliest, report.onset_latest, report.timezone)


def reported_end(report: Report) -> str:
    """When it ended, likewise."""
    if report.end_earliest is None or report.end_latest is None:
        return "ongoing" if report.ongoing else "not reported"
    return _civil(report.end_earliest, report.end_latest, report.timezone)


def _civil(earliest: datetime, latest: datetime, zone: str) -> str:
    """An interval in days, both included, where it is made of days; else to the minute."""
    first, last = (at.astimezone(ZoneInfo(zone)) for at in (earliest, latest))
    if first.time() == last.time() == time():
        days = first.date(), (latest - timedelta.resolution).astimezone(ZoneInfo(zone)).date()
        found = f"{days[0]}" if days[0] >= days[1] else f"{days[0]} to {days[1]}"
    elif first == last:
        found = f"{first:%Y-%m-%d %H:%M}"
    else:
        found = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    return f"{found} ({zone})"
