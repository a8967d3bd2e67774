"""What is measured here: the probe's own https check, with real sockets and real clocks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from servers import DOMAIN, HOST, WebServer

from probe.checks.kit import Timeouts
from probe.core.ids import uuid7
from probe.core.model import Measurement, Target, Vantage
from probe.measure.measure import Instruments, measure
from probe.net.clocks import RealClock
from probe.net.real import RealNetwork
from probe.net.trust import Trust
from probe.plan.jobs import Job
from probe.plan.target import parse_target
from probe.record.objects import Objects

AT_ONCE = 24

_Result = TypeVar("_Result")


def jobs(server: WebServer, count: int) -> tuple[Job, ...]:
    """As many https targets, each with a server name of its own, at nginx's address."""
    return tuple(_job(f"https://n{n:05}.{DOMAIN}:{server.port}/") for n in range(count))


def _job(url: str) -> Job:
    aim = parse_target(url, {"addresses": [HOST]})
    return Job(
        target=Target(id=aim.url, service="bench", feature="web", url=aim.url),
        check=aim.check,
        resolvers=(),
        timeout=30.0,
        timeouts=Timeouts(),
        every=600.0,
        local=True,
        private=False,
    )


def instruments(server: WebServer, results: Path) -> Instruments:
    """As the command line makes them; certificates go into the folder ``results``."""
    clock = RealClock()
    return Instruments(
        run=uuid7(clock.now()),
        vantage=Vantage(id="bench"),
        net=RealNetwork(),
        clock=clock,
        trust=Trust(),
        keep=Objects(results).put,
        ca_file=str(server.ca_file),
        user_agent="Mozilla/5.0",
    )


async def measured(
    plan: Sequence[Job], tools: Instruments, *, at_once: int = 1
) -> list[Measurement]:
    """Measure each job once, in this order; every one of them must succeed."""

    async def one(job: Job) -> Measurement:
        return await measure(job, tools, cycle=uuid7(tools.clock.now()))

    return verified(await spread(plan, one, at_once))


def verified(found: Sequence[Measurement]) -> list[Measurement]:
    """The same measurements. RuntimeError unless every one of them got its page."""
    for measurement in found:
        failed = [step.failure for step in measurement.steps if step.failure]
        if measurement.invalid or failed or measurement.covered == "handshake":
            raise RuntimeError(f"a check of the bench failed: {measurement.invalid or failed}")
    return list(found)


async def spread(
    plan: Sequence[Job], one: Callable[[Job], Awaitable[_Result]], at_once: int
) -> list[_Result]:
    """Do something with each job, ``at_once`` of them under way at a time."""
    waiting = iter(enumerate(plan))
    results: dict[int, _Result] = {}

    async def worker() -> None:
        for number, job in waiting:
            results[number] = await one(job)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return [results[number] for number in range(len(plan))]
