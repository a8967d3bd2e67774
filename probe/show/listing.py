"""Headings with lines under them, for a person at a terminal of 80 columns."""

from collections.abc import Iterable
from typing import NamedTuple, TextIO

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from probe.show.tabular import console_for
from probe.show.terminal import safe


class Group(NamedTuple):
    """A heading, and under it pairs of a lead and what is said of it."""

    heading: str
    lines: tuple[tuple[str, str], ...]


def write_groups(groups: Iterable[Group], out: TextIO) -> None:
    """Print every group; a lead that is long stands on a line of its own."""
    console = console_for(out)
    for group in groups:
        console.print(Text(safe(group.heading), style="bold"))
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(overflow="fold", max_width=36)
        table.add_column(overflow="fold")
        for lead, said in group.lines:
            table.add_row(Text(safe(lead)), Text(safe(said), style="dim"))
        console.print(Padding(table, (0, 0, 1, 2)))
