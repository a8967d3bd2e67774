"""The data behind the page, inside the page: files that a browser saves without any network."""

import base64
import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from probe.compare.comparison import Comparison
from probe.compare.hours import Hour, hourly
from probe.compare.series import Series
from probe.core.times import rfc3339
from probe.show import comparison as answers
from probe.show.csv import text as guarded
from probe.show.figures.rows import Bin, Row, binned, grouped, rebinned
from probe.show.figures.scale import HOUR, Scale
from probe.show.report import words
from probe.show.report.markup import Markup, element, joined

LIMIT: Final = 1_400_000  # bytes of one file: as a link it has to stay below 2 MB in Chromium
_HOURS: Final = 30_000  # more rows of hours are not tried: they would be too large
COLUMNS: Final = (
    "start",
    "hours",
    "country",
    "asn",
    "network",
    "service",
    "feature",
    "hours_covered",
    "cycles",
    "failed",
    "share",
    "low",
    "high",
    "without_conclusion",
    "outcomes",
)


@dataclass(frozen=True, slots=True)
class Download:
    """A file in the page: ``data`` is None where it would be too large."""

    name: str
    media: str
    what: str
    data: bytes | None


def downloads(comparison: Comparison, rows: Sequence[Row], scale: Scale | None) -> Markup:
    """The links to all files."""
    return joined(
        element("ul", *(element("li", _link(one)) for one in files(comparison, rows, scale))),
        element(
            "p",
            "The columns are those of the program's other exports; times are UTC. Results in "
            "full, down to single packets, come from ",
            element("code", "probe export"),
            ".",
        ),
    )


def files(comparison: Comparison, rows: Sequence[Row], scale: Scale | None) -> Iterator[Download]:
    """Answers and series, as CSV and JSON."""
    out = io.StringIO(newline="")
    answers.write_csv(comparison.answers, out)
    yield _bounded("answers.csv", "text/csv", "all answers", out.getvalue())
    out = io.StringIO()
    answers.write_json(comparison.answers, comparison.unreported, out)
    what = "all answers, and what nobody reported"
    yield _bounded("answers.json", "application/json", what, out.getvalue())
    if scale is not None:
        yield _series(comparison, rows, scale, "series.csv", "text/csv")
        yield _series(comparison, rows, scale, "series.json", "application/json")


def _series(
    comparison: Comparison, rows: Sequence[Row], scale: Scale, name: str, media: str
) -> Download:
    """In the finest steps that stay below the limit: hours, then those of the figures and wider."""
    for step, found in _finer_to_wider(comparison, rows, scale):
        text = _csv(found, step) if name.endswith("csv") else _json(found, step)
        whole = _bounded(name, media, f"all series, in steps of {step.width}", text or "")
        if text and whole.data:
            return whole
    return Download(name, media, "all series", None)


_Bins = Iterator[tuple[Row, Iterable[Bin]]]


def _finer_to_wider(
    comparison: Comparison, rows: Sequence[Row], scale: Scale
) -> Iterator[tuple[Scale, _Bins]]:
    if sum(len(row.bins) for row in rows) * scale.step <= _HOURS:
        hours = Scale(scale.first, scale.last, 1)
        series = grouped(comparison.series)
        yield hours, ((row, binned(_hours(series[row.key]), hours)) for row in rows)
    for times in (1, 2, 4, 8, 16):
        wider = Scale(scale.first, scale.last, scale.step * times)
        yield wider, ((row, rebinned(row.bins, wider)) for row in rows)


def _hours(series: Sequence[Series]) -> Iterator[Hour]:
    return (hour for one in hourly(series) for hour in one.hours)


def _values(found: _Bins, scale: Scale) -> Iterator[tuple[Any, ...]]:
    for row, bins in found:
        for one in bins:
            share = one.share
            yield (
                rfc3339(words.moment(one.start * HOUR)),
                scale.step,
                row.place.country,
                row.place.asn,
                row.place.network,
                row.service,
                row.feature,
                one.covered,
                one.cycles,
                one.failed,
                share.share,
                share.low,
                share.high,
                one.gaps,
                {name: number for name, number in one.outcomes.items() if number},
            )


def _csv(found: _Bins, scale: Scale) -> str | None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _values(found, scale):
        writer.writerow(map(_cell, row))
        if out.tell() > LIMIT:
            return None
    return out.getvalue()


def _json(found: _Bins, scale: Scale) -> str | None:
    lines: list[str] = []
    size = 0
    for row in _values(found, scale):
        shown = [round(value, 6) if isinstance(value, float) else value for value in row]
        lines.append(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))
        size += len(lines[-1])
        if size > LIMIT:
            return None
    columns = json.dumps(COLUMNS)
    listed = ",\n".join(lines)
    return f'{{"columns": {columns},\n"rows": [\n{listed}\n]}}\n'


def _cell(value: Any) -> object:
    match value:
        case float():
            return f"{value:.6f}"
        case dict():
            return guarded(" ".join(f"{name}={number}" for name, number in value.items()))
        case str():
            return guarded(value)
        case _:
            return value


def _bounded(name: str, media: str, what: str, text: str) -> Download:
    data = text.encode("utf-8", "backslashreplace")
    return Download(name, media, what, data if len(data) <= LIMIT else None)


def _link(one: Download) -> Markup:
    if one.data is None:
        return joined(f"{one.name}: left out, because it would be too large for a page")
    encoded = base64.b64encode(one.data).decode()
    size = max(1, len(one.data) // 1000)
    return joined(
        element("a", one.name, href=f"data:{one.media};base64,{encoded}", download=one.name),
        f": {one.what} ({size:,} kB)",
    )
