"""Outcomes, times and states as the page says them: by a word, a letter and a colour."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from probe.core.model import Outcome, Vantage
from probe.show.report.words import minute, moment

# A letter each, so that nothing rests on colour.
SIGNS: Final[dict[Outcome, str]] = {
    "blocked": "B",
    "degraded": "S",
    "denied": "R",
    "down": "D",
    "unreachable": "U",
    "ok": "✓",
    "inconclusive": "?",
    "offline": "–",
    "invalid": "!",
}
MEANINGS: Final[dict[Outcome, str]] = {
    "blocked": "fails here and answers elsewhere, or the path itself gave proof",
    "degraded": "works, but stalls or is slowed down",
    "denied": "the server itself refuses here",
    "down": "fails at every control too",
    "unreachable": "fails here; nothing tells blocked from down",
    "ok": "got what the check is for",
    "inconclusive": "too little evidence for more",
    "offline": "the vantage itself had no working network",
    "invalid": "an error of the probe or its machine",
}
STATES: Final = {
    "online": "online",
    "international_path_down": "international path down: domestic anchors answer, foreign do not",
    "captive": "behind a captive portal",
    "offline": "offline",
    "untested": "not tested: no anchors are configured",
}


def utc(time: float) -> str:
    """A moment of Unix seconds, as in "2017-07-18 04:00 UTC"."""
    return minute(moment(time))


def clock(at: datetime) -> str:
    """As in "04:00"."""
    return f"{at.astimezone(UTC):%H:%M}"


def span(seconds: float) -> str:
    """How long, in at most two units, as in "3 days 4 h"."""
    minutes = int(max(seconds, 0) // 60)
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        named = "1 day" if days == 1 else f"{days:,} days"
        return f"{named} {hours} h" if hours and days < 10 else named
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{minutes} min"


def counted(counts: Mapping[Outcome, int]) -> str:
    """As in "blocked 5, ok 1"; what accuses most comes first."""
    return ", ".join(f"{outcome} {counts[outcome]:,}" for outcome in SIGNS if counts.get(outcome))


def place(vantage: Vantage | None) -> str:
    """Where a vantage is, as in "CN, AS4134, residential"."""
    if vantage is None:
        return ""
    asn = f"AS{vantage.asn}" if vantage.asn is not None else None
    network = vantage.network.replace("_", " ") if vantage.network else None
    return ", ".join(part for part in (vantage.country, asn, network) if part)
