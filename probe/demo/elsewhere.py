"""The replay's control: it measures abroad with the same checks, in the same process.

Of a real control only the wire is left out, HTTPS and JSON: what it is asked and what it does with
the question is the same, and so is what becomes of the answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from probe.core.address import Endpoint
from probe.core.model import Measurement
from probe.measure.controls import Controls
from probe.measure.health import Health
from probe.measure.measure import Instruments, measure
from probe.plan.jobs import Job
from probe.plan.question import Session, aim_of, question

_EXPIRES: Final = 600.0  # seconds of a session


class Elsewhere(Controls):
    """One control that is always reached."""

    def __init__(
        self,
        instruments: Instruments,
        anchors: Sequence[Job],
        record: Callable[[Measurement], None],
        *,
        decoy: Endpoint,
        leaf: str,
        client: str,
    ) -> None:
        """Measure with these instruments, whose vantage is the control's own place.

        ``leaf`` is the SHA-256 of the certificate that the decoy shows; ``client`` is the asker's
        address.
        """
        super().__init__((), instruments, record)
        self._tools = instruments
        self._store = record
        self._health = Health(anchors, instruments, lambda found: record(self._own(found)))
        self._session = Session(
            decoys=(decoy,), leaf=leaf, page="", client=client, expires=_EXPIRES
        )

    async def ask(
        self,
        job: Job,
        addresses: Sequence[str],
        cycle: str,
        *,
        fresh: bool = False,  # noqa: ARG002 - each answer is
    ) -> tuple[Measurement, ...]:
        """What the control measures of the target, and its anchors."""
        aim = aim_of(question(job, addresses))
        anchors = [self._own(found) for found in await self._health.recent()]
        found = await measure(replace(job, check=aim.check), self._tools, cycle=cycle)
        target = self._own(found)
        self._store(target)
        return (target, *anchors)

    async def session(self) -> list[tuple[str, Session]]:
        """Where its decoy is."""
        return [(self._tools.vantage.id, self._session)]

    def _own(self, measurement: Measurement) -> Measurement:
        return replace(measurement, origin=self._tools.vantage.id)
