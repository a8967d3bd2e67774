"""Headings with lines under them, for a person at a terminal of 80 columns."""

from collections.abc import Iterable
from typing import Final, NamedTuple, TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from probe.show.tabular import console_for
from probe.show.terminal import safe

LONGEST_LEAD: Final = 36  # columns of a lead that still leave room for what is said of it


class Group(NamedTuple):
    """A heading, and under it pairs of a lead and what is said of it."""

    heading: str
    lines: tuple[tuple[str, str], ...]


def write_groups(groups: Iterable[Group], out: TextIO, *, beneath: bool = False) -> None:
    """Print every group. What is said of a lead stands beside it, or else ``beneath`` it."""
    console = console_for(out)
    for group in groups:
        console.print(Text(safe(group.heading), style="bold"))
        for part in _beneath(group) if beneath else [Padding(_beside(group), (0, 0, 0, 2))]:
            console.print(part)
        console.print()


def _beneath(group: Group) -> Iterable[RenderableType]:
    for lead, said in group.lines:
        yield Padding(Text(safe(lead), overflow="fold"), (0, 0, 0, 2), expand=False)
        yield Padding(Text(safe(said), style="dim"), (0, 0, 0, 6), expand=False)


def _beside(group: Group) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(overflow="fold", max_width=LONGEST_LEAD)
    table.add_column(overflow="fold")
    for lead, said in group.lines:
        table.add_row(Text(safe(lead)), Text(safe(said), style="dim"))
    return table
