"""Figures as text: sections of a table, 80 columns wide, and the targets that they are held to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WIDTH: Final = 80
PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure should be at most."""

    what: str
    figure: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether the figure is within its limit."""
        return self.figure <= self.limit

    def __str__(self) -> str:
        """One line that says plainly whether the target is missed."""
        word = "met" if self.met else "MISSED"
        return f"{word:6} {self.what} {self.figure:.3g} {self.unit}, at most {self.limit:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the table: the first column is text, the others are figures."""

    title: str
    columns: tuple[str, ...] = ()  # none: rows that need no heading
    rows: tuple[tuple[str, ...], ...] = ()
    targets: tuple[Target, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        """The section as lines."""
        lines = [self.title, "-" * len(self.title)]
        lines += aligned([*([self.columns] if any(self.columns) else []), *self.rows])
        lines += [str(target) for target in self.targets]
        lines += [self.note] if self.note else []
        return "\n".join(lines) + "\n"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows with the first column to the left, the others to the right, over the whole width."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(1, len(rows[0]))]
    first = WIDTH - sum(width + 2 for width in widths)
    return [
        row[0].ljust(first)
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths, strict=True))
        for row in rows
    ]


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with three decimals."""
    return f"{seconds * 1000:.3f}"


def write(text: str, begin: str, end: str) -> None:
    """Replace what stands between two marks of docs/benchmarks.md."""
    before, begun, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise SystemExit(f"{PAGE} lacks the marks around its figures")
    figures = f"\n\n```text\n{text.rstrip()}\n```\n\n"
    PAGE.write_text(f"{before}{begun}{figures}{ended}{after}", encoding="utf-8")
