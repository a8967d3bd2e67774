"""A comparison to draw: a few networks, a few features, one disruption, one gap."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from support.reported import LAB, START, cycles, reported

from probe.compare.collect import collect
from probe.compare.comparison import Comparison, compare
from probe.compare.reports import Report
from probe.core.model import Vantage, Verdict

UNTIL: Final = datetime(2017, 7, 21, tzinfo=UTC)
MOBILE: Final = Vantage(id="mob-1", country="CN", asn=56041, network="mobile")
HOURLY: Final = timedelta(hours=1)
# Texts that break pages, pictures and spreadsheets that trust them. What they would fetch is at
# leak.example, where nothing ever is.
HOSTILE: Final = (
    "<script>document.title='run'</script>",
    "\"><img src='http://leak.example/a' onerror=\"document.title='run'\">",
    "]]></style></title><script>document.title='run'</script>",
    "$\\frac{1}{0}$ and $unclosed",
    "\x00\x1b[31m\u202egnp.exe\u2028\ud800",
    "ا ب ت \u05e9\u05dc\u05d5\u05dd",
    "🧨 微信 -->",
    '=HYPERLINK("http://leak.example/b")',
    "x" * 10_000,
)


def verdicts(pattern: str = "." * 24 + "b" * 12 + "." * 24) -> list[Verdict]:
    """An hour a letter from the 17th on: media fails at home; one vantage pauses for ten hours."""
    start = START - timedelta(hours=24)
    at_home = list(cycles(pattern, start, every=HOURLY, mechanism="tls.reset.sni"))
    text = list(cycles("." * 60, start, every=HOURLY, feature="text"))
    mobile = list(cycles("." * 20 + "oooo", start, every=HOURLY, vantage=MOBILE))
    later = START + timedelta(hours=10)
    return [*at_home, *text, *mobile, *cycles("." * 26, later, every=HOURLY, vantage=MOBILE)]


def compared(
    given: Sequence[Verdict] | None = None, reports: Sequence[Report] | None = None
) -> Comparison:
    """These verdicts, or those above, held against a report that fits and one that does not."""
    known = (
        reported(),
        reported(id="text", title="Text fails", features=["text"]),
        reported(id="else", title="Elsewhere", country="XE"),
    )
    held = known if reports is None else reports
    return compare(held, collect(verdicts() if given is None else given), until=UNTIL)


def named(service: str, *, vantage: Vantage = LAB) -> list[Verdict]:
    """A service of this name that fails for some hours, and by a mechanism of the same name."""
    pattern = "." * 30 + "x" * 6 + "." * 10
    return list(cycles(pattern, every=HOURLY, vantage=vantage, service=service, mechanism=service))
