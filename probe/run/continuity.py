"""Goes on where an earlier run ended: what it knew, and the turns that passed meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probe.core.model import Measurement
from probe.measure.health import FRESH
from probe.measure.means import Means
from probe.plan.jobs import Job, Plan
from probe.run.ledger import Remembered
from probe.run.timetable import Timetable

SPACING: Final = 0.1  # seconds between two turns that are made up for
LATE: Final = 0.5  # of a period, within which a turn is made up for
_LONGEST: Final = timedelta(days=3660)  # between two runs; beyond it the clock was wrong
_STALE: Final = 3  # periods after which failed trials confirm nothing any more


def restore(means: Means, known: Remembered, plan: Plan, now: datetime) -> None:
    """Give new means what was known: places that rest, trials to be confirmed, the anchors.

    Where the clock was set back meanwhile, a place rests for the whole time again.
    """
    for at, anomaly in known.anomalies:
        ago = max(0.0, (now - at).total_seconds())
        if ago < plan.quarantine:
            means.quarantine.restore(anomaly, ago)
    for job in plan.jobs:
        trials = known.trials.get(job.target.id, ())
        if trials and _fits(trials[-1], job) and _recent(trials[-1], job, plan, now):
            means.earlier[job.target.id] = trials
    if known.anchors and {m.target.url for m in known.anchors} >= {
        job.target.url for job in plan.anchors
    }:
        ago = (now - known.anchors[0].started).total_seconds()
        if 0 <= ago <= FRESH:
            means.health.restore(known.anchors, ago)


def _fits(trial: Measurement, job: Job) -> bool:
    return trial.target == job.target and trial.check == job.check.name


def _recent(trial: Measurement, job: Job, plan: Plan, now: datetime) -> bool:
    longest = _STALE * max(job.every, plan.quarantine)
    return timedelta() <= now - trial.started <= timedelta(seconds=longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What passed while nothing ran: how many turns, of how many targets, and since when.

    ``soon`` has the targets that are to be measured at once, and at which moment.
    """

    since: datetime | None
    turns: int
    targets: int
    soon: Mapping[str, datetime]


def gap(known: Remembered, timetables: Mapping[str, Timetable], now: datetime) -> Gap:
    """What is to be told of the time since the last run, and to be done about it.

    A turn that is taken is taken, whatever came of it: a probe that is started a hundred times in
    a row measures nobody twice. A turn that nobody took is made up for if it is not long ago.
    """
    late: list[tuple[datetime, str]] = []
    turns = 0
    touched: set[str] = set()
    for name, timetable in timetables.items():
        turn = known.turns.get(name)
        if turn is None or not timedelta() <= now - turn <= _LONGEST:
            continue  # never measured, or by a clock that said something else
        since = max(turn, known.alive) if known.alive and known.alive <= now else turn
        passed = timetable.count(since, now)
        due = timetable.latest(now)
        if due and due > turn and _still_due(timetable, due, now):
            late.append((due, name))
            passed -= due > since
        if passed > 0:
            turns, touched = turns + passed, touched | {name}
    soon = dict(_one_after_another(sorted(late), timetables, now))
    hopeless = {name for _, name in late} - soon.keys()
    touched |= hopeless
    return Gap(since=known.alive, turns=turns + len(hopeless), targets=len(touched), soon=soon)


def _still_due(timetable: Timetable, due: datetime, now: datetime) -> bool:
    return now - due <= timedelta(seconds=timetable.every * LATE) and not timetable.resting(now)


def _one_after_another(
    late: Iterable[tuple[datetime, str]], timetables: Mapping[str, Timetable], now: datetime
) -> Iterable[tuple[str, datetime]]:
    """The longest due first; none so late that it would meet its next turn."""
    for number, (_, name) in enumerate(late):
        at = now + timedelta(seconds=SPACING * number)
        following = timetables[name].after(now)
        if following is None or at < following:
            yield name, at
