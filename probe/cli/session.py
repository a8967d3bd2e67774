"""The real world for one run: sockets, clocks, the trust store and the results folder."""

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from probe.core.ids import uuid7
from probe.core.model import Event, Measurement, Verdict
from probe.judge.vantage import VantageState
from probe.measure.means import Recorders
from probe.measure.measure import Instruments
from probe.net.clocks import Clock, RealClock
from probe.net.real import RealNetwork
from probe.net.trust import Policy, Trust
from probe.plan.jobs import Plan
from probe.record.disk import ResultsError
from probe.record.journal import Journal

_NEWEST: Final = 512  # objects of at most 32 KiB each that are kept in memory
_Record = TypeVar("_Record", Measurement, Verdict, Event)


def instruments(plan: Plan, journal: Journal | None, clock: Clock | None = None) -> Instruments:
    """What measurements of this plan are made with. ConfigError if its trust file is unusable."""
    clock = clock or RealClock()
    trust = Trust()
    # Made before anything is timed: a context costs tens of milliseconds.
    for alpn in ((), ("http/1.1",)):
        trust.prepare(Policy(ca_file=plan.ca_file, alpn=alpn))

    objects = _Objects(journal)

    return Instruments(
        run=uuid7(clock.now()),
        vantage=plan.vantage,
        net=RealNetwork(),
        clock=clock,
        trust=trust,
        keep=objects.keep,
        read=objects.read,
        ca_file=plan.ca_file,
        user_agent=plan.user_agent,
        max_addresses=plan.max_addresses,
    )


class _Objects:
    """Objects go to the journal; the newest stay in memory, for the judge and without a disk."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._newest: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self._newest[name] = data
        if len(self._newest) > _NEWEST:
            self._newest.popitem(last=False)
        if self._journal is not None:
            with contextlib.suppress(ResultsError):  # the journal itself tells of a full disk
                self._journal.objects.put(data)
        return name

    def read(self, name: str) -> bytes | None:
        if name in self._newest:
            return self._newest[name]
        if self._journal is None:
            return None
        try:
            return self._journal.objects.get(name)
        except (OSError, ValueError):
            return None


@contextmanager
def opened(plan: Plan, *, store: bool = True) -> Iterator[Journal | None]:
    """The plan's results folder for writing, or None where nothing is to be stored."""
    if not store:
        yield None
        return
    journal = Journal(plan.results)
    try:
        yield journal
    finally:
        # What found no room has been told already; closing says so once more.
        with contextlib.suppress(ResultsError):
            journal.close()


class Storing:
    """Stores what is measured, keeps it for display too, and goes on without a disk.

    ``failed`` is the first reason why something could not be stored at once.
    """

    def __init__(self, journal: Journal | None) -> None:
        """Store in the journal, or nowhere."""
        self._journal = journal
        self.measurements: list[Measurement] = []
        self.failed: str | None = None
        self.recorders = Recorders(self._measurement, self._verdict)

    @property
    def lost(self) -> bool:
        """Whether something has found no room until now."""
        return self._journal is not None and bool(self._journal.waiting + self._journal.dropped)

    def _measurement(self, measurement: Measurement) -> None:
        self.measurements.append(measurement)
        if self._journal is not None:
            self._try(self._journal.measurement, measurement)

    def _verdict(self, verdict: Verdict) -> None:
        if self._journal is not None:
            self._try(self._journal.verdict, verdict)

    def health_of(self, tools: Instruments) -> Callable[[VantageState], None]:
        """Writes an event whenever the vantage's state changes."""

        def changed(state: VantageState) -> None:
            event = Event(
                at=tools.clock.now(),
                event="health",
                vantage=tools.vantage.id,
                detail={"state": state.value},
            )
            if self._journal is not None:
                self._try(self._journal.event, event)

        return changed

    def _try(self, write: Callable[[_Record], None], record: _Record) -> None:
        try:
            write(record)
        except ResultsError as exc:
            self.failed = self.failed or str(exc)
