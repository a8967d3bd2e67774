"""Plain rows in each of the forms that commands offer: table, JSON, JSON Lines, CSV."""

import csv
import json
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from probe.core.model import JSON
from probe.show.csv import text
from probe.show.terminal import safe


def write_rows(
    form: str, columns: Sequence[str], rows: Sequence[Sequence[JSON]], out: TextIO
) -> None:
    """Write rows of texts and numbers in the form ``table``, ``json``, ``jsonl`` or ``csv``."""
    if form == "csv":
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([text(v) if isinstance(v, str) else v for v in row] for row in rows)
    elif form == "table":
        console_for(out).print(_table(columns, rows))
    else:
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        if form == "json":
            out.write(json.dumps(objects, ensure_ascii=False, indent=1) + "\n")
        else:
            out.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in objects)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the caller say what it means that the reader went away; rich would exit with 1."""
        raise BrokenPipeError


def console_for(out: TextIO) -> Console:
    """A console on this output: as wide as its terminal, 80 columns where there is none."""
    return _Console(file=out, highlight=False, emoji=False, width=None if out.isatty() else 80)


def _table(columns: Sequence[str], rows: Sequence[Sequence[JSON]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name, values in zip(columns, zip(*rows, strict=True) if rows else columns, strict=False):
        right = rows and all(isinstance(value, int | float | None) for value in values)
        table.add_column(name, overflow="fold", justify="right" if right else "left")
    for row in rows:
        table.add_row(*(Text(safe("" if value is None else str(value))) for value in row))
    return table
