"""One thing that was looked at, and how findings are shown."""

from collections.abc import Iterable
from typing import NamedTuple, TextIO


class Finding(NamedTuple):
    """What was looked at; ``state`` is ok, note (works, but know it) or wrong.

    The text of what is not ok ends with what to do about it.
    """

    subject: str
    state: str
    text: str


def show(findings: Iterable[Finding], out: TextIO) -> None:
    """As a table for a person."""
    from rich.table import Table
    from rich.text import Text

    from probe.show.tabular import console_for
    from probe.show.terminal import safe

    signs = {"ok": ("✓", "green"), "note": ("·", "cyan"), "wrong": ("✗", "bold red")}
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for finding in findings:
        sign, style = signs[finding.state]
        table.add_row(Text(f"{sign} {finding.subject}", style=style), Text(safe(finding.text)))
    console_for(out).print(table)


def ago(seconds: float) -> str:
    """A time that has passed, in one unit."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def amount(count: int) -> str:
    """So many bytes, in one unit."""
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
