"""What a configuration asks for around the service itself: the numbers, and who is told."""

import shutil
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from probe.net.clocks import Clock
from probe.plan.jobs import Plan
from probe.record.journal import Journal
from probe.run.watching import Watcher

if TYPE_CHECKING:
    from probe.run.metrics.table import Room

_T = TypeVar("_T")


class Attendants:
    """Watchers for the service, and what must run beside it as long as it does."""

    def __init__(self, plan: Plan, journal: Journal, clock: Clock) -> None:
        """Nothing listens and nothing is sent yet; what is not asked for is not even imported."""
        self._plan = plan
        self._journal = journal
        self._clock = clock
        self._beside: list[Any] = []
        self.watchers: list[Watcher] = []
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

    def _measure(self, plan: Plan) -> None:
        from probe.run.metrics.collector import ProbeCollector
        from probe.run.metrics.seen import Seen
        from probe.run.metrics.server import MetricsServer
        from probe.run.metrics.table import Sources
        from probe.run.metrics.wellness import wellness

        assert plan.metrics is not None
        seen = Seen(plan, self._clock)
        sources = Sources(seen=seen, room=self._room)
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
