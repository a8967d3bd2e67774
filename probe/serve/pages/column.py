"""One hour or day of a timeline. What all its cells have in common is made once: a page has
thousands of them."""

from functools import cache
from typing import Final

from probe.core.model import Outcome
from probe.core.times import rfc3339
from probe.serve import words
from probe.serve.board import PARTS, Cell
from probe.serve.track import HOUR
from probe.show.report.markup import Markup, element
from probe.show.report.words import moment

_LABEL: Final = 300  # characters of what a cell says to a screen reader


class Column:
    """Draws the cells that begin at one moment."""

    def __init__(self, start: float, step: int) -> None:
        """``step`` is a cell's width in seconds: an hour or a day."""
        at = moment(start)
        daily = step > HOUR
        self._at = f"{at:%d %B}" if daily else f"{at:%d %B, %H:%M}"
        self._short = f"{at:%d}" if daily else f"{at:%H}"
        self._path = "/" if daily else hour_path(start)
        self._more = f"&until={hour_name(start + step)}" if daily else ""
        self._edge = at.day == 1 if daily else at.hour == 0
        self._nothing = {
            True: self._empty("none", "nothing measured"),
            False: self._empty("unread", "not read yet"),
        }

    def heading(self) -> Markup:
        """What the column is called; the first of a day or month is marked."""
        kind = "at edge" if self._edge else "at"
        return element("th", self._short, scope="col", role="columnheader", class_=kind)

    def cell(self, cell: Cell, query: str) -> Markup:
        """One cell, which leads to the verdicts behind it; ``query`` says whose they are."""
        main = cell.main
        if main is None:
            return self._nothing[cell.read]
        filled = cell.filled
        look = f"a-{main}" if filled == PARTS else f"a-{main} b-{cell.rest} s-{filled}"
        how = f" ({', '.join(cell.mechanisms)})" if cell.mechanisms else ""
        inner = element(
            "a",
            sign(main),
            class_=look,
            href=f"{self._path}?{query}{self._more}",
            aria_label=f"{self._at}: {words.counted(cell.counts)}{how}"[:_LABEL],
        )
        return element("td", inner, class_="cell", data_at=self._short, role="cell")

    def _empty(self, kind: str, said: str) -> Markup:
        inner = element("span", f"{self._at}: {said}", class_="unseen")
        blank = element("span", "", class_="blank", aria_hidden="true")
        return element("td", inner, blank, class_=f"cell {kind}", data_at=self._short, role="cell")


@cache
def sign(outcome: Outcome) -> Markup:
    """An outcome's letter on its colour."""
    return element("span", words.SIGNS[outcome], class_=f"sign a-{outcome}", aria_hidden="true")


def hour_name(time: float) -> str:
    """An hour as addresses have it: 2017-07-18T04."""
    return rfc3339(moment(time))[:13]


def hour_path(time: float) -> str:
    """Where the verdicts of an hour are."""
    return f"/hour/{hour_name(time)}"
