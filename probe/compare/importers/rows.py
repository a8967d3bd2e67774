"""What every importer gives back: reports, and the rows that could not become one, with reasons."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from probe.compare.reports import Report

LONGEST_ROW: Final = 16 * 1024  # characters of a row that is kept with its report
_EXCERPT: Final = 120
_DEPTH: Final = 40

Row = Mapping[str, Any]
Draft = dict[str, Any]


class RowError(ValueError):
    """A row cannot become a report; the text says why, in a few words."""


class FormatError(ValueError):
    """The whole file is not of the format; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no report: its number from 1 on, why, and how it begins."""

    row: int
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Imported:
    """The reports of one file, as report files hold them, and what was rejected."""

    reports: tuple[Draft, ...]
    rejected: tuple[Rejected, ...]


def imported(rows: Iterable[Row], draft: Callable[[Row], Iterable[Draft]]) -> Imported:
    """Make reports of all rows; whatever is wrong with one leaves the others alone.

    Each report is checked as a report file would be, and keeps its row. Of two with one id the
    first counts.
    """
    reports: dict[str, Draft] = {}
    rejected: list[Rejected] = []
    for number, row in enumerate(rows, 1):
        kept = _as_text(row)
        try:
            for one in draft(row):
                whole = {**one, "row": kept[:LONGEST_ROW]}
                _check(whole)
                if whole["id"] in reports:
                    raise RowError("the same report stands in an earlier row")
                reports[whole["id"]] = whole
        except RowError as exc:
            rejected.append(Rejected(number, _printable(str(exc)), kept[:_EXCERPT]))
    return Imported(tuple(reports.values()), tuple(rejected))


def columns(data: bytes) -> list[str]:
    """The names in the first line of a CSV file, in small letters; FormatError if it is none."""
    text = data.decode("utf-8-sig", errors="replace")
    try:
        return [
            cell.strip().lower() for cell in next(csv.reader(io.StringIO(text, newline="")), [])
        ]
    except csv.Error as exc:
        raise FormatError(f"line 1 is no CSV: {exc}") from None


def table(data: bytes, needed: Iterable[str], name: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header: names and cells without blanks around them.

    Columns may come in any order, and further ones too. FormatError if one is missing.
    """
    text = data.decode("utf-8-sig", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        missing = [column for column in needed if column not in header]
        if missing:
            raise FormatError(f"{name} needs a column '{missing[0]}' in its first line")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield {key: cell.strip() for key, cell in zip(header, cells, strict=False)}
    except csv.Error as exc:
        raise FormatError(f"line {reader.line_num} is no CSV: {exc}") from None


def document(data: bytes) -> Any:
    """A JSON document. FormatError if it is none, or nested beyond measure."""
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"this is no JSON: {exc}") from None
    if _depth(value) > _DEPTH:
        raise FormatError("this JSON is nested too deeply")
    return value


def listed(value: Any, *path: str) -> list[Any]:
    """The list at a path of keys in a JSON document; FormatError if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        raise FormatError(
            f"expected a list under '{'.'.join(path)}'" if path else "expected a list"
        )
    return [one if isinstance(one, dict) else {"?": one} for one in value]


def text(row: Row, key: str, longest: int = 500) -> str:
    """A cell's text on one line of printable characters; empty where there is none."""
    value = row.get(key)
    return _printable(str(value))[:longest] if isinstance(value, str | int | float) else ""


def identity(*parts: str) -> str:
    """An id that the same row always gets: the format's name, and a hash of what tells it apart."""
    prefix, *rest = parts
    return f"{prefix}-{hashlib.sha256(chr(31).join(rest).encode()).hexdigest()[:16]}"


def web_address(value: str) -> str | None:
    """The first http(s) address in a cell, if there is one."""
    for word in value.replace(",", " ").split():
        if word.startswith(("https://", "http://")) and len(word) > len("https://"):
            return word
    return None


def _check(draft: Draft) -> None:
    try:
        Report.model_validate(draft)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the report"
        message = str(first.get("ctx", {}).get("error") or first["msg"])
        raise RowError(f"{where}: {message}") from None


def _as_text(row: Row) -> str:
    # Half a surrogate pair, which JSON can name, is no character that a file can hold.
    whole = json.dumps(row, ensure_ascii=False, default=str)
    return whole.encode("utf-8", "backslashreplace").decode("utf-8")


def _printable(value: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in value).split())


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= _DEPTH:
        deepest += 1
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return deepest


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
