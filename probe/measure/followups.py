"""Which follow-ups can decide something about a failure, and their order.

Immediate ones go to the decoy: at the target's own address whatever was triggered may still be
blocked, for every name. There neutral packets go first, and only after the quarantine.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from probe.checks import WITH_SERVER_NAME, Imitable
from probe.checks.echo import harmless
from probe.checks.quic import QuicCheck
from probe.core.address import is_ip, parse_endpoint
from probe.core.model import Measurement
from probe.judge import answers, content, controls, deepest, followups, protocols, transfers
from probe.judge import conditions as when
from probe.judge.deciding import HANDSHAKES
from probe.judge.decoy import succeeded
from probe.judge.evidence import Evidence, ip_of, tried_in
from probe.measure import experiments as make
from probe.measure.by_turns import by_turns
from probe.measure.measure import Instruments, Interrupted, measure
from probe.measure.places import Places
from probe.measure.quarantine import Quarantine
from probe.plan.jobs import Job

MOST: Final = 24  # measurements in one investigation
_ODD: Final = 3  # odd answers whose certificates are looked at
_PAIRS: Final = 2  # times that a name is sent to a decoy, where silence is to be believed
_HTTP: Final = {"http_request", "http_response", "transfer", "expect"}


@dataclass
class Followups:
    """Runs follow-ups and records each; shared by all targets, so that decoys are."""

    instruments: Instruments
    places: Places
    quarantine: Quarantine
    record: Callable[[Measurement], None]
    neutral_name: str

    async def investigate(
        self, job: Job, evidence: Evidence, within: float
    ) -> tuple[Measurement, ...]:
        """Everything that may decide this failure, in at most ``within`` seconds."""
        case = _Case(self, job, evidence)
        try:
            async with asyncio.timeout(max(within, 0.0)):
                await case.run(within)
        except* (TimeoutError, _EnoughError):
            pass  # what was measured until then stands
        return tuple(case.found)

    async def at_targets(
        self, job: Job, cycle: str, earlier: Measurement
    ) -> tuple[Measurement, ...]:
        """Neutral packets where an earlier trial failed, before the name goes there again."""
        case = _Case(self, job, Evidence(trials=(earlier,)), cycle=cycle)
        await case.at_target()
        return tuple(case.found)

    async def twin(
        self, job: Job, cycle: str, first: Measurement, number: int
    ) -> tuple[Measurement, ...]:
        """A neutral handshake at a decoy that rests from nothing: is the line in order now?"""
        case = _Case(self, job, Evidence(trials=(first,)), cycle=cycle)
        await case.twin(number)
        return tuple(case.found)


class _EnoughError(Exception):
    """No more measurements in this investigation."""


class _Case:
    """One failure under investigation."""

    def __init__(
        self, tools: Followups, job: Job, evidence: Evidence, cycle: str | None = None
    ) -> None:
        self._tools, self._job, self._evidence = tools, job, evidence
        self._cycle = cycle or evidence.trial.cycle
        self._name = make.server_name(job)
        self.found: list[Measurement] = []

    async def run(self, within: float) -> None:
        evidence, op = self._evidence, self._op()
        tasks: list[Coroutine[Any, Any, None]] = []
        if self._doubtful_lookup():
            tasks += [self.non_resolver(), self.certificates()]
        if op == "tls_handshake" or self._private_root():
            tasks.append(self.names(within))
        if evidence.trial.check == "http" and (op in _HTTP or content.page(evidence) is not None):
            tasks.append(self.hosts(within))
        if op == "transfer" or transfers.slow(evidence.trial):
            tasks.append(self.transfers(within))
        if protocols.cut(evidence) or protocols.strange(evidence):
            tasks.append(self.echoes(within))
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
        if op in HANDSHAKES:
            await self._wait_and_go_there(within)

    def _op(self) -> str | None:
        step = self._evidence.failed
        return step.op if step and not deepest.inner(step) else None

    def _private_root(self) -> bool:
        steps = self._evidence.decided.steps if self._evidence.decided else ()
        return any(step.detail.get("private_root") for step in steps) and when.answered(
            self._evidence
        )

    def _doubtful_lookup(self) -> bool:
        evidence = self._evidence
        if is_ip(evidence.host):
            return False
        lookup = evidence.decided is None or evidence.decided.lookup
        found = answers.addresses(evidence.trial)
        odd = any(evidence.odd(ip) for ip in found) or answers.differing(evidence.trial)
        return odd or (lookup and not evidence.succeeded) or answers.elsewhere(evidence)

    async def names(self, within: float) -> None:
        """A neutral server name at a decoy, then the target's; again where it was silence."""
        for number in range(1, _PAIRS + 1):
            async with self._tools.places.decoy(within) as place:
                if place is None:
                    return
                at, session = place
                neutral = make.tls_at(self._job, at, session, self._tools.neutral_name)
                if not await self._passes(neutral, followups.NEUTRAL_AT_DECOY, number):
                    continue
                named = make.tls_at(self._job, at, session, self._name)
                named_result = await self._measured(named, followups.NAME_AT_DECOY, number)
            if when.silent(Evidence(trials=(named_result,))):
                continue
            return

    async def hosts(self, within: float) -> None:
        """The same over plain HTTP, with the Host header."""
        async with self._tools.places.decoy(within) as place:
            if place is None:
                return
            at, session = place
            neutral = make.http_at(self._job, at, session, self._tools.neutral_name)
            if await self._passes(neutral, followups.NEUTRAL_HOST_AT_DECOY, 1):
                named = make.http_at(self._job, at, session, self._evidence.host)
                await self._measured(named, followups.HOST_AT_DECOY, 1)

    async def twin(self, number: int) -> None:
        async with self._tools.places.decoy(0.0) as place:
            if place is not None:
                job = make.tls_at(self._job, *place, self._tools.neutral_name)
                await self._measured(job, followups.NEUTRAL_TWIN, number)

    async def non_resolver(self) -> None:
        """Queries to the decoy's address, where no resolver is: neutral names, and the target's.

        In turns, and several of each, because any of them may be lost; the neutral name itself
        beside random ones, because a proxy may know only names that exist.
        """
        ips = [at.ip for _, session in await self._tools.places.sessions() for at in session.decoys]
        neutral = self._tools.neutral_name
        names = (make.random_neighbour(neutral), neutral, make.random_neighbour(neutral))
        answered = 0
        for number, name in enumerate(names if ips else (), 1):
            job = make.query_at(self._job, ips[0], name)
            twin = await self._measured(job, followups.NEUTRAL_AT_NON_RESOLVER, number)
            if answers.answers(twin):
                return  # whoever it is, it answers for everybody
            named = make.query_at(self._job, ips[0], self._evidence.host)
            result = await self._measured(named, followups.NAME_AT_NON_RESOLVER, number)
            answered += bool(answers.answers(result))
            if number >= _PAIRS and not answered:
                return

    async def certificates(self) -> None:
        """Who proves the name: the hosts that were answered here, and the control's."""
        if not self._speaks_tls():
            return
        there = [ip for c in controls.valid(self._evidence) for ip in answers.control_answers(c)]
        here = answers.addresses(self._evidence.trial)
        known = {
            ip_of(step.address)
            for trial in self._evidence.trials
            for step in trial.steps
            if step.op == "tls_handshake"
        }
        odd = sorted(ip for ip in here - known if ip not in there and not self._evidence.odd(ip))
        for ip in odd[:_ODD]:
            job = make.certificate_at(self._job, ip)
            await self._measured(job, followups.CERTIFICATE_AT_ANSWER, 1)
        good = [ip for ip in dict.fromkeys(there) if ip not in here and not self._evidence.odd(ip)]
        for ip in good[:1]:
            job = make.certificate_at(self._job, ip)
            await self._measured(job, followups.CERTIFICATE_AT_CONTROL_ANSWER, 1)

    def _speaks_tls(self) -> bool:
        return self._job.check.name in WITH_SERVER_NAME | {"dns", "http"}

    async def transfers(self, within: float) -> None:
        """From the target and from the decoy, under both names, in turns on the same line."""
        address = next((ip_of(s.address) for s in self._steps("transfer") if s.address), None)
        async with self._tools.places.decoy(within) as place:
            if place is None or address is None or self._job.check.name not in {"http", "https"}:
                return
            at, session = place
            check: Any = self._job.check
            size = min(max(check.transfer, make.LEAST), make.MOST, session.bytes_max)
            for number in range(1, transfers.PAIRS + 1):
                again = make.transfer_again(self._job, address, size)
                await self._measured(again, followups.TRANSFER_FROM_TARGET, number)
                for kind, name in (
                    (followups.TRANSFER_NEUTRAL, self._tools.neutral_name),
                    (followups.TRANSFER_NAME, self._name),
                ):
                    job = make.transfer_at(self._job, at, session, name, size)
                    await self._measured(job, kind, number)

    async def echoes(self, within: float) -> None:
        """Harmless first packets at an echo, then some of the protocol's shape; nothing is sent
        there between them, because what was cut off may leave the place blocked for all."""
        check = self._job.check
        if not isinstance(check, Imitable):
            return
        async with self._tools.places.echo(within) as echo:
            if echo is None:
                return
            like = harmless(check.first_packet())
            for number in range(1, _PAIRS + 1):
                job = make.echo_at(self._job, echo, lambda: like)
                if not await self._passes(job, followups.HARMLESS_AT_ECHO, number):
                    return
            for number in range(1, _PAIRS + 1):
                job = make.echo_at(self._job, echo, check.first_packet)
                if await self._passes(job, followups.PROTOCOL_AT_ECHO, number):
                    return

    async def at_target(self) -> None:
        """A neutral server name and harmless bytes where it failed, once the place is rested."""
        for address in list(dict.fromkeys(tried_in(self._evidence.trial)))[:1]:
            place = parse_endpoint(address)
            if self._tools.quarantine.remaining(place) > 0:
                return
            if self._job.check.name != QuicCheck.name:  # that goes over UDP, and this over TCP
                harmless = make.harmless_at(self._job, place)
                await self._measured(harmless, followups.HARMLESS_AT_TARGET, 1)
            neutral = make.named_at(self._job, place, self._tools.neutral_name)
            await self._measured(neutral, followups.NEUTRAL_AT_TARGET, 1)

    async def _wait_and_go_there(self, within: float) -> None:
        """In a one-off check there is no later cycle: go there if the quarantine ends in time."""
        places = [parse_endpoint(a) for a in tried_in(self._evidence.trial)][:1]
        rest = max((self._tools.quarantine.remaining(place) for place in places), default=0.0)
        if rest < within:
            await asyncio.sleep(rest)
            await self.at_target()
        known = (*self._evidence.followups, *self.found)
        evidence = replace(self._evidence, followups=known)
        await by_turns(self._job, evidence, self._tools.neutral_name, self._measured)

    def _steps(self, op: str) -> Iterable[Any]:
        return [step for step in self._evidence.trial.steps if step.op == op]

    async def _passes(self, job: Job, kind: str, number: int) -> bool:
        return succeeded(await self._measured(job, kind, number))

    async def _measured(self, job: Job, kind: str, number: int) -> Measurement:
        if len(self.found) >= MOST:
            raise _EnoughError
        try:
            measurement = await measure(
                job,
                self._tools.instruments,
                cycle=self._cycle,
                trial=number,
                role="followup",
                followup_of=self._evidence.trial.id,
                followup=kind,
            )
        except Interrupted as interrupted:
            # It shows nothing, but what it had sent may have triggered something.
            if interrupted.measurement.steps:
                self._tools.record(interrupted.measurement)
            self._tools.quarantine.anomaly(interrupted.measurement)
            # asyncio.timeout takes a cancellation for its own only if it is of the very class.
            raise asyncio.CancelledError from interrupted
        self._tools.record(measurement)
        self._tools.quarantine.anomaly(measurement)
        self.found.append(measurement)
        return measurement
