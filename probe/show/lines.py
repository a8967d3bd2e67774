"""Records as JSON Lines, and as one JSON array; both are written as they are read."""

from collections.abc import Iterable
from typing import TextIO

from probe.record.codec import Record, encode


def write_jsonl(records: Iterable[Record], out: TextIO) -> int:
    """One record per line, as in the results. Gives the number of records."""
    count = 0
    for record in records:
        out.write(encode(record).decode())
        count += 1
    return count


def write_json(records: Iterable[Record], out: TextIO) -> int:
    """One array with a record per line. Gives the number of records."""
    count = 0
    for record in records:
        out.write(",\n" if count else "[\n")
        out.write(encode(record).decode().rstrip("\n"))
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count
