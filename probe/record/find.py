"""Finds single records by their ids without reading everything: a year is searched in seconds.

Ids are UUIDv7 and begin with their moment, so the days around it are looked through first; of
sealed days only the column of ids is read, and of that only the row groups that can hold them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.core.model import Measurement
from probe.core.times import utc_day
from probe.record.codec import BadLineError, decode_measurement
from probe.record.parts import MEASUREMENTS, Kind, days, is_day, opened, sources
from probe.record.scan import ScanReport, lines_of
from probe.record.sealed import SealedError, rows

NEAR: Final = timedelta(days=1)  # between an id's moment and the record that is looked for
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)  # that an id is believed
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
_HALF: Final = re.compile("[\ud800-\udfff]")
_FILES: Final = 64  # in one query


class _Id(msgspec.Struct):
    id: str


_ID: Final = msgspec.json.Decoder(_Id)


def moment_of(id_: str) -> datetime | None:
    """The moment that the first characters of a UUIDv7 tell, to about a minute; None if none."""
    digits = id_.replace("-", "")[:12]
    try:
        return datetime.fromtimestamp(int(digits.ljust(12, "0"), 16) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def measurements_by_id(root: Path, wanted: Iterable[str]) -> dict[str, Measurement]:
    """These measurements, as far as they are there.

    However many are wanted, and whatever they look like, no file is read more than once, and days
    that no id tells only if some are still missing.
    """
    missing = _possible(wanted)
    found: dict[str, Measurement] = {}
    every, likely = days(root, MEASUREMENTS), _told(missing)
    for part in ([day for day in every if day in likely], [d for d in every if d not in likely]):
        if missing:
            found.update((m.id, m) for m in _in_days(root, part, missing))
            missing -= found.keys()
    return found


def measurements_near(
    root: Path, wanted: Iterable[str], near: Iterable[datetime]
) -> dict[str, Measurement]:
    """The same, but looked for only on the days that the ids tell, on those of ``near`` and on the
    ones before these. So what is read is bounded, whatever is asked for."""
    ids = _possible(wanted)
    likely = _told(ids)
    for at in near:
        likely |= {utc_day(at), utc_day(max(at, _EARLIEST) - NEAR)}
    return {m.id: m for m in _in_days(root, [d for d in sorted(likely) if is_day(d)], ids)}


def _told(ids: Iterable[str]) -> set[str]:
    """The days around the moments that ids tell."""
    return {
        utc_day(at + shift)
        for at in map(moment_of, ids)
        if at is not None and _EARLIEST < at < _LATEST
        for shift in (-NEAR, timedelta(0), NEAR)
    }


def days_with(
    root: Path, kind: Kind, where: str, values: Sequence[Any], holds: Callable[[bytes], bool]
) -> Iterator[str]:
    """The days, newest first, of which a record meets a condition.

    It is given twice: as SQL for what is sealed, and as a test of lines, which may let too much
    through.
    """
    query = f"SELECT 1 FROM read_parquet(?, hive_partitioning = false) WHERE {where} LIMIT 1"  # noqa: S608
    for day in reversed(days(root, kind)):
        with opened(partial(sources, root, kind, day)) as (sealed, files):
            if any(holds(line) for file in files for line in lines_of(file, ScanReport())):
                yield day
                continue
        for path in sealed:
            if path.suffix != ".parquet" or _any(query, path, values):
                yield day
                break


def _any(query: str, path: Path, values: Sequence[Any]) -> bool:
    try:
        return any(rows(query, [path], values))
    except (SealedError, FileNotFoundError):
        return False  # who reads the day is told


def _in_days(root: Path, wanted: Sequence[str], ids: set[str]) -> Iterator[Measurement]:
    if not ids:
        return
    parts: list[Path] = []
    for day in wanted:
        with opened(partial(sources, root, MEASUREMENTS, day)) as (sealed, files):
            parts += [path for path in sealed if path.suffix == ".parquet"]
            for file in files:
                yield from _in_lines(lines_of(file, ScanReport()), ids)
    for first in range(0, len(parts), _FILES):
        yield from _in_parts(parts[first : first + _FILES], ids)


def _possible(wanted: Iterable[str]) -> set[str]:
    """Those that can stand in a file: half a surrogate pair cannot, and no query would take it."""
    return {id_ for id_ in wanted if not _HALF.search(id_)}


def _in_lines(lines: Iterable[bytes], ids: set[str]) -> Iterator[Measurement]:
    for line in lines:
        try:
            if _ID.decode(line).id in ids:
                yield decode_measurement(line)
        except (BadLineError, ValueError, RecursionError):
            continue


def _in_parts(parts: Sequence[Path], ids: set[str]) -> Iterator[Measurement]:
    # The first and the last id keep row groups without any of them from being read.
    query = (
        f"SELECT {MEASUREMENTS.columns.text} FROM read_parquet(?, hive_partitioning = false)"  # noqa: S608
        " WHERE id BETWEEN ? AND ? AND id IN (SELECT unnest(?))"
    )
    try:
        found = rows(query, parts, [min(ids), max(ids), list(ids)])
        yield from _in_lines((line.encode() for (line,) in found), ids)
    except (SealedError, FileNotFoundError):
        if len(parts) > 1:  # one of them is broken, or gone: the others still count
            for path in parts:
                yield from _in_parts([path], ids)
