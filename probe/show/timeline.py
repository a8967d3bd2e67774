"""A row per target and a mark per cycle: what happened, read from across the room."""

from rich.table import Table
from rich.text import Text

from probe.core.model import Verdict
from probe.show.terminal import safe
from probe.show.verdicts import MARKS


class Timeline:
    """Collects target verdicts; ``table`` draws them, the newest ``width`` of each target."""

    def __init__(self, targets: list[str], width: int = 36) -> None:
        """One row for each of these targets, in this order."""
        self._marks: dict[str, list[Verdict]] = {target: [] for target in targets}
        self._width = width

    def add(self, verdict: Verdict) -> None:
        """Take a verdict; those on features and on unknown targets are left out."""
        if verdict.target in self._marks:
            self._marks[verdict.target].append(verdict)

    def table(self) -> Table:
        """The rows as they stand now."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(no_wrap=True, max_width=24)
        table.add_column(no_wrap=True, min_width=16)
        table.add_column(no_wrap=True, max_width=34)
        for target, verdicts in self._marks.items():
            cells = Text()
            for verdict in verdicts[-self._width :]:
                sign, style = MARKS[verdict.outcome]
                cells.append(f"{sign} ", style=style)
            table.add_row(Text(safe(target)), cells, _now(verdicts))
        return table


def _now(verdicts: list[Verdict]) -> Text:
    if not verdicts:
        return Text("waiting", style="dim")
    newest = verdicts[-1]
    where = f" {newest.mechanism}" if newest.mechanism else ""
    return Text(f"{newest.outcome}{where}", style=MARKS[newest.outcome][1])
