"""Selections of results as files, written while they are read: nothing is held, however long."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from probe.record.codec import Record, encode
from probe.record.join import judged
from probe.record.scan import measurements, verdicts
from probe.serve.selection import Selection
from probe.show.csv import COLUMNS, VERDICT_COLUMNS, measurement_rows, verdict_rows

FORMS: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
}
KINDS: Final = ("measurements", "verdicts")
_AT_ONCE: Final = 200  # records that are looked at for one piece
_Item = TypeVar("_Item")


def pieces(root: Path, kind: str, form: str, selection: Selection) -> Iterator[bytes]:
    """The file in pieces. There may be empty ones: so a reader who left is noticed in time, also
    where nothing is meant of much that is read."""
    texts = (
        _measurements(root, form, selection)
        if kind == "measurements"
        else _verdicts(root, form, selection)
    )
    for text in texts:
        yield text.encode("utf-8", "backslashreplace")


def _measurements(root: Path, form: str, selection: Selection) -> Iterator[str]:
    since, until = selection.since, selection.until
    if form == "csv" or selection.outcome is not None:
        pairs = judged(root, since, until)
    else:  # no verdict is needed: none is read
        pairs = ((one, None) for one in measurements(root, since, until))
    kept = (
        [(m, v) for m, v in some if selection.holds_measurement(m, v.outcome if v else None)]
        for some in _batches(pairs)
    )
    if form == "csv":
        yield _header(COLUMNS)
        yield from map(measurement_rows, kept)
    else:
        yield from _records(([m for m, _ in some] for some in kept), form)


def _verdicts(root: Path, form: str, selection: Selection) -> Iterator[str]:
    found = verdicts(root, selection.since, selection.until)
    kept = ([v for v in some if selection.holds_verdict(v)] for some in _batches(found))
    if form == "csv":
        yield _header(VERDICT_COLUMNS)
        yield from map(verdict_rows, kept)
    else:
        yield from _records(kept, form)


def _records(kept: Iterable[Iterable[Record]], form: str) -> Iterator[str]:
    lines = ([encode(record).decode() for record in some] for some in kept)
    if form == "jsonl":
        yield from map("".join, lines)
        return
    before = "[\n"
    for some in lines:
        text = ",\n".join(line.rstrip("\n") for line in some)
        if text:
            yield before + text
            before = ",\n"
        else:
            yield ""
    yield "[]\n" if before == "[\n" else "\n]\n"


def _header(columns: Iterable[str]) -> str:
    return f"{','.join(columns)}\r\n"


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
