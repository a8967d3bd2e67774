"""What a configuration asks for around the service itself: the numbers, and who is told."""

import shutil
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from probe.core.model import Event
from probe.net.clocks import Clock
from probe.plan.jobs import Plan
from probe.record.disk import ResultsError
from probe.record.journal import Journal
from probe.run.watching import Watcher

if TYPE_CHECKING:
    from probe.run.metrics.table import Room

_T = TypeVar("_T")


class Attendants:
    """Watchers for the service, and what must run beside it as long as it does."""

    def __init__(self, plan: Plan, journal: Journal, clock: Clock) -> None:
        """Nothing listens and nothing is sent yet; what is not asked for is not even imported.

        ConfigError where what they need cannot be had.
        """
        self._plan = plan
        self._journal = journal
        self._clock = clock
        self._beside: list[Any] = []
        self.watchers: list[Watcher] = []
        self._notified: Callable[[], dict[str, int]] | None = None
        if plan.alerts is not None:
            self._tell(plan)
        if plan.metrics is not None:
            self._measure(plan)

    async def around(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do the work while they run. ConfigError where one of them cannot."""
        try:
            async with AsyncExitStack() as stack:
                for attendant in self._beside:
                    await stack.enter_async_context(attendant)
                return await work
        finally:
            work.close()  # it never began where they could not

    def _tell(self, plan: Plan) -> None:
        from probe.run.alerts.notifier import AppriseNotifier
        from probe.run.alerts.watcher import Alerts

        alerts = Alerts(plan, self._clock, self._journal.root, AppriseNotifier(), self._record)
        self.watchers.append(alerts)
        self._beside.append(alerts)
        self._notified = lambda: dict(alerts.counts)

    def _record(self, event: Event) -> None:
        with suppress(ResultsError):  # the service tells of a full disk, and the journal keeps it
            self._journal.event(event)

    def _measure(self, plan: Plan) -> None:
        from probe.run.metrics.collector import ProbeCollector
        from probe.run.metrics.seen import Seen
        from probe.run.metrics.server import MetricsServer
        from probe.run.metrics.table import Sources
        from probe.run.metrics.wellness import wellness

        assert plan.metrics is not None
        seen = Seen(plan, self._clock)
        sources = Sources(seen=seen, room=self._room, notifications=self._notified)
        self.watchers.append(seen)
        self._beside.append(
            MetricsServer(
                plan.metrics,
                ProbeCollector(sources).parts,
                lambda: wellness(sources, self._clock),
                self._clock.monotonic,
            )
        )

    def _room(self) -> "Room":
        from probe.run.metrics.table import Room

        try:
            usage = shutil.disk_usage(self._journal.root)
        except OSError:
            return Room(None, None, self._journal.waiting, self._journal.dropped)
        return Room(usage.free, usage.total, self._journal.waiting, self._journal.dropped)
