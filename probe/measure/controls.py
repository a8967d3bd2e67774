"""Asks controls what they see of a target; what they answer is checked before it counts as facts.

A control is a helper elsewhere that runs the same checks (``docs/control.md``). It is asked after
a failure, over an ordinary HTTPS connection that is no measurement. One that cannot be asked, or
answers nonsense, leaves an ``invalid`` measurement and decides nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from probe.core.address import is_local
from probe.core.ids import uuid7
from probe.core.model import SCHEMA, Measurement, Vantage
from probe.core.scrub import Scrubber
from probe.judge.covered import covered
from probe.judge.deciding import deciding
from probe.measure.measure import SOFTWARE, Instruments
from probe.plan.controls import ControlPlace
from probe.plan.jobs import ANCHORS, Job

if TYPE_CHECKING:  # imported with the first control: both take long to load
    from probe.net.api import Api
    from probe.plan.question import Question, Reply, Session

REUSE: Final = 600.0  # seconds for which an answer to the same question stands
WITHIN: Final = 25.0  # seconds in which every control has answered, or has not
_SESSION_WITHIN: Final = 10.0  # seconds to open a session
_LOST: Final = 30.0  # seconds for which a control that could not be reached is not tried again
_MARGIN: Final = 10.0  # seconds before its end from which a session is not used any more
_TOLD: Final = 200  # characters of a control's own words that are kept
_OWN: Final = 64  # addresses of ours that controls may tell; more is a control that makes them up
# A clock that is further off would file its measurements under days that are sealed, or to come.
_CLOCK: Final = timedelta(days=1)
_ANCHOR_KINDS: Final = {"international", "domestic"}


class Controls:
    """All controls of a plan, each over connections of its own for as long as the run lasts.

    What they measured goes to ``record`` once, when it arrives.
    """

    def __init__(
        self,
        places: Sequence[ControlPlace],
        instruments: Instruments,
        record: Callable[[Measurement], None],
        *,
        within: float = WITHIN,
    ) -> None:
        """Read tokens and certificates and send nothing. ConfigError names what is missing.

        ``within`` is the deadline of a question, in seconds.
        """
        self._controls = [_Control(place, instruments, record, within) for place in places]

    async def ask(
        self, job: Job, addresses: Sequence[str], cycle: str, *, fresh: bool = False
    ) -> tuple[Measurement, ...]:
        """What each control measured of the target, and its anchors; asks all of them at once.

        ``addresses`` are what the resolvers here gave. An answer is used again for ten minutes,
        unless a ``fresh`` one is wanted: then its measurements are those of the earlier cycle.
        Nobody is asked about a private target, nor about one in the vantage's own network:
        elsewhere its address is another machine's.
        """
        if job.private or job.local or not self._controls:
            return ()
        # In one order: resolvers turn theirs, and that makes no new question.
        known = sorted(set(addresses))
        found = await asyncio.gather(*(c.ask(job, known, cycle, fresh) for c in self._controls))
        return tuple(measurement for answer in found for measurement in answer)

    async def session(self) -> "list[tuple[str, Session]]":
        """A session at each control that can be reached, with the control's id."""
        opened = await asyncio.gather(*(control.session() for control in self._controls))
        pairs = zip(self._controls, opened, strict=True)
        return [(control.id, session) for control, session in pairs if session is not None]

    async def aclose(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(control.aclose() for control in self._controls))


class _Control:
    def __init__(
        self,
        place: ControlPlace,
        instruments: Instruments,
        record: Callable[[Measurement], None],
        within: float,
    ) -> None:
        self.id = place.id
        self._place, self._instruments, self._record = place, instruments, record
        self._within = within
        self._api = _api(place)
        self._answers: dict[tuple[str, bytes], tuple[float, tuple[Measurement, ...]]] = {}
        self._recorded: dict[str, tuple[float, Measurement]] = {}
        self._session: tuple[float, Session] | None = None
        self._opening = asyncio.Lock()
        self._lost: tuple[float, str] | None = None  # until when it need not be tried, and why

    async def ask(
        self, job: Job, addresses: Sequence[str], cycle: str, fresh: bool
    ) -> tuple[Measurement, ...]:
        from probe.net.api import ApiError
        from probe.plan.question import MAX_REPLY, MEASURE, Reply, question, write_questions

        self._forget()
        try:
            asked = question(job, addresses)
        except ValueError as exc:
            return self._failed(job, cycle, f"it was not asked: {exc}")
        body = write_questions([asked])
        known = self._answers.get((job.target.id, body))
        if known and not fresh:
            return known[1]
        try:
            answer = await self._post(MEASURE, body, self._within, MAX_REPLY)
            reply = Reply.from_json(answer)
            target, anchors = self._adopted(reply, job, cycle)
        except ApiError as exc:
            return self._failed(job, cycle, f"it could not be asked: {exc}")
        except ValueError as exc:
            return self._failed(job, cycle, f"its answer cannot be used: {exc}")
        self._learn(reply.client, asked)
        for data in reply.objects.values():
            self._instruments.keep(data)
        measurements = (target, *(self._once(anchor) for anchor in anchors))
        self._once(target)
        self._answers[job.target.id, body] = self._now(), measurements
        return measurements

    async def session(self) -> "Session | None":
        from probe.net.api import ApiError
        from probe.plan.question import MAX_REPLY, SESSION, Session

        async with self._opening:
            if self._session is not None and self._session[0] > self._now():
                return self._session[1]
            began = self._now()
            try:
                answer = await self._post(SESSION, b"{}", _SESSION_WITHIN, MAX_REPLY)
                session = self._outward(Session.from_json(answer))
            except (ApiError, ValueError):
                return None
            self._learn(session.client)
            self._session = began + session.expires - _MARGIN, session
            return session

    async def aclose(self) -> None:
        await self._api.aclose()

    async def _post(self, path: str, body: bytes, within: float, limit: int) -> bytes:
        """Ask, but not a control that was out of reach a moment ago."""
        from probe.net.api import UnreachableError

        if self._lost is not None and self._lost[0] > self._now():
            raise UnreachableError(self._lost[1])
        try:
            answer = await self._api.post(path, body, within=within, limit=limit)
        except UnreachableError as exc:
            self._lost = self._now() + _LOST, str(exc)
            raise
        self._lost = None
        return answer

    def _now(self) -> float:
        return self._instruments.clock.monotonic()

    def _forget(self) -> None:
        """Drop what is too old to be used again."""
        oldest = self._now() - REUSE
        self._answers = {key: held for key, held in self._answers.items() if held[0] > oldest}
        self._recorded = {key: held for key, held in self._recorded.items() if held[0] > oldest}

    def _once(self, measurement: Measurement) -> Measurement:
        """As it was recorded first: one round of anchors may come with several answers."""
        held = self._recorded.get(measurement.id)
        if held is not None:
            return held[1]
        self._recorded[measurement.id] = self._now(), measurement
        self._record(measurement)
        return measurement

    def _adopted(
        self, reply: "Reply", job: Job, cycle: str
    ) -> tuple[Measurement, tuple[Measurement, ...]]:
        """The reply's measurements as ours: what they are is for us to say, not for the control.

        Raises ValueError if they cannot be what was asked for.
        """
        if len(reply.measurements) != 1:
            raise ValueError("it did not answer each question once")
        target = self._own(reply.measurements[0], reply.control, cycle)
        if target.invalid is None and target.check != job.check.name:
            raise ValueError("it measured something else")
        if target.id in self._recorded:
            raise ValueError("it repeated an id")
        target = replace(target, role="target", target=job.target, check=job.check.name)
        anchors = [self._own(anchor, reply.control, cycle) for anchor in reply.anchors]
        for anchor in anchors:
            if anchor.target.feature not in _ANCHOR_KINDS:
                raise ValueError("one of its anchors is of an unknown kind")
            if anchor.id in self._recorded and self._recorded[anchor.id][1].role != "anchor":
                raise ValueError("it repeated an id")
        return target, tuple(
            replace(anchor, role="anchor", target=replace(anchor.target, service=ANCHORS))
            for anchor in anchors
        )

    def _own(self, measurement: Measurement, control: Vantage, cycle: str) -> Measurement:
        if abs(measurement.started - self._instruments.clock.now()) > _CLOCK:
            raise ValueError("its clock is off by more than a day")
        return replace(
            measurement,
            schema=SCHEMA,
            run=self._instruments.run,
            cycle=cycle,
            vantage=replace(control, id=self.id),
            trial=1,
            origin=self.id,
            followup_of=None,
            followup=None,
            covered=covered(deciding(measurement)),
            invalid=measurement.invalid and _printable(measurement.invalid),
        )

    def _failed(self, job: Job, cycle: str, reason: str) -> tuple[Measurement, ...]:
        """What is recorded of a control that measured nothing."""
        now = self._instruments.clock.now()
        failed = Measurement(
            id=uuid7(now),
            run=self._instruments.run,
            cycle=cycle,
            started=now,
            vantage=Vantage(id=self.id),
            target=job.target,
            check=job.check.name,
            origin=self.id,
            invalid=_printable(reason),
            software=SOFTWARE,
        )
        self._record(failed)
        return (failed,)

    def _learn(self, client: str, asked: "Question | None" = None) -> None:
        """The vantage's own address, as the control sees it; a target's can be no such address."""
        own = self._instruments.own_addresses
        if len(own) < _OWN and (asked is None or client not in asked.addresses):
            own.add(client)

    def _outward(self, session: "Session") -> "Session":
        """Without places in the vantage's own network, unless the control itself is there."""
        if is_local(self._place.host):
            return session
        echo = session.echo
        return replace(
            session,
            decoys=tuple(decoy for decoy in session.decoys if not is_local(decoy.ip)),
            echo=None if echo and is_local(echo.ip) else echo,
        )


def _api(place: ControlPlace) -> "Api":
    from probe.net.api import Api

    return Api(
        place.url,
        token=place.token(),
        ca_file=place.ca_file,
        client_cert=place.client_cert,
        client_key=place.client_key,
    )


def _printable(text: str) -> str:
    """Another's words, in one short line, without addresses: one of them may be our own."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return Scrubber().text(shown)[:_TOLD]
