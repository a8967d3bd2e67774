"""A cycle is one round of one target: health, the target, and after a failure what it takes to
tell blocked from down: the controls, repeats, and follow-ups."""

import asyncio
from dataclasses import replace
from typing import Final

from probe.core.ids import uuid7
from probe.core.model import Measurement, Verdict
from probe.judge import answers, controls, here
from probe.judge import conditions as when
from probe.judge.evidence import Evidence, ip_of, tried_in
from probe.judge.verdict import judge
from probe.measure.means import Means
from probe.measure.measure import Interrupted, measure
from probe.plan.jobs import Job

_PAUSE: Final = 0.5  # seconds between a trial and its repeat
_RESERVED: Final = 12.0  # seconds of a cycle that are kept for follow-ups
_ACCUSING: Final = {"blocked", "degraded", "denied", "down"}
_LEAST: Final = 1.0  # seconds; with less left, nothing more is begun


async def run_cycle(job: Job, means: Means) -> tuple[Measurement, Verdict]:
    """Measure a target, find out what a failure means, and judge.

    The anchors are looked at before, at most a minute ago, and again after a failure: only a
    vantage that was online on both sides lets a failure speak about the target.
    """
    return await _Cycle(job, means).run()


class _Cycle:
    def __init__(self, job: Job, means: Means) -> None:
        self._job, self._means = job, means
        self._clock = means.instruments.clock
        self._began = self._clock.monotonic()
        self._id = ""
        self._found: dict[str, Measurement] = {}
        self._needed = means.confirmation.needed
        # Without a control nothing is told apart, and repeats would only be further packets.
        self._asks = means.controlled and not job.private and not job.local
        # A private target is not to be noticed, and one in the vantage's own network is nobody
        # else's business: no follow-up carries its name anywhere.
        self._followups = None if job.private or job.local else means.followups

    async def run(self) -> tuple[Measurement, Verdict]:
        for anchor in () if self._job.local else await self._means.health.recent():
            self._found[anchor.id] = anchor
        self._id = uuid7(self._clock.now())
        try:
            await self._before()
            first = await self._trial(1)
            if not self._means.confirmation.at_once:
                self._began = self._clock.monotonic()  # a schedule lets it take its own timeout
            await self._look_closer(first)
        except asyncio.CancelledError:
            if any(m.role == "target" for m in self._found.values()):
                self._means.record.verdict(self._judged())
            raise
        verdict = self._judged()
        self._remember(verdict)
        self._means.record.verdict(verdict)
        return self._evidence().trial, verdict

    async def _before(self) -> None:
        """At an address that failed in an earlier cycle, neutral packets go before the trigger."""
        earlier = self._means.earlier.get(self._job.target.id, ())
        for trial in earlier:
            self._found[trial.id] = trial
        if not earlier or self._followups is None:
            return
        if when.inside_handshake(self._evidence()):
            self._take(await self._followups.at_targets(self._job, self._id, earlier[-1]))

    async def _trial(self, number: int) -> Measurement:
        job = self._job
        if number > 1:
            job = replace(job, timeout=min(job.timeout, max(self._left(), _LEAST)))
        try:
            trial = await measure(job, self._means.instruments, cycle=self._id, trial=number)
        except Interrupted as interrupted:
            self._keep(interrupted.measurement)
            raise
        self._keep(trial)
        return trial

    async def _look_closer(self, first: Measurement) -> None:
        evidence = self._evidence()
        if first.invalid is not None or not when.worth_asking(evidence):
            return
        if when.failed(evidence):
            self._needed = self._needed_for(evidence)
        self._means.quarantine.anomaly(first)
        if when.failed(evidence):
            await self._ask_health()
            if here.vantage_explains(self._evidence()):
                return  # nothing else could count, and little could be reached
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ask_controls(first))
                group.create_task(self._repeat(evidence))
        else:
            await self._ask_controls(first)
            if not when.settled(self._evidence()):
                await self._ask_health()
                await self._repeat(evidence)
        evidence = self._evidence()
        if when.settled(evidence) or self._followups is None:
            return
        if controls.all_failed(evidence) and not controls.fail_alike(evidence):
            return  # the failure is shared: nothing is left to be told apart
        self._take(await self._followups.investigate(self._job, evidence, self._left()))

    async def _ask_health(self) -> None:
        if not self._job.local:
            for anchor in await self._means.health.fresh():
                self._found[anchor.id] = anchor

    async def _ask_controls(self, trial: Measurement) -> None:
        if not self._asks:
            return
        dialled = [ip_of(address) for address in tried_in(trial)]
        ips = tuple(dict.fromkeys((*dialled, *sorted(answers.addresses(trial)))))
        # A server may have died since a control was asked: whoever is about to be accused for the
        # first time is looked at once more.
        accused = self._job.target.id in self._means.accused
        fresh = not accused and when.failed(self._evidence()) and self._evidence().confirmed
        self._take(await self._means.controls.ask(self._job, ips, self._id, fresh=fresh))

    async def _repeat(self, evidence: Evidence) -> None:
        """Repeats at once are one observation; what they exclude is a single lost packet.

        On a schedule the next cycles are the repeats, but not of a success: it triggered nothing,
        and the next cycle would forget it.
        """
        if not self._asks or (when.failed(evidence) and not self._means.confirmation.at_once):
            return
        silent = when.silent(evidence)
        for number in range(2, max(self._needed, 2) + 1):
            if self._left() - _RESERVED < _LEAST:
                return
            await asyncio.sleep(_PAUSE)
            twin = asyncio.create_task(self._twin(number)) if silent else None
            trial = await self._trial(number)
            if twin:
                await twin
            self._means.quarantine.anomaly(trial)
            if when.failed(evidence) and not when.failed(self._evidence()):
                return

    async def _twin(self, number: int) -> None:
        if self._followups is not None:
            first = next(m for m in self._found.values() if m.role == "target")
            self._take(await self._followups.twin(self._job, self._id, first, number))

    def _needed_for(self, evidence: Evidence) -> int:
        wanted = self._means.confirmation
        return wanted.needed_silent if when.silent(evidence) else wanted.needed

    def _left(self) -> float:
        return self._began + self._means.confirmation.within - self._clock.monotonic()

    def _keep(self, measurement: Measurement) -> None:
        self._means.record.measurement(measurement)
        self._found[measurement.id] = measurement

    def _take(self, measurements: tuple[Measurement, ...]) -> None:
        """What was recorded where it was made."""
        self._found.update((measurement.id, measurement) for measurement in measurements)

    def _evidence(self) -> Evidence:
        found = dict(self._found)
        evidence = Evidence.of(
            found.values(),
            target=self._job.target.id,
            bodies=self._bodies(),
            knowledge=self._means.knowledge,
            needed=self._needed,
        )
        trial = evidence.trials[-1]
        this = tuple(t for t in evidence.trials if t.cycle == self._id)
        if this and not when.failed(replace(evidence, trials=this)):
            evidence = replace(evidence, trials=this)  # earlier failures are over
        return replace(evidence, neighbours=self._means.quarantine.neighbours(trial))

    def _bodies(self) -> dict[str, bytes]:
        kept = {}
        for measurement in self._found.values():
            for step in measurement.steps:
                name = step.detail.get("body")
                if name and (body := self._means.instruments.read(name)) is not None:
                    kept[name] = body
        return kept

    def _judged(self) -> Verdict:
        return judge(self._evidence(), self._clock.now())

    def _remember(self, verdict: Verdict) -> None:
        """Failed trials wait for the next cycles to confirm them; a success forgets them."""
        name = self._job.target.id
        self._means.accused.discard(name)
        if verdict.outcome in _ACCUSING:
            self._means.accused.add(name)
        if self._means.confirmation.at_once:
            return
        if verdict.outcome in {"ok", "invalid", "offline"}:
            self._means.earlier.pop(name, None)
            return
        failed = [m for m in self._evidence().trials if when.failed(Evidence(trials=(m,)))]
        keep = max(self._means.confirmation.needed, self._means.confirmation.needed_silent)
        self._means.earlier[name] = tuple(failed[-(keep - 1) :]) if keep > 1 else ()
