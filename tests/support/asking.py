"""A control that answers as it is told, and what comes of asking it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from support.control import (
    CLIENT,
    Answer,
    Asked,
    anchor_there,
    playing,
    reply,
    response,
    there,
)
from support.plans import planned, tools

from probe.core.model import Measurement
from probe.measure.controls import Controls
from probe.measure.measure import Instruments
from probe.net.clocks import FakeClock
from probe.net.fake import FakeNetwork
from probe.plan.controls import ControlPlace
from probe.plan.jobs import Job
from probe.plan.question import Reply

NOW = datetime(2017, 7, 18, tzinfo=UTC)
SESSION = {
    "decoys": ["198.51.100.2:443", "192.168.1.1:443"],
    "leaf": "0" * 64,
    "echo": "10.0.0.1:7",
    "client": CLIENT,
    "expires": 60,
}


def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of who may ask, and asks directly."""
    monkeypatch.setenv("PROBE_CONTROL_TOKEN", "secret-token")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@dataclass
class World:
    """One control that answers as it is told, and what comes of asking it."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    recorded: list[Measurement] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    controls: Controls = field(init=False)
    tools: Instruments = field(init=False)

    async def ask(self, job: Job, *addresses: str, cycle: str = "c-1") -> tuple[Measurement, ...]:
        return await self.controls.ask(job, addresses, cycle)


def job(url: str = "https://shop.example/", **options: Any) -> Job:
    return planned(targets=[{"id": "shop", "url": url, **options}]).jobs[0]


def place(url: str, name: str = "berlin", **more: Any) -> ControlPlace:
    return ControlPlace(id=name, url=url, token_env="PROBE_CONTROL_TOKEN", **more)


def with_control(
    answer: Answer | Reply, test: Callable[[World], Awaitable[None]], within: float = 10.0
) -> None:
    """Run the test beside a control; a Reply stands for a server that always gives it."""

    async def main() -> None:
        world = World()
        told: Answer = (
            (lambda _: response(answer.as_json())) if isinstance(answer, Reply) else answer
        )
        async with playing(told) as control:
            world.tools = tools(FakeNetwork(), world.kept, clock=world.clock)
            world.url, world.asked = control.url, control.asked
            world.controls = Controls(
                [place(control.url)], world.tools, world.recorded.append, within=within
            )
            await test(world)
            await world.controls.aclose()

    asyncio.run(main())


def fresh(**more: Any) -> Answer:
    """A control that measures anew for every question."""

    def answer(_: Asked) -> bytes:
        return response(reply(there(NOW), anchors=(anchor_there(NOW),), **more).as_json())

    return answer
