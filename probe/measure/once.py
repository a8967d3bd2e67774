"""One round of everything in a plan, several targets at once."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from probe.core.model import Measurement, Verdict
from probe.judge.vantage import VantageState
from probe.measure.cycle import run_cycle
from probe.measure.means import Recorders, means_for
from probe.measure.measure import Instruments
from probe.measure.rounds import FeatureRounds
from probe.plan.jobs import Job, Plan

AT_ONCE: Final = 48  # targets under way at the same time
# Seconds between two starts: a check costs milliseconds of CPU, and many that start in the same
# moment would read each other's work as slow connections.
SPACING: Final = 0.02
# Seconds for one trial: with repeats, follow-ups and anchors its verdict is there within 60.
LONGEST: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round gave; grows while it is under way."""

    verdicts: list[Verdict] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)


async def check_once(
    plan: Plan,
    instruments: Instruments,
    record: Recorders,
    done: Callable[[Verdict], None] = lambda _: None,
    health_changed: Callable[[VantageState], None] = lambda _: None,
    *,
    quick: bool = False,
) -> Round:
    """Measure and judge every target of the plan once, then its features.

    ``record`` gets everything as soon as it is there, ``done`` each target's verdict; ``quick``
    leaves out follow-ups.
    """
    result = Round()

    def recorded(verdict: Verdict) -> None:
        result.verdicts.append(verdict)
        record.verdict(verdict)

    rounds = FeatureRounds(plan.features, recorded, instruments.clock.now)
    means = means_for(
        plan,
        instruments,
        Recorders(record.measurement, recorded),
        at_once=True,
        quick=quick,
        health_changed=health_changed,
    )
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(job: Job) -> None:
        bounded = replace(job, timeout=min(job.timeout, LONGEST))
        async with limit:
            measurement, verdict = await run_cycle(bounded, means)
        result.measurements.append(measurement)
        rounds.add(verdict)
        done(verdict)

    try:
        async with asyncio.TaskGroup() as group:
            for job in plan.jobs:
                group.create_task(one(job))
                await asyncio.sleep(SPACING)
    finally:
        await means.controls.aclose()
    rounds.finish()
    result.verdicts[:] = in_order(plan, result.verdicts)
    return result


def in_order(plan: Plan, verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Features first, then targets, each in the plan's order, not in that of finishing."""
    features = {(f.service, f.feature): place for place, f in enumerate(plan.features)}
    targets = {job.target.id: place for place, job in enumerate(plan.jobs)}

    def place(verdict: Verdict) -> tuple[bool, int]:
        if verdict.target is None:
            return False, features[verdict.service, verdict.feature]
        return True, targets[verdict.target]

    return sorted(verdicts, key=place)
