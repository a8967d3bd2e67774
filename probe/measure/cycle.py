"""A cycle is one round of one target: health, the target, and the verdict on what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from probe.core.ids import uuid7
from probe.core.model import Measurement, Verdict
from probe.judge.evidence import Evidence
from probe.judge.verdict import judge
from probe.measure.health import Health
from probe.measure.measure import Instruments, Interrupted, measure
from probe.plan.jobs import Job


@dataclass(frozen=True, slots=True)
class Recorders:
    """Where facts and conclusions go as soon as they are there."""

    measurement: Callable[[Measurement], None]
    verdict: Callable[[Verdict], None]


async def run_cycle(
    job: Job, instruments: Instruments, health: Health, record: Recorders
) -> tuple[Measurement, Verdict]:
    """Measure a target once and judge it.

    The anchors are looked at before, at most a minute ago, and again after a failure: only a
    vantage that was online on both sides lets a failure speak about the target.
    """
    clock = instruments.clock
    before = () if job.local else await health.recent()
    cycle = uuid7(clock.now())
    try:
        measurement = await measure(job, instruments, cycle=cycle)
    except Interrupted as interrupted:
        record.measurement(interrupted.measurement)
        evidence = Evidence(trials=(interrupted.measurement,))
        record.verdict(judge(evidence, clock.now()))
        raise
    record.measurement(measurement)
    evidence = Evidence(trials=(measurement,))
    verdict = judge(evidence, clock.now())
    if verdict.outcome not in {"ok", "invalid"} and not job.local:
        after = await health.fresh()
        anchors = tuple({anchor.id: anchor for anchor in (*before, *after)}.values())
        verdict = judge(Evidence(trials=(measurement,), anchors=anchors), clock.now())
    record.verdict(verdict)
    return measurement, verdict
