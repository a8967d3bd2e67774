"""Records as JSON Lines, and as one JSON array; both are written as they are read."""

from collections.abc import Iterable
from typing import TextIO

import msgspec

from probe.core.model import JSON, Measurement, Vantage, Verdict
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


def write_check(
    run: str,
    vantage: Vantage,
    verdicts: Iterable[Verdict],
    measurements: Iterable[Measurement],
    out: TextIO,
    services: Iterable[JSON] = (),
) -> None:
    """One object with everything that a check gave; ``services`` are in sum."""
    out.write(f'{{"run": "{run}",\n"vantage": {msgspec.json.encode(vantage).decode()},\n')
    out.write('"verdicts": ')
    write_json(verdicts, out)
    out.write(',\n"measurements": ')
    write_json(measurements, out)
    out.write(f',\n"services": {msgspec.json.encode(list(services)).decode()}}}\n')
