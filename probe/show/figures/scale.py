"""The common time axis of all figures: columns of so many hours that a page can still show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from probe.compare.series import Series
from probe.compare.threshold import cadence

HOUR: Final = 3600  # seconds
COLUMNS: Final = 400
_FEW: Final = 20  # verdicts, of fewer it is not known how often they are meant to come
_SAMPLE: Final = 2001  # verdicts from which that is taken
_STEPS: Final = (1, 3, 6, 12, 24, 7 * 24, 28 * 24)
_CALENDAR_ENDS: Final = int(datetime(9999, 12, 31, 23, 59, tzinfo=UTC).timestamp())
_NAMES: Final = {24: "1 day", 7 * 24: "1 week", 28 * 24: "4 weeks"}


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``first`` until ``last`` (UTC hours since 1970, half-open), ``step`` hours a column."""

    first: int
    last: int
    step: int

    def column(self, hour: int) -> int:
        """The first hour of the column that an hour lies in."""
        return hour - (hour - self.first) % self.step

    @property
    def width(self) -> str:
        """How much time a column holds: "1 hour", "6 hours", "1 day"."""
        plural = "" if self.step == 1 else "s"
        return _NAMES.get(self.step, f"{self.step} hour{plural}")

    @property
    def start(self) -> datetime:
        """The beginning of the first column."""
        return datetime.fromtimestamp(self.first * HOUR, UTC)

    @property
    def end(self) -> datetime:
        """The end of the last column, or of the calendar."""
        ends = min(self.last * HOUR, _CALENDAR_ENDS)
        return datetime.fromtimestamp(ends, UTC)


def scale(series: Sequence[Series], columns: int = COLUMNS) -> Scale | None:
    """The axis that holds all verdicts, in the narrowest columns of which there are not too many.

    Where cycles come less often than hourly, a column is so wide that one is due in it. None
    where there is no verdict.
    """
    spans = [(one.times[0], one.times[-1]) for one in series if len(one.times)]
    if not spans:
        return None
    first = int(min(start for start, _ in spans) // HOUR)
    last = int(max(end for _, end in spans) // HOUR) + 1
    least = _usual_distance(series)
    fitting = (step for step in _STEPS if step >= least and last - first <= step * (columns - 2))
    step = next(fitting, _STEPS[-1] * (1 + (last - first) // (_STEPS[-1] * columns)))
    # Columns begin at UTC midnight, or at whole parts of a day.
    round_to = min(step, 24)
    first -= first % round_to
    return Scale(first, first + -(-(last - first) // step) * step, step)


def _usual_distance(series: Sequence[Series]) -> int:
    """How many hours lie between two cycles, in the middle of the series that tell."""
    known = sorted(
        round(cadence(one.times[:_SAMPLE]) / HOUR) for one in series if len(one.times) >= _FEW
    )
    return known[len(known) // 2] if known else 1
