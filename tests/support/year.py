"""A long time in the life of a probe, in virtual time, with everything that may befall it.

Every turn of every target must be accounted for: measured once, or told as missed, skipped or left
out. ``Tally`` keeps numbers only, so that what grows is the program's and not the test's.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from support.plans import planned, tools
from support.servers import accepting, http, page
from support.virtual import DAY, VirtualClock, apscheduler_on, run_virtual

from probe.core.address import Endpoint
from probe.core.model import VANTAGE, Event, Measurement, Verdict
from probe.net.fake import FakeNetwork
from probe.plan.jobs import Job, Plan
from probe.record.disk import DiskFull
from probe.run import housekeeping
from probe.run.clockwatch import JUMP
from probe.run.disk import Disk
from probe.run.ledger import Ledger
from probe.run.service import Service
from probe.run.timetable import Timetable

LOOKED = 60.0  # seconds between two looks at clock and disk: five would take twelve times as long
ANCHOR = "http://192.0.2.99/"
HOUR = 3600.0
DAYS = 24 * HOUR


@dataclass
class Tally:
    """Stands in for the journal. ``doubled`` counts turns that were measured twice, ``late`` is
    the longest delay in seconds, of turns that were not made up for after a start, nor the first
    ones since the clock was set."""

    timetables: dict[str, Timetable]
    full: bool = False
    root: str = "results"
    objects: Any = field(default_factory=lambda: SimpleNamespace(paused=False))
    measured: int = 0
    judged: int = 0
    doubled: int = 0
    late: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    made_up: int = 0
    cycles: Counter[str] = field(default_factory=Counter)
    started: datetime = DAY
    settled: datetime = DAY
    unsettled: bool = False
    last: dict[str, datetime] = field(default_factory=dict)
    backlog: list[Callable[[], None]] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return len(self.backlog)

    def measurement(self, measurement: Measurement) -> None:
        self._write(lambda: self._measured(measurement))

    def verdict(self, verdict: Verdict) -> None:
        self._write(lambda: self._judged(verdict))

    def event(self, event: Event) -> None:
        self._write(lambda: self._happened(event))

    def retry(self) -> None:
        if self.full:
            raise DiskFull("results: the disk is full")
        self._drain()

    def leapt(self, seconds: float, now: datetime) -> None:
        """The clock was set. What is begun soon after may be late, and may have been before; a
        small correction shifts the next start, whenever that is."""
        self.settled = now + timedelta(minutes=10)
        self.unsettled = True
        if seconds < 0:
            self.last.clear()

    @property
    def accounted(self) -> int:
        """Turns of which is known what became of them."""
        return self.measured + sum(self.told.values())

    def _write(self, line: Callable[[], None]) -> None:
        self.backlog.append(line)
        if self.full:
            raise DiskFull("results: the disk is full")
        self._drain()

    def _drain(self) -> None:
        for line in self.backlog:
            line()
        self.backlog.clear()

    def _measured(self, measurement: Measurement) -> None:
        if measurement.role != "target" or measurement.origin != VANTAGE:
            return
        name = measurement.target.id
        due = self.timetables[name].latest(measurement.started)
        assert due is not None
        self.measured += 1
        if name in self.last and due <= self.last[name]:
            self.doubled += 1
        self.last[name] = due
        late = (measurement.started - due).total_seconds()
        if due < self.started:
            self.made_up += 1
        elif measurement.started > self.settled and not self.unsettled:
            self.late = max(self.late, late)
        self.unsettled = self.unsettled and measurement.started <= self.settled

    def _judged(self, verdict: Verdict) -> None:
        self.judged += 1
        self.outcomes[verdict.outcome] += 1

    def _happened(self, event: Event) -> None:
        self.events[event.event] += 1
        if event.event == "start":
            self.started = event.at
        elif event.event == "missed":
            self.told["missed"] += event.detail["slots"]
        elif event.event == "skipped":
            self.told["skipped"] += 1
        elif event.event == "disk_ok":
            self.told["left out"] += event.detail["skipped"]


@dataclass
class Life:
    """A probe of so many targets for so many days; ``seed`` decides what happens when."""

    folder: Path
    targets: int
    every: str
    days: float
    seed: int = 2017
    runs: int = 0
    expected: int = 0
    monthly: list[int] = field(default_factory=list)

    def live(self, resident: Callable[[], int] = lambda: 0) -> Tally:
        """All of it; ``resident`` is asked once in thirty days what memory is taken."""
        chance = random.Random(self.seed)
        plan = self._plan()
        timetables = {job.target.id: _timetable(job) for job in plan.jobs}
        tally, clock, net = Tally(timetables), _Lived(), _network(self.targets)
        room = SimpleNamespace(free=10**10)
        since = clock.now()

        def leap(seconds: float) -> None:
            nonlocal since
            again = seconds < -JUMP  # a small correction makes no moment come twice
            if again:
                self._expect(timetables, since, clock.now())
            clock.start += timedelta(seconds=seconds)
            tally.leapt(seconds, clock.now())
            service._house.look_at_clock()  # who looks seldom may find it when moments have passed
            if again:
                since = clock.now()

        with apscheduler_on(clock), mock.patch.object(housekeeping, "LOOKED", LOOKED):
            while clock.lived < self.days * DAYS:
                self.runs += 1
                length = min(chance.uniform(1, 10) * DAYS, self.days * DAYS - clock.lived)
                disk = Disk(lambda: (room.free, 10**11), None, 5000)
                service = Service(
                    plan,
                    tools(net, clock=clock),
                    tally,  # type: ignore[arg-type]
                    ledger=Ledger(self.folder),
                    disk=disk,
                )
                happenings = _happenings(chance, length, net, tally, room, leap)
                run_virtual(_run(service, length, happenings))
                net.dialled.clear()
                net.down, tally.full, room.free = False, False, 10**10
                clock.pause(chance.choice([1.0, 20.0, 600.0, 3 * HOUR]))
                if clock.lived // (30 * DAYS) > len(self.monthly):
                    self.monthly.append(resident())
        self._expect(timetables, since, clock.ended)
        return tally

    def _plan(self) -> Plan:
        return planned(
            targets=[
                {"id": f"t{n}", "url": f"tcp://192.0.2.{n // 200 + 1}:{n % 200 + 1}"}
                for n in range(self.targets)
            ],
            schedule={"every": self.every},
            anchors={"international": [ANCHOR], "domestic": []},
            limits={"per_host": 64, "per_minute": 100_000, "in_all": 100_000},
        )

    def _expect(self, timetables: dict[str, Timetable], since: datetime, until: datetime) -> None:
        self.expected += sum(table.count(since, until) for table in timetables.values())


class _Lived(VirtualClock):
    """Goes on over several loops, each of which starts at nothing."""

    def __init__(self) -> None:
        super().__init__(DAY)
        self.lived = 0.0
        self.ended = DAY

    def pause(self, seconds: float) -> None:
        """Nothing runs for so long."""
        self.ended = self.now()
        self.start += timedelta(seconds=seconds)
        self.lived += seconds

    def over(self, seconds: float) -> None:
        """A loop has ended after so many seconds."""
        self.start += timedelta(seconds=seconds)
        self.lived += seconds


async def _run(
    service: Service, length: float, happenings: list[tuple[float, Callable[[], None]]]
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for at, happens in happenings:
        loop.call_later(at, happens)
    loop.call_later(length, stop.set)
    await service.run(stop)
    clock: Any = service._clock
    clock.over(loop.time())


def _timetable(job: Job) -> Timetable:
    return Timetable(job.target.id, job.every, job.timing)


def _network(targets: int) -> FakeNetwork:
    """Nine targets in ten are fine."""
    net = FakeNetwork()
    for n in range(targets):
        if n % 10:
            net.tcp[Endpoint(f"192.0.2.{n // 200 + 1}", n % 200 + 1)] = accepting
    net.tcp[Endpoint("192.0.2.99", 80)] = http(page())
    return net


def _happenings(
    chance: random.Random,
    length: float,
    net: FakeNetwork,
    tally: Tally,
    room: SimpleNamespace,
    leap: Callable[[float], None],
) -> list[tuple[float, Callable[[], None]]]:
    """What happens in one run, at moments from its start."""
    found: list[tuple[float, Callable[[], None]]] = []

    def between(first: Callable[[], None], then: Callable[[], None], most: float) -> None:
        at = chance.uniform(0, length)
        found.extend([(at, first), (at + chance.uniform(60, most), then)])

    between(lambda: setattr(net, "down", True), lambda: setattr(net, "down", False), 6 * HOUR)
    if chance.random() < 0.3:
        between(
            lambda: setattr(tally, "full", True), lambda: setattr(tally, "full", False), 2 * HOUR
        )
    if chance.random() < 0.3:
        between(
            lambda: setattr(room, "free", 10**8), lambda: setattr(room, "free", 10**10), 8 * HOUR
        )
    seconds = chance.choice([-7200.0, -30.0, -2.0, 2.0, 30.0, 7200.0, 5 * DAYS])
    found.append((chance.uniform(0, length), lambda: leap(seconds)))
    return [(at, happens) for at, happens in found if at < length]
