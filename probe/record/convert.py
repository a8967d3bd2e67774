"""Converts a file of JSON Lines into Parquet, and reads the result back before anybody trusts it.

Python decides what is a record and splits it into columns; DuckDB only stores them. Both go through
the file as a stream.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from probe.record.codec import BadLineError
from probe.record.columns import Columns
from probe.record.parts import Kind
from probe.record.scan import LINE_LIMIT
from probe.record.sealed import SealedError, execute, lines

FORMAT: Final = 1  # version of the columns, in each file's metadata as probe_format
_TOGETHER: Final = 8192  # rows of a row group: bounds memory, and what a lookup has to read
_ROOM: Final = 1024**2  # bytes that DuckDB allows a row at least
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Converted:
    """Verified drafts, by the day of their records, and how many lines were no records."""

    draft_of_rejected: Path
    drafts: dict[str, Path] = field(default_factory=dict)
    records: int = 0
    rejected: int = 0


def convert(kind: Kind, day: str, source: Path, folder: Path) -> Converted:
    """Make drafts in ``folder`` of the file of one day, or of a single file (``day`` empty).

    Raises SealedError when what is read back is not what was written, or DuckDB failed; OSError.
    """
    made = Converted(folder / "rejected")
    rows = folder / "rows.jsonl"
    counts, longest = _split(kind.columns, day, source, rows, made)
    for own in counts:
        made.drafts[own] = folder / f"{own}.parquet"
        _write(kind.columns, rows, own, made.drafts[own], longest)
    rows.unlink()
    _verify(kind.columns, day, source, made)
    made.records = counts.total()
    return made


def whole_lines(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether it can be a record. One that is too long comes in pieces.

    The last line may lack its newline: nobody writes to the file any more, so it gets one.
    """
    while line := file.readline(LINE_LIMIT):
        if line[-1] == 0x0A:
            yield line, True
        elif len(line) < LINE_LIMIT:
            yield line + b"\n", True
        else:
            while line and line[-1] != 0x0A:
                yield line, False
                line = file.readline(LINE_LIMIT)
            yield line or b"\n", False


def _split(
    columns: Columns, day: str, source: Path, rows: Path, made: Converted
) -> tuple[Counter[str], int]:
    """Write a row for each record; how many each day has, and the longest row in bytes."""
    counts: Counter[str] = Counter()
    longest = 0
    with (
        source.open("rb") as file,
        rows.open("wb") as out,
        made.draft_of_rejected.open("wb") as bad,
    ):
        for line, whole in whole_lines(file):
            try:
                if not whole:
                    raise BadLineError("too long")
                row, own = columns.split(line)
                text = _ENCODER.encode({**row, "day": day or own}) + b"\n"
            except BadLineError:
                bad.write(line)
                made.rejected += line[-1] == 0x0A
            else:
                out.write(text)
                counts[day or own] += 1
                longest = max(longest, len(text))
    return counts, longest


def _write(columns: Columns, rows: Path, day: str, draft: Path, longest: int) -> None:
    types = {**columns.types, "day": "VARCHAR"}
    names = (
        f'make_timestamptz("{name}") AS "{name}"' if type_ == "TIMESTAMPTZ" else f'"{name}"'
        for name, type_ in columns.types.items()
    )
    read = ", ".join(
        f"'{name}': '{'BIGINT' if type_ == 'TIMESTAMPTZ' else type_}'"
        for name, type_ in types.items()
    )
    execute(
        f"COPY (SELECT {', '.join(names)} FROM read_json({_quoted(rows)},"  # noqa: S608
        f" format = 'newline_delimited', columns = {{{read}}},"
        f" maximum_object_size = {max(_ROOM, 2 * longest)}) WHERE day = '{day}')"
        f" TO {_quoted(draft)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_TOGETHER},"
        f" KV_METADATA {{probe_format: '{FORMAT}'}})"
    )


def _verify(columns: Columns, day: str, source: Path, made: Converted) -> None:
    """Hold the drafts against the source, record by record."""
    back: dict[str, Iterator[bytes]] = {}
    with source.open("rb") as file:
        for line, whole in whole_lines(file):
            try:
                if not whole:
                    continue
                expected = columns.decode(line)
            except BadLineError:
                continue
            own = day or columns.day(expected)
            found = back.setdefault(own, lines(made.drafts[own], columns.text))
            text = next(found, None)
            if text is None or columns.decode(text) != expected:
                raise SealedError(f"what was sealed of {own} is not what was written; it stays")
    for own, rest in back.items():
        if next(rest, None) is not None:
            raise SealedError(f"more was sealed of {own} than was written; it stays")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
