"""Reads sealed parts, as the lines that they were made of.

DuckDB is imported here and nowhere else, and only when something is sealed: the process that
measures never loads it. It may use no network and no extension that is not built in.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from probe.record.codec import BadLineError
from probe.record.rows import micros

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AT_ONCE: Final = 500  # rows fetched together
_MEMORY: Final = "256MB"  # for DuckDB's buffers; what is sorted or kept beyond it goes to disk

_Record = TypeVar("_Record")


class SealedError(Exception):
    """A sealed part that cannot be read; the text says why, in one line."""


def cursor() -> "DuckDBPyConnection":
    """Something to run one query on; several may be under way."""
    return _database().cursor()


@cache
def _database() -> "DuckDBPyConnection":
    import duckdb

    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": _MEMORY,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_unsigned_extensions": False,
        }
    )


def execute(query: str) -> None:
    """Run something that gives no rows. Raises SealedError."""
    import duckdb

    running = cursor()
    try:
        running.execute(query)
    except duckdb.Error as exc:
        raise SealedError(_reason(exc)) from None
    finally:
        running.close()


def rows(
    query: str, files: Sequence[Path], values: Sequence[Any] = ()
) -> Iterator[tuple[Any, ...]]:
    """The rows of a query whose first parameter is the list of these files.

    Raises SealedError, at the beginning or in the middle, and what opening the first file raises.
    """
    import duckdb

    for path in files[:1]:
        path.open("rb").close()  # a missing or forbidden one, told as every other file is
    running = cursor()
    try:
        running.execute(query, [[str(path) for path in files], *values])
        while found := running.fetchmany(AT_ONCE):
            yield from found
    except duckdb.Error as exc:
        raise SealedError(_reason(exc)) from None
    finally:
        running.close()


def lines(path: Path, text: str, where: str = "true") -> Iterator[bytes]:
    """The rows of one part that meet a condition, in order, each as the text that the SQL makes."""
    for (line,) in rows(_lines_query(text, where), [path]):
        yield line.encode()


def during(moment: str, since: datetime | None, until: datetime | None) -> str:
    """The condition that the column ``moment`` is in ``since`` <= t < ``until``: row groups that
    lie outside are not read."""
    bounds = ((">=", since), ("<", until))
    parts = (f'"{moment}" {sign} make_timestamptz({micros(at)})' for sign, at in bounds if at)
    return " AND ".join(parts) or "true"


def sealed_records(
    path: Path,
    text: str,
    decode: Callable[[bytes], _Record],
    bad: Callable[[Path, int, str], None],
    where: str = "true",
) -> Iterator[_Record]:
    """The records of one part that meet a condition; ``bad`` is told of a row that is none, and of
    a broken file."""
    return row_records(path, _lines_query(text, where), lambda row: decode(row[0].encode()), bad)


def row_records(
    path: Path,
    query: str,
    make: Callable[[tuple[Any, ...]], _Record],
    bad: Callable[[Path, int, str], None],
) -> Iterator[_Record]:
    """The same of the rows of a query whose parameter is the part; ``make`` raises BadLineError."""
    number = 0
    try:
        for row in rows(query, [path]):
            number += 1
            try:
                record = make(row)
            except BadLineError as exc:
                bad(path, number, str(exc))
            else:
                yield record
    except FileNotFoundError:
        return  # its time was over, between the listing and now
    except SealedError as exc:
        bad(path, number + 1, f"the sealed file is broken: {exc}")


def _lines_query(text: str, where: str) -> str:
    return f"SELECT {text} FROM read_parquet(?, hive_partitioning = false) WHERE {where}"  # noqa: S608


def _reason(exc: Exception) -> str:
    return str(exc).partition("\n")[0][:300]
