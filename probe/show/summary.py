"""A person's summary of stored measurements: one entry per target, on 80 columns.

It reads a stream of any length in bounded memory: per target a few counts, and a sample of the
durations from which the median is estimated.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Final, TextIO

from rich.table import Table
from rich.text import Text

from probe.core.model import Measurement
from probe.core.times import rfc3339
from probe.judge.deciding import deciding
from probe.record.join import Judged
from probe.show.tabular import console_for
from probe.show.terminal import safe

SAMPLE: Final = 1000  # durations per target: the median's error is then a few percent of its rank
_SAYS_NOTHING: Final = frozenset({"offline", "invalid"})  # about the target, that is


@dataclass(slots=True)
class Summary:
    """What is known of one target: counts, and a random sample of its total durations in ms."""

    count: int = 0
    outcomes: Counter[Judged] = field(default_factory=Counter)
    sample: list[float] = field(default_factory=list)
    timed: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, measurement: Measurement, judged: Judged | None, chance: random.Random) -> None:
        """Take in one measurement."""
        self.count += 1
        at = measurement.started
        self.first = min(self.first or at, at)
        self.last = max(self.last or at, at)
        if judged:
            self.outcomes[judged] += 1
        by = deciding(measurement)
        if by and by.succeeded:
            self._sample(by.steps[-1].t * 1000, chance)

    def _sample(self, value: float, chance: random.Random) -> None:
        """Keep each value with the same chance (reservoir sampling, Vitter 1985, algorithm R)."""
        self.timed += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(value)
        elif (place := chance.randrange(self.timed)) < SAMPLE:
            self.sample[place] = value

    @property
    def ok_share(self) -> float | None:
        """The share of ok among what says something about the target; None without any."""
        counted = sum(
            n for judged, n in self.outcomes.items() if judged.outcome not in _SAYS_NOTHING
        )
        ok = sum(n for judged, n in self.outcomes.items() if judged.outcome == "ok")
        return ok / counted if counted else None

    @property
    def commonest_failure(self) -> tuple[str, str, int] | None:
        """Outcome, mechanism ("" if none) and number of what went wrong most often."""
        failures: Counter[tuple[str, str]] = Counter()
        for judged, number in self.outcomes.items():
            if judged.outcome != "ok":
                failures[judged.outcome, judged.mechanism or ""] += number
        for (outcome, mechanism), number in failures.most_common(1):
            return outcome, mechanism, number
        return None


def summarise(
    rows: Iterable[tuple[Measurement, Judged | None]],
) -> dict[tuple[str, str, str], Summary]:
    """The summaries by (service, feature, target id).

    Sorted by service and feature; within them, targets are in the order in which they were
    measured first, which is the configuration's.
    """
    chance = random.Random(0)  # noqa: S311  # a sample, no secret; the same input gives the same
    found: dict[tuple[str, str, str], Summary] = {}
    for measurement, judged in rows:
        target = measurement.target
        key = (target.service, target.feature, target.id)
        found.setdefault(key, Summary()).add(measurement, judged, chance)
    return dict(sorted(found.items(), key=lambda entry: entry[0][:2]))


def write_table(rows: Iterable[tuple[Measurement, Judged | None]], out: TextIO) -> int:
    """Print the summary; colours and the full width only on a terminal. Gives the measurements."""
    summaries = summarise(rows)
    console = console_for(out)
    if summaries:
        start = min(summary.first for summary in summaries.values() if summary.first)
        end = max(summary.last for summary in summaries.values() if summary.last)
        console.print(f"{_minute(start)} to {_minute(end)} UTC\n")
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("target", overflow="fold", max_width=37)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("ok", justify="right", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("commonest failure", overflow="fold")
    heading = None
    for (service, feature, target), summary in summaries.items():
        if heading != (service, feature):
            heading = (service, feature)
            table.add_row(Text(safe(f"{service} {feature}"), "bold"))
        table.add_row(
            Text(f"  {safe(target)}"),
            str(summary.count),
            _ok(summary.ok_share),
            f"{median(summary.sample):.0f} ms" if summary.sample else "-",
            _failure(summary.commonest_failure),
        )
    console.print(table)
    return sum(summary.count for summary in summaries.values())


def _ok(share: float | None) -> Text:
    if share is None:
        return Text("-")
    # Rounded down: only what never failed is 100 %.
    shown = f"{int(share * 1000) / 10:.1f} %" if share < 1 else "100 %"
    return Text(shown, "green" if share == 1 else "yellow" if share else "red")


def _failure(failure: tuple[str, str, int] | None) -> Text:
    if failure is None:
        return Text("-")
    outcome, mechanism, number = failure
    where = f" {mechanism}" if mechanism else ""
    return Text.assemble((safe(outcome), "red"), f"{safe(where)} ({number})")


def _minute(at: datetime) -> str:
    return rfc3339(at)[:16].replace("T", " ")
