"""For a running probe: many targets, and results kept in memory."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from support.plans import tools
from support.servers import accepting, http, page
from support.virtual import DAY, VirtualClock, apscheduler_on, run_virtual

from probe.core.address import Endpoint
from probe.core.model import Event, Measurement, Verdict
from probe.net.fake import FakeNetwork
from probe.plan.jobs import Plan
from probe.record.disk import DiskFull
from probe.run.service import Service
from probe.run.timetable import EPOCH, phase


class Notebook:
    """Stands in for the journal: keeps records in memory, and what comes while ``full`` waits."""

    def __init__(self) -> None:
        self.full = False
        self.measurements: list[Measurement] = []
        self.verdicts: list[Verdict] = []
        self.events: list[Event] = []
        self._backlog: list[tuple[list[Any], Any]] = []

    @property
    def waiting(self) -> int:
        return len(self._backlog)

    def measurement(self, measurement: Measurement) -> None:
        self._append(self.measurements, measurement)

    def verdict(self, verdict: Verdict) -> None:
        self._append(self.verdicts, verdict)

    def retry(self) -> None:
        if self.full:
            raise DiskFull("results: the disk is full")
        self._write()

    def event(self, event: Event) -> None:
        self._append(self.events, event)

    def _append(self, records: list[Any], record: Any) -> None:
        self._backlog.append((records, record))
        if self.full:
            raise DiskFull("results: the disk is full")
        self._write()

    def _write(self) -> None:
        for place, waiting in self._backlog:
            place.append(waiting)
        self._backlog.clear()

    def told(self, name: str) -> list[dict[str, Any]]:
        """The details of all events of this name."""
        return [event.detail for event in self.events if event.event == name]

    def of(self, *targets: str) -> list[Measurement]:
        """The measurements of these targets."""
        return [m for m in self.measurements if m.target.id in targets]

    def outcomes(self, target: str | None) -> list[str]:
        """The outcomes of a target's verdicts, or (None) of the features'."""
        return [v.outcome for v in self.verdicts if v.target == target]


def targets(*ids: str, **more: Any) -> Iterable[dict[str, Any]]:
    """TCP targets with these ids at 192.0.2.1, each on a port of its own, from 1 on."""
    return [
        {"id": name, "url": f"tcp://192.0.2.1:{port}", **more} for port, name in enumerate(ids, 1)
    ]


WEB = "http://192.0.2.1/"


def network(web: Any = accepting) -> FakeNetwork:
    """Ports 1 to 9 and 80 of 192.0.2.1, and an anchor at 192.0.2.99."""
    net = FakeNetwork()
    for port in range(1, 10):
        net.tcp[Endpoint("192.0.2.1", port)] = accepting
    net.tcp[Endpoint("192.0.2.1", 80)] = web
    net.tcp[Endpoint("192.0.2.99", 80)] = http(page())
    return net


def serve(
    plan: Plan,
    seconds: float,
    net: FakeNetwork | None = None,
    *,
    start: datetime = DAY,
    notebook: Any = None,
    at: Iterable[tuple[float, Callable[[VirtualClock], object]]] = (),
    watchers: Any = (),
    clock: Any = None,
    **more: Any,
) -> Any:
    """Run the service for so many virtual seconds; ``at`` gives moments and what happens then."""
    stop = asyncio.Event()
    clock = clock(stop) if clock else VirtualClock(start)
    notebook = notebook or Notebook()
    used = net or network()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for moment, happens in at:
            loop.call_later(moment, happens, clock)
        loop.call_later(seconds, stop.set)
        service = Service(plan, tools(used, clock=clock), notebook, watchers, **more)
        await service.run(stop)
        assert asyncio.all_tasks() - {asyncio.current_task()} <= used._tasks

    with apscheduler_on(clock):
        run_virtual(main())
    return notebook


def into_period(measurement: Measurement, every: float) -> float:
    """How many seconds after the latest moment at which it was due a measurement started."""
    name = measurement.target.id
    elapsed = (measurement.started - EPOCH).total_seconds() - phase(name, every)
    return (elapsed + 0.001) % every - 0.001
