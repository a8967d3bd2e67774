"""What the results say about reported disruptions: for a person, and as JSON, JSON Lines and CSV.

Titles and names come from files that anybody may have written; on a terminal they are made
harmless, and a spreadsheet runs none of them.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final, TextIO

from rich.table import Table
from rich.text import Text

from probe.compare.answer import Answer
from probe.compare.reports import Report
from probe.compare.share import Share
from probe.compare.unreported import Unreported
from probe.core.times import rfc3339
from probe.show.csv import text as guarded
from probe.show.tabular import console_for
from probe.show.terminal import safe

LISTED: Final = 20  # unreported streaks in the table; the other formats hold all of them

_COLOURS: Final = {
    "supported": "bold green",
    "contradicted": "bold red",
    "partly": "bold yellow",
    "inconclusive": "yellow",
    "no_coverage": "cyan",
}
_WORD: Final = 12
_LINE: Final = f"  {{:{_WORD}}}  {{:>8}}   {{}}"
_PERIODS: Final = ("before", "during", "after")
COLUMNS: Final = tuple(
    name
    for part in fields(Answer)
    for name in (
        [f"{part.name}_{of.name}" for of in fields(Share)] if part.name in _PERIODS else [part.name]
    )
)


def write_json(answers: Iterable[Answer], unreported: Iterable[Unreported], out: TextIO) -> None:
    """One object: ``{"answers": [], "unreported": []}``; times are RFC 3339 in UTC."""
    document = {
        "answers": [asdict(answer) for answer in answers],
        "unreported": [asdict(streak) for streak in unreported],
    }
    json.dump(document, out, default=_time, ensure_ascii=False, indent=2)
    out.write("\n")


def write_jsonl(answers: Iterable[Answer], out: TextIO) -> None:
    """One answer per line."""
    out.writelines(
        json.dumps(asdict(answer), default=_time, ensure_ascii=False) + "\n" for answer in answers
    )


def write_csv(answers: Iterable[Answer], out: TextIO) -> None:
    """One row per answer after a header: RFC 4180, empty where nothing is known.

    Each of before, during and after takes five columns; vantages are separated by spaces, and
    mechanisms stand as ``name=count``.
    """
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for answer in answers:
        parts = (getattr(answer, part.name) for part in fields(Answer))
        writer.writerow(cell for part in parts for cell in _cells(part))


def write_table(
    reports: Sequence[Report],
    answers: Sequence[Answer],
    unreported: Sequence[Unreported],
    out: TextIO,
) -> None:
    """Print each report with its answer, in the same order, and what nobody reported.

    Colours and the full width only on a terminal; no meaning is in colour alone.
    """
    console = console_for(out)
    if reports:
        console.print(Text(_LINE.format("answer", "coverage", "failed before → during → after")))
    for report, answer in zip(reports, answers, strict=True):
        console.print()
        console.print(Text(safe(report.title), "bold"))
        console.print(_figures(answer))
        for line in Text(safe(answer.sentence)).wrap(console, console.width - 2):
            console.print(Text.assemble("  ", line))
    console.print()
    if unreported:
        console.print(_streaks(unreported))
    else:
        console.print("Unreported: no disruption was found outside the reported windows.")


def _figures(answer: Answer) -> Text:
    word = f"{answer.answer.replace('_', ' '):{_WORD}}"
    shares = (answer.before.share, answer.during.share, answer.after.share)
    failed = " → ".join(f"{_percent(share):>5}" for share in shares)
    line = Text(_LINE.format(word, _percent(answer.coverage), failed))
    line.stylize(_COLOURS[answer.answer], 2, 2 + len(word))
    return line


def _streaks(unreported: Sequence[Unreported]) -> Table:
    longest = sorted(unreported, key=lambda one: -one.cycles)[:LISTED]
    more = len(unreported) - len(longest)
    table = Table(
        box=None,
        padding=(0, 1),
        title="Unreported: disruptions that no report speaks of",
        title_style="bold",
        title_justify="left",
        caption=f"and {more} more; --format json lists all" if more else None,
        caption_justify="left",
    )
    table.add_column("network", overflow="fold")
    table.add_column("feature", overflow="fold")
    table.add_column("from, until (UTC)", no_wrap=True)
    table.add_column("failed", justify="right", no_wrap=True)
    table.add_column("mostly", overflow="fold")
    for one in sorted(longest, key=lambda one: one.onset_latest):
        end = one.end_latest
        table.add_row(
            Text(safe(one.network)),
            Text(safe(f"{one.service} {one.feature}")),
            f"{_minute(one.onset_latest)}\n{_minute(end) if end else 'no end seen'}",
            f"{one.failed} of {one.cycles}",
            Text(safe(f"{next(iter(one.outcomes), '-')} {next(iter(one.mechanisms), '')}")),
        )
    return table


def _cells(part: Any) -> Iterator[object]:
    match part:
        case Share():
            for of in fields(Share):
                yield from _cells(getattr(part, of.name))
        case tuple():
            numbers = all(isinstance(one, float) for one in part)
            yield " ".join(f"{one:.6f}" for one in part) if numbers else guarded(" ".join(part))
        case dict():
            yield guarded(" ".join(f"{name}={count}" for name, count in part.items()))
        case datetime():
            yield rfc3339(part)
        case float():
            yield f"{part:.6f}"
        case str():
            yield guarded(part)
        case _:
            yield part


def _percent(share: float | None) -> str:
    """Never 0 % for something, nor 100 % for less than all."""
    if share is None:
        return "-"
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"


def _minute(at: datetime) -> str:
    return rfc3339(at)[:16].replace("T", " ")


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
