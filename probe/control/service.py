"""Measures what clients ask for, with the same checks, deadlines and records as the probe."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from probe.checks import Check
from probe.checks.http import INWARDS
from probe.checks.kit import Timeouts
from probe.checks.resolver import parse_resolver
from probe.control.guard import NOT_PUBLIC, OUR_OWN, GuardedNetwork, Own, trusted
from probe.control.limits import BusyError, Places
from probe.control.public import is_public
from probe.core.address import is_ip
from probe.core.ids import uuid7
from probe.core.masking import mask
from probe.core.model import Measurement, Step, Target, Vantage
from probe.core.scrub import Scrubber
from probe.judge.answers import addresses
from probe.measure.health import Health
from probe.measure.measure import SOFTWARE, Instruments, measure
from probe.plan.helper import HelperConfig
from probe.plan.jobs import Job, Plan
from probe.plan.question import MAX_REPLY, Question, Reply, aim_of, with_own
from probe.plan.target import Aim, feature_of
from probe.record.codec import encode

# A client waits 25 seconds: with the queue before it a measurement has to end within them.
LONGEST: Final = 15.0
QUEUE: Final = 16  # targets that may wait: a whole request, at least
_LARGEST: Final = 128 * 1024  # bytes of one measurement; all of a request's fit into one answer
_OBJECTS: Final = 256  # that one answer holds
_KEPT: Final = 1024  # objects of at most 64 KiB each that are kept of one request
_URL: Final = 2048  # characters that are repeated of what is no target
_SLACK: Final = 64 * 1024  # bytes of an answer besides its measurements and objects
_TOLD: Final = 200  # characters of a reason


class Measuring:
    """What the control does for its clients; nothing is sent before somebody asks."""

    def __init__(
        self,
        config: HelperConfig,
        plan: Plan,
        instruments: Instruments,
        *,
        own: Own,
        allow_private: bool,
        places: Places | None = None,
    ) -> None:
        """``own`` are the control's addresses; private ones are measured only where allowed."""
        self._instruments = instruments
        self._own = own
        self._allow_private = allow_private
        self._places = places or Places(config.control.parallel, QUEUE)
        self._keyed = {_place(job.check): job.check for job in plan.jobs}
        texts = dict.fromkeys(config.resolvers)
        self._resolvers = trusted(parse_resolver(text) for text in texts)
        self._timeout = min(config.timeout, LONGEST)
        self._timeouts = config.timeouts.over(Timeouts())
        self._anchor_objects = _Objects()
        # Anchors are the operator's choice: they may be private.
        seen = replace(instruments, keep=self._anchor_objects.keep)
        self._health = Health(plan.anchors, seen, lambda _: None)
        self._round: asyncio.Task[tuple[Measurement, ...]] | None = None

    @property
    def vantage(self) -> Vantage:
        """Where the control is, as it says itself."""
        return self._instruments.vantage

    async def anchors(self) -> tuple[Measurement, ...]:
        """The control's own health, at most a minute old; a round is shared by all who ask."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._health.recent())
        # A client that leaves must not end a round that others wait for.
        return await asyncio.shield(self._round)

    async def state(self) -> str:
        """What the anchors say of the control's own network (``judge.vantage``)."""
        await self.anchors()
        return self._health.state.value

    async def reply(self, questions: Sequence[Question], client: str) -> bytes:
        """The body of the answer. Raises BusyError, before any measurement, if there is no room."""
        async with self._places.room(len(questions)):
            objects = _Objects()
            cycle = uuid7(self._instruments.clock.now())
            async with asyncio.TaskGroup() as group:
                health = group.create_task(self.anchors())
                found = [group.create_task(self._one(asked, cycle, objects)) for asked in questions]
        measured = [task.result() for task in found]
        if all(measurement is None for measurement in measured):
            raise BusyError
        anchors = health.result()
        told = tuple(
            self._not_measured(asked, cycle, "busy: no place became free in time")
            if measurement is None
            else _bounded(measurement)
            for asked, measurement in zip(questions, measured, strict=True)
        )
        room = MAX_REPLY - _SLACK - sum(len(encode(each)) for each in (*told, *anchors))
        named = self._anchor_objects.only(_named(anchors)) | objects.only(_named(told))
        reply = Reply(
            control=self.vantage,
            client=client,
            anchors=anchors,
            measurements=told,
            objects=dict(_fitting(named, room)),
        )
        return reply.as_json()

    async def close(self) -> None:
        """End a round of anchors that is under way."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    async def _one(self, asked: Question, cycle: str, objects: "_Objects") -> Measurement | None:
        """One target; None if it had to wait too long for its turn."""
        try:
            job = self._job(asked)
        except ValueError as exc:
            return self._not_measured(asked, cycle, f"refused: {exc}")
        try:
            async with self._places.place():
                return await self._measure(job, cycle, objects)
        except BusyError:
            return None

    async def _measure(self, job: Job, cycle: str, objects: "_Objects") -> Measurement:
        tools = replace(self._instruments, keep=objects.keep)
        if self._allow_private:
            return await measure(job, tools, cycle=cycle)
        guard = GuardedNetwork(tools.net, self._own)
        measured = await measure(job, replace(tools, net=guard), cycle=cycle)
        inwards = any(map(_inwards, measured.steps)) or not all(map(is_public, addresses(measured)))
        refused = guard.refused or (NOT_PUBLIC if inwards else None)
        return _emptied(measured, f"refused: {refused}") if refused else measured

    def _job(self, asked: Question) -> Job:
        """Raises ValueError for what is not measured here."""
        given = tuple(ip for ip in asked.addresses if self._allows(ip))
        aim = aim_of(replace(asked, addresses=given))
        if is_ip(aim.host) and not self._allows(aim.host):
            raise ValueError(OUR_OWN if is_public(aim.host) else NOT_PUBLIC)
        type_ = getattr(aim.check, "type", "A")
        addresses_only = {"A", "AAAA"}
        able = tuple(r for r in self._resolvers if type_ in addresses_only or r.kind != "system")
        if not able:
            raise ValueError(f"no resolver here can be asked for {type_}")
        keyed = self._keyed.get(_place(aim.check))
        return Job(
            target=_target(aim),
            check=with_own(aim.check, keyed) if keyed else aim.check,
            resolvers=able,
            timeout=self._timeout,
            timeouts=self._timeouts,
            every=0.0,
            local=False,
            private=False,
        )

    def _allows(self, ip: str) -> bool:
        return self._allow_private or (is_public(ip) and ip not in self._own)

    def _not_measured(self, asked: Question, cycle: str, reason: str) -> Measurement:
        started = self._instruments.clock.now()
        shown = mask(asked.url)[:_URL]
        return Measurement(
            id=uuid7(started),
            run=self._instruments.run,
            cycle=cycle,
            started=started,
            vantage=self.vantage,
            target=Target(id=shown, service="", feature="", url=shown),
            check=shown.partition("://")[0][:_TOLD],
            invalid=Scrubber().text(reason)[:_TOLD],
            software=SOFTWARE,
        )


class _Objects:
    """What measurements keep, by its SHA-256; the newest of it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self._kept[name] = data
        self._kept.move_to_end(name)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return name

    def only(self, names: Iterable[str]) -> dict[str, bytes]:
        return {name: self._kept[name] for name in names if name in self._kept}


def _place(check: Check) -> tuple[str, str, int]:
    """By what a target is known again that this control has secrets of its own for."""
    asked: Any = check
    return asked.name, asked.host, asked.port


def _target(aim: Aim) -> Target:
    feature = feature_of(aim.check.name)
    return Target(id=aim.url, service=aim.host, feature=feature, url=aim.url)


def _inwards(step: Step) -> bool:
    """Whether a redirect led to an address that the check itself did not follow."""
    return step.op == "redirect" and step.detail.get("error") == INWARDS


def _emptied(measurement: Measurement, reason: str) -> Measurement:
    return replace(measurement, steps=(), covered="lookup", invalid=reason)


def _bounded(measurement: Measurement) -> Measurement:
    if len(encode(measurement)) <= _LARGEST:
        return measurement
    return _emptied(measurement, f"its record is larger than {_LARGEST} bytes")


def _named(measurements: Iterable[Measurement]) -> Iterator[str]:
    """The objects that the steps name."""
    for step in (step for measurement in measurements for step in measurement.steps):
        yield from step.detail.get("peer_certificates", ())
        if "body" in step.detail:
            yield step.detail["body"]


def _fitting(objects: Mapping[str, bytes], room: int) -> Iterator[tuple[str, bytes]]:
    """As many objects as one answer holds: in base64 four bytes stand for three."""
    for number, (name, data) in enumerate(objects.items()):
        room -= len(data) * 4 // 3 + len(name) + 10
        if number < _OBJECTS and room > 0:
            yield name, data
