"""Datasets of many kinds with known truth, and a report of each: true, or false in some way.

Beside ``planted``: other cadences, vantages that begin late, lines that fail in long spells,
reports at the edges of the data, ongoing ones, announcements and denials, leased lines, outages
with and without a control behind them, and windows across a change to or from summer time.
``python -m support.kinds FIRST LAST`` (in ``tests``) tells how the seeds of a range are answered.
"""

import random
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from support.planted import ASNS, claimed

from probe.compare.answer import Answer
from probe.compare.comparison import compare
from probe.compare.reports import Report
from probe.compare.series import CODES, Series
from probe.core.model import Network, Outcome, Vantage

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
CADENCES: Final = (5 * 60, 3600, 86400)  # seconds
DAYS: Final = {5 * 60: (30, 45), 3600: (40, 120), 86400: (120, 365)}
NETWORKS: Final[tuple[Network, ...]] = ("residential", "mobile", "datacenter")
# Time zones, and when their clocks were changed: by an hour, or half of one.
CHANGES: Final = (
    ("Europe/Berlin", datetime(2017, 3, 26, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2017, 10, 29, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2017, 11, 5, 6, tzinfo=UTC)),
    ("Asia/Tehran", datetime(2017, 9, 21, 19, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2017, 9, 30, 15, 30, tzinfo=UTC)),
)


@dataclass
class Made:
    """One dataset while it is being made; ``fails`` is what disrupts it: when, what, where."""

    rng: random.Random
    every: int
    start: datetime
    end: datetime
    onset: datetime
    until: datetime
    networks: list[Network]
    noise: float
    burst: float
    evening: float
    zone: str = "UTC"
    true: bool = False
    fails: list[tuple[datetime, datetime, Outcome, Network | None]] = field(default_factory=list)
    claim: dict[str, Any] = field(default_factory=dict)

    def disrupt(self, outcome: Outcome, network: Network | None = None) -> None:
        """Let it fail in the window that is reported."""
        self.fails.append((self.onset, self.until, outcome, network))

    def open_end(self) -> None:
        """Let the report, and what disrupts, go on."""
        self.claim |= {"end_earliest": None, "end_latest": None, "ongoing": True}
        self.fails = [(one[0], self.end, *one[2:]) for one in self.fails]


def _nothing(kind: str) -> Callable[[Made], None]:
    def make(made: Made) -> None:
        made.claim["kind"] = kind

    return make


def _elsewhere(made: Made) -> None:
    """A real one, but long before or long after what is reported."""
    made.claim["kind"] = made.rng.choice(["blocked", "outage"])
    length = made.until - made.onset
    before, after = made.onset - made.start, made.end - made.until
    room = 4 * DAY + length
    if max(before, after) < 2 * room:
        return
    at = made.onset - room if before > after else made.until + 4 * DAY
    outcome: Outcome = "blocked" if made.claim["kind"] == "blocked" else "unreachable"
    made.fails.append((at, at + length, outcome, None))


def _otherwise(made: Made) -> None:
    """It fails, but not in the way that is reported."""
    kind, outcomes = made.rng.choice(
        [
            ("blocked", ("down", "unreachable", "denied")),
            ("degraded", ("down", "unreachable")),
            ("provider_closed", ("blocked", "unreachable")),
        ]
    )
    made.claim["kind"] = kind
    made.disrupt(made.rng.choice(outcomes))


def _ongoing(made: Made) -> None:
    made.claim["kind"] = made.rng.choice(["blocked", "outage", "announcement", "provider_closed"])
    made.open_end()


def _edge(made: Made) -> None:
    """The window reaches beyond the data, which shows nothing."""
    made.claim["kind"] = made.rng.choice(["blocked", "outage"])
    length = made.until - made.onset
    if made.rng.random() < 0.5:
        made.onset = made.start - length / 2
    else:
        made.onset = made.end - length / 2
    made.until = made.onset + length


def _wrongly_denied(made: Made) -> None:
    made.disrupt(made.rng.choice(["blocked", "degraded"]))
    made.claim |= {"kind": made.rng.choice(["denial", "statement"]), "expects": "ok"}


def _leased_fails(made: Made) -> None:
    """Said to work on leased lines, where it fails; or to fail there, where it works."""
    made.networks = ["leased_line", "residential", "mobile"][: made.rng.randint(1, 3)]
    made.claim["networks"] = ["leased_line"]
    if made.rng.random() < 0.5:
        made.disrupt("blocked", "leased_line")
        made.claim |= {"kind": "statement", "expects": "ok"}
    else:
        made.disrupt("blocked", "residential")


def _true(kind: str, *outcomes: Outcome) -> Callable[[Made], None]:
    def make(made: Made) -> None:
        made.true = True
        made.claim["kind"] = kind
        made.disrupt(made.rng.choice(outcomes))
        if kind == "provider_closed" or made.rng.random() < 0.2:
            made.open_end()

    return make


def _rightly_denied(made: Made) -> None:
    made.true = True
    made.claim |= {"kind": made.rng.choice(["denial", "statement"]), "expects": "ok"}


def _leased_works(made: Made) -> None:
    made.true = True
    made.networks = ["leased_line", "residential", "mobile"]
    made.disrupt("blocked", "residential")
    made.claim |= {"kind": "statement", "expects": "ok", "networks": ["leased_line"]}


KINDS: Final[dict[str, Callable[[Made], None]]] = {
    "no block": _nothing("blocked"),
    "no slowness": _nothing("degraded"),
    "no outage": _nothing("outage"),
    "no outage either": _nothing("outage"),  # twice: only here noise alone can bear a claim out
    "announced in vain": _nothing("announcement"),
    "elsewhere": _elsewhere,
    "otherwise": _otherwise,
    "ongoing in vain": _ongoing,
    "beyond the edge": _edge,
    "wrongly denied": _wrongly_denied,
    "leased line, false": _leased_fails,
    "block": _true("blocked", "blocked"),
    "outage": _true("outage", "unreachable"),
    "outage, controlled": _true("outage", "down"),
    "announced": _true("announcement", "blocked"),
    "closed": _true("provider_closed", "down"),
    "rightly denied": _rightly_denied,
    "leased line, true": _leased_works,
}


@dataclass(frozen=True)
class Case:
    """One dataset, and how the report about it was answered."""

    seed: int
    kind: str
    made: Made
    series: tuple[Series, ...]
    report: Report
    answer: Answer


def case(seed: int) -> Case:
    """Make a dataset and hold its report against it."""
    kind = list(KINDS)[seed % len(KINDS)]
    made = _made(random.Random(f"kinds {seed}"))
    KINDS[kind](made)
    changes = {"timezone": made.zone, **made.claim}
    zone = ZoneInfo(made.zone)
    report = claimed(made.onset.astimezone(zone), made.until.astimezone(zone), **changes)
    series = tuple(_series(made))
    answer = compare([report], series, until=made.end).answers[0]
    return Case(seed, kind, made, series, report, answer)


def _made(rng: random.Random) -> Made:
    every = rng.choice(CADENCES)
    days = rng.uniform(*DAYS[every])
    length = timedelta(seconds=max(rng.uniform(6, 96) * 3600, 5 * every))
    at = rng.uniform(0.15, 0.85) * (days * DAY - length)
    zone, start = "UTC", datetime(2017, 6, 1, tzinfo=UTC)
    if rng.random() < 0.3:  # the clocks are changed within the window
        zone, change = rng.choice(CHANGES)
        start = change - at - rng.uniform(0.1, 0.9) * length
    return Made(
        rng,
        every,
        start,
        start + days * DAY,
        start + at,
        start + at + length,
        rng.choices(NETWORKS, (4, 4, 1), k=rng.randint(1, 4)),
        noise=rng.choice([0.0, 0.01, 0.02, 0.05, 0.1]),
        burst=rng.choice([0.0, 0.3, 0.6, 0.75]),
        evening=rng.choice([0.0, 0.0, 0.2]),
        zone=zone,
    )


def _series(made: Made) -> Iterator[Series]:
    for number, network in enumerate(made.networks):
        late = made.rng.choice([0.0, 0.0, 0.25])  # of the time, one begins so late
        start = made.start + made.rng.uniform(0, late) * (made.end - made.start)
        lost = made.rng.choice([0.0, 0.0, 0.1])
        times, outcomes, failed = array("d"), bytearray(), False
        at = start + timedelta(seconds=made.rng.uniform(0, made.every))
        while at < made.end:
            outcome, failed = _outcome(made, network, at, failed)
            if made.rng.random() >= lost:
                times.append(at.timestamp())
                outcomes.append(CODES[outcome])
            at += timedelta(seconds=made.every * made.rng.uniform(0.97, 1.03))
        vantage = Vantage(id=f"v{number}", country="CN", asn=ASNS[number], network=network)
        none = array("I", bytes(4 * len(times)))
        yield Series(vantage, "whatsapp", "media", times, outcomes, none, (None,))


def _outcome(made: Made, network: Network, at: datetime, failed: bool) -> tuple[Outcome, bool]:
    for start, end, outcome, concerned in made.fails:
        if start <= at < end and concerned in {None, network}:
            return outcome, False
    evening = made.evening if 12 <= at.hour < 16 else 0.0
    chance = made.burst if failed and made.burst else made.noise + evening
    failed = made.rng.random() < chance
    return ("unreachable" if failed else "ok"), failed


def main(first: int, last: int) -> None:
    """Tell how the answers to these seeds' reports are spread, and which are wrong."""
    found: Counter[tuple[str, bool, str]] = Counter()
    for seed in range(first, last):
        one = case(seed)
        found[one.kind, one.made.true, one.answer.answer] += 1
        if one.answer.answer == ("contradicted" if one.made.true else "supported"):
            print(f"wrong: {seed} {one.kind}: {one.answer.answer}: {one.answer.sentence}")
    for (kind, true, answer), number in sorted(found.items()):
        print(f"{'true' if true else 'false'}  {kind:20} {answer:14} {number:4}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
