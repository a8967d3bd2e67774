"""What is under way, on standard error, while a person waits."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from probe.core.model import Verdict
from probe.show.terminal import safe
from probe.show.verdicts import MARKS


@contextmanager
def progress(total: int, *, visible: bool) -> Iterator[Callable[[Verdict], None]]:
    """A bar that moves with every verdict; nothing where standard error is no terminal."""
    if not visible or not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (
        TextColumn("measuring"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[newest]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, newest="")

        def done(verdict: Verdict) -> None:
            newest = f"{MARKS[verdict.outcome][0]} {safe(verdict.target or '')}"
            bar.update(task, advance=1, newest=newest[:32])

        yield done
