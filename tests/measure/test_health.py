"""probe.measure.health: the anchors are asked as often as needed and no oftener."""

import asyncio
import errno
import re
from collections.abc import Awaitable, Callable

from support.plans import planned, tools
from support.servers import accepting
from support.virtual import DAY, run_virtual

from probe.core.address import Endpoint
from probe.core.model import Measurement
from probe.judge.vantage import VantageState
from probe.measure.health import FRESH, ROUNDS, WINDOW, Health
from probe.net.fake import FakeNetwork, os_error

PLAN = planned(
    "tcp://192.0.2.9:1",
    anchors={"international": ["tcp://192.0.2.1:443", "tcp://192.0.2.2:443"]},
)
UP = {Endpoint(f"192.0.2.{n}", 443): accepting for n in (1, 2)}


class World:
    """Anchors on a scripted network, and what was recorded of them."""

    def __init__(self, net: FakeNetwork | None = None, anchors: bool = True) -> None:
        self.net = net or FakeNetwork(tcp=dict(UP))
        self.recorded: list[Measurement] = []
        self.changes: list[VantageState] = []
        self.health = Health(
            PLAN.anchors if anchors else (),
            tools(self.net),
            self.recorded.append,
            self.changes.append,
        )

    @property
    def rounds(self) -> int:
        return len({anchor.cycle for anchor in self.recorded})


def run(story: Callable[[World], Awaitable[None]], world: World | None = None) -> World:
    world = world or World()

    async def tell() -> None:
        await story(world)

    run_virtual(tell())
    return world


def test_nothing_is_sent_before_it_is_asked_for() -> None:
    assert World().health.state is VantageState.UNTESTED
    assert World().net.dialled == []


def test_a_round_asks_every_anchor_and_is_good_for_a_minute() -> None:
    async def story(world: World) -> None:
        first = await world.health.recent()
        assert len(first) == len(PLAN.anchors) == 2
        await asyncio.sleep(FRESH)
        assert await world.health.recent() is first
        await asyncio.sleep(0.1)
        assert await world.health.recent() is not first

    world = run(story)
    assert world.rounds == 2
    assert {anchor.role for anchor in world.recorded} == {"anchor"}


def test_a_failure_wants_a_round_that_began_after_it() -> None:
    async def story(world: World) -> None:
        first = await world.health.recent()
        await asyncio.sleep(0.1)
        second = await world.health.fresh()
        assert second is not first
        assert await world.health.recent() is second

    assert run(story).rounds == 2


def test_many_failures_at_once_share_one_round() -> None:
    async def story(world: World) -> None:
        found = await asyncio.gather(*(world.health.fresh() for _ in range(50)))
        assert len({id(round_) for round_ in found}) == 1

    assert run(story).rounds == 1


def test_failures_in_a_row_make_no_more_rounds_than_allowed() -> None:
    async def story(world: World) -> None:
        async def failing() -> None:
            for _ in range(20):
                await asyncio.sleep(0.1)
                await world.health.fresh()

        await asyncio.gather(*(failing() for _ in range(5)))

    world = run(story)
    moments = sorted({(anchor.started - DAY).total_seconds() for anchor in world.recorded})
    assert world.rounds == len(moments) >= 2 * ROUNDS
    assert all(
        later - earlier >= WINDOW - 1e-6
        for earlier, later in zip(moments, moments[ROUNDS:], strict=False)
    )


def test_who_is_content_with_an_older_round_does_not_wait_for_one_under_way() -> None:
    async def story(world: World) -> None:
        for _ in range(ROUNDS):
            await world.health.fresh()
            await asyncio.sleep(0.1)
        waiting = asyncio.create_task(world.health.fresh())
        await asyncio.sleep(0.1)
        before = asyncio.get_running_loop().time()
        assert await world.health.recent()
        assert asyncio.get_running_loop().time() == before
        assert not waiting.done()
        await waiting

    assert run(story).rounds == ROUNDS + 1


def test_only_a_change_of_the_state_is_told() -> None:
    async def story(world: World) -> None:
        for down in (False, False, True, True, False):
            world.net.down = down
            await asyncio.sleep(20)
            await world.health.fresh()

    world = run(story)
    online, offline = VantageState.ONLINE, VantageState.OFFLINE
    assert world.changes == [online, offline, online]
    assert world.health.state is online


def test_without_anchors_nothing_is_asked_and_nothing_known() -> None:
    async def story(world: World) -> None:
        assert await world.health.recent() == ()
        assert await world.health.fresh() == ()

    world = run(story, World(anchors=False))
    assert (world.net.dialled, world.changes) == ([], [])


def test_one_anchor_that_answers_is_enough() -> None:
    half = {**UP, Endpoint("192.0.2.2", 443): os_error(errno.ECONNRESET)}
    world = run(lambda w: w.health.recent(), World(FakeNetwork(tcp=half)))
    assert world.changes == [VantageState.ONLINE]


def test_each_round_asks_for_another_name_that_cannot_exist() -> None:
    world = World()
    world.health = Health(
        PLAN.anchors, tools(world.net), world.recorded.append, wildcard=PLAN.wildcard
    )

    async def twice(world: World) -> None:
        await world.health.recent()
        await asyncio.sleep(FRESH + 1)
        await world.health.recent()

    run(twice, world)
    asked = [m.target.url for m in world.recorded if m.target.feature == "wildcard"]
    assert len(asked) == len(set(asked)) == 2
    assert all(re.fullmatch(r"dns://[a-z]{32}\.com", url) for url in asked)
    assert world.health.state is VantageState.ONLINE
