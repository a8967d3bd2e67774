"""Whether the running probe is well: it measures, and what it measures is kept."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from probe.core.model import JSON
from probe.net.clocks import Clock
from probe.run.metrics.table import Sources

_SHORTEST: Final = 300.0  # seconds: a cycle that fails and is looked into takes minutes
_PERIODS: Final = 3


@dataclass(frozen=True, slots=True)
class Wellness:
    """``reasons`` says in words what is wrong; nothing is if there are none."""

    reasons: tuple[str, ...]
    detail: dict[str, JSON]

    @property
    def well(self) -> bool:
        """Whether it does what it is for."""
        return not self.reasons


def wellness(sources: Sources, clock: Clock) -> Wellness:
    """Look at the newest cycle and the results folder.

    A vantage without a network is no illness of the probe: it is measured, and told beside.
    """
    seen, room = sources.seen, sources.room()
    stale = _stale_after(sources)
    age = clock.monotonic() - (seen.began if seen.last_end is None else seen.last_end)
    reasons = []
    if age > stale and not _resting(sources, clock, stale):
        what = "no cycle has ended" if seen.last_end is None else "the newest cycle ended"
        when = f"in {age:.0f} s" if seen.last_end is None else f"{age:.0f} s ago"
        reasons.append(f"{what} {when}; more than {stale:.0f} s are too long")
    if room.waiting:
        reasons.append(f"{room.waiting} results wait in memory: they cannot be written")
    detail = {
        "last_cycle_age_seconds": None if seen.last_end is None else round(age, 3),
        "stale_after_seconds": stale,
        "targets": len(seen.targets),
        "cycles_under_way": seen.under_way.total(),
        "cycles_waiting": seen.waiting.total(),
        "vantage_state": seen.state.value,
        "results_waiting": room.waiting,
        "results_dropped": room.dropped,
        "disk_free_bytes": room.free,
    }
    return Wellness(tuple(reasons), detail)


def _resting(sources: Sources, clock: Clock, stale: float) -> bool:
    """Whether no target was due because of quiet hours, now or when the newest cycle was due."""
    now, jobs = clock.now(), sources.seen.plan.jobs
    moments = (now, now - timedelta(seconds=stale))
    return bool(jobs) and all(any(map(job.timing.resting, moments)) for job in jobs)


def _stale_after(sources: Sources) -> float:
    plan = sources.seen.plan
    if plan.metrics is not None and plan.metrics.stale_after is not None:
        return plan.metrics.stale_after
    shortest = min((job.every for job in plan.jobs), default=0.0)
    spread = max((job.timing.spread for job in plan.jobs), default=0.0)
    return max(_PERIODS * shortest + spread, _SHORTEST)
