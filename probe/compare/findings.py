"""What each network, service and feature that a report concerns says about it by itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from probe.compare.cells import Cell
from probe.compare.changes import Episode
from probe.compare.meaning import failing_bears
from probe.compare.reports import Report
from probe.compare.share import Share
from probe.core.model import Network, Outcome

COVERED: Final = 0.8  # of a window, before silence in it says that nothing happened
TOLERANCE: Final = 86400.0  # seconds; a newspaper may be a day late, or count days elsewhere
UNDER_REPORTING: Final[frozenset[Network | None]] = frozenset({"datacenter", "leased_line", None})
_QUIET: Final = 0.05  # so much more than usual may fail in a window in which nothing happened
_FEW: Final = 5  # cycles; fewer in a window say nothing, whatever its coverage

# What happened in the window: it was disrupted as claimed; disrupted, but in a way that speaks
# against the claim, or that nothing tells apart; it worked as usual; too little was seen; nothing.
State = Literal["as_claimed", "otherwise", "untold", "worked", "unclear", "silent"]
Dates = Literal["earlier", "later", "shorter", "longer", "unseen"]


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One cell in one report's window.

    ``episodes`` are the disruptions that reach into the window and bear the claim out or speak
    against it; ``dates`` is how they differ from the reported ones by more than a day.
    """

    cell: Cell
    state: State
    coverage: float
    during: Share
    failures: Counter[Outcome]
    episodes: tuple[Episode, ...]
    dates: tuple[Dates, ...]

    @property
    def tells_of_people(self) -> bool:
        """Whether this network is of a kind on which blocking is met if there is any."""
        return self.cell.place.network not in UNDER_REPORTING

    @property
    def covered(self) -> bool:
        """Whether so much of the window was measured that a disruption would have been seen."""
        return self.coverage >= COVERED and self.during.cycles >= _FEW


def find(report: Report, cell: Cell, window: tuple[float, float]) -> Finding:
    """Look at one cell in a window (Unix seconds)."""
    start, end = window
    during, coverage = cell.share(start, end), cell.coverage(start, end)
    first, last = cell.span(start, end)
    reached = tuple(one for one in cell.episodes if one.first < last and one.last > first)
    failures: Counter[Outcome] = Counter()
    for one in reached:
        failures += cell.failures(max(one.first, first), min(one.last, last))
    state = _state(report, cell, during, failures)
    if state == "worked" and not (coverage >= COVERED and during.cycles >= _FEW):
        state = "unclear"
    dates = _dates(report, cell, reached) if state == "as_claimed" else ()
    return Finding(cell, state, coverage, during, failures, reached, dates)


def _state(report: Report, cell: Cell, during: Share, failures: Counter[Outcome]) -> State:
    if not during.cycles:
        return "silent"
    if failures:
        bearing: Counter[str] = Counter()
        for outcome, number in failures.items():
            bearing[failing_bears(report, outcome)] += number
        if 2 * bearing["for"] >= failures.total():
            return "as_claimed"
        return "otherwise" if 2 * bearing["against"] > failures.total() else "untold"
    others = len(cell.failing) - during.cycles
    usual = (cell.failing.count(1) - during.failed) / others if others else 0.0
    share = during.share or 0.0
    return "worked" if share <= usual + _QUIET else "unclear"


def _dates(report: Report, cell: Cell, reached: Sequence[Episode]) -> tuple[Dates, ...]:
    """How the measured dates differ from the reported ones, as far as both are known."""
    found: list[Dates] = []
    first, last = reached[0], reached[-1]
    if first.onset_earliest is None:
        found.append("unseen")
    elif first.onset_latest < report.onset_earliest.timestamp() - TOLERANCE:
        found.append("earlier")
    elif first.onset_earliest > report.onset_latest.timestamp() + TOLERANCE:
        found.append("later")
    if report.end_earliest and report.end_latest:
        seen_until = last.end_latest if last.end_latest is not None else cell.times[-1]
        if last.end_latest is not None and (
            last.end_latest < report.end_earliest.timestamp() - TOLERANCE
        ):
            found.append("shorter")
        elif min(last.end_earliest, seen_until) > report.end_latest.timestamp() + TOLERANCE:
            found.append("longer")
    return tuple(found)
