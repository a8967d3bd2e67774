"""When a changed outcome is worth a word: once it has lasted, once per change, and not for ever.

Pure: verdicts in, changes out. What concludes nothing (``offline``, ``inconclusive``, ``invalid``)
neither counts nor begins the count anew.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from probe.core.model import Outcome, Verdict

FAILING: Final = frozenset({"blocked", "degraded", "denied", "down", "unreachable"})
# What all failures have in common: it is said where they last and do not agree.
WEAKEST: Final[Outcome] = "unreachable"

Kind = Literal["changed", "flapping", "muted", "steady"]


@dataclass(slots=True, kw_only=True)
class Standing:
    """What was last said of a feature, and what has been seen since.

    ``told`` is true since ``since``; ``candidate`` differs from it, was seen ``count`` times in a
    row and ``first`` then; ``failing`` failures of any kind, or more, came in a row, the first one
    at ``failing_first``. ``changes`` are when something was said lately; ``muted``: too often.
    """

    told: Outcome | None = None
    since: datetime | None = None
    candidate: Outcome | None = None
    count: int = 0
    first: datetime | None = None
    failing: int = 0
    failing_first: datetime | None = None
    changes: list[datetime] = field(default_factory=list)
    muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From one outcome (None: nothing was known) to another, which the verdict is the newest of.

    ``flapping`` is the last one that is told before silence, ``muted`` one in that silence, and
    ``steady`` its end. ``mixed``: failures that did not agree. ``was_since`` is when ``before``
    began, ``since`` when ``outcome`` did, ``count`` how many cycles it lasts.
    """

    kind: Kind
    before: Outcome | None
    was_since: datetime | None
    outcome: Outcome
    since: datetime
    count: int
    verdict: Verdict
    mixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """``after`` cycles make a change; so many ``changes`` ``within`` seconds are too many."""

    after: int
    changes: int
    within: float


def follow(standing: Standing, verdict: Verdict, patience: Patience) -> Change | None:
    """Take the next verdict in; the change that it completes, if there is one to tell."""
    outcome = verdict.outcome
    if outcome != "ok" and outcome not in FAILING:
        return None
    _count(standing, verdict, patience.after)
    if outcome == standing.told:
        return _steady(standing, verdict, patience)
    mixed = standing.count < patience.after
    if mixed and (standing.told not in {None, "ok"} or standing.failing < patience.after):
        return None
    before, was_since = standing.told, standing.since
    since, count = standing.first, standing.count
    if mixed:
        outcome, since, count = WEAKEST, standing.failing_first, standing.failing
    else:
        standing.candidate, standing.count, standing.first = None, 0, None
    standing.told, standing.since = outcome, since
    if before is None and outcome == "ok":
        return None  # it is as it should be, and nobody has heard anything else
    assert since is not None
    return Change(
        kind=_kind(standing, verdict.at, patience),
        before=before,
        was_since=was_since,
        outcome=outcome,
        since=since,
        count=count,
        verdict=verdict,
        mixed=mixed,
    )


def _count(standing: Standing, verdict: Verdict, most: int) -> None:
    outcome, at = verdict.outcome, verdict.at
    if outcome == "ok":
        standing.failing, standing.failing_first = 0, None
    else:
        standing.failing = min(standing.failing + 1, most)  # no news beyond, and nothing to save
        standing.failing_first = standing.failing_first or at
    if outcome == standing.told:
        standing.candidate, standing.count, standing.first = None, 0, None
    elif outcome == standing.candidate:
        standing.count += 1
    else:
        standing.candidate, standing.count, standing.first = outcome, 1, at


def _kind(standing: Standing, at: datetime, patience: Patience) -> Kind:
    within = timedelta(seconds=patience.within)
    standing.changes = [then for then in standing.changes if at - then < within][-100:]
    standing.changes.append(at)
    if standing.muted:
        return "muted"
    standing.muted = len(standing.changes) >= patience.changes
    return "flapping" if standing.muted else "changed"


def _steady(standing: Standing, verdict: Verdict, patience: Patience) -> Change | None:
    """The end of a silence, when nothing has changed for as long as what began it took."""
    quiet = timedelta(seconds=patience.within)
    if not standing.muted or verdict.at - standing.changes[-1] < quiet:
        return None
    standing.muted, standing.changes = False, []
    since = standing.since or verdict.at
    return Change(
        kind="steady", before=None, was_since=None, outcome=verdict.outcome, since=since, count=0,
        verdict=verdict,
    )  # fmt: skip
