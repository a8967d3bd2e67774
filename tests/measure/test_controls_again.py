"""probe.measure.controls: how long answers and sessions stand, and what may not come twice."""

import asyncio
import json

import pytest
from support.asking import NOW, SESSION, World, fresh, job, place, with_control, with_token
from support.control import (
    CLIENT,
    Asked,
    anchor_there,
    reply,
    response,
    there,
)

from probe.core.address import Endpoint
from probe.measure.controls import REUSE, Controls


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    with_token(monkeypatch)


def test_an_answer_stands_for_ten_minutes_and_is_recorded_once() -> None:
    async def test(world: World) -> None:
        first = await world.ask(job(), "198.51.100.1", "198.51.100.2", cycle="c-1")
        world.clock.advance(REUSE - 1)
        again = await world.ask(job(), "198.51.100.2", "198.51.100.1", cycle="c-2")
        assert again == first
        assert (len(world.asked), len(world.recorded)) == (1, 2)
        other = await world.ask(job(), "198.51.100.3", cycle="c-3")
        assert other != first
        world.clock.advance(2)
        late = await world.ask(job(), "198.51.100.1", "198.51.100.2", cycle="c-4")
        assert late[0].cycle == "c-4"
        assert len(world.asked) == 3

    with_control(fresh(), test)


def test_where_a_fresh_answer_is_wanted_an_older_one_does_not_stand() -> None:
    async def test(world: World) -> None:
        await world.ask(job(), cycle="c-1")
        found = await world.controls.ask(job(), (), "c-2", fresh=True)
        assert found[0].cycle == "c-2"
        assert len(world.asked) == 2
        assert await world.ask(job(), cycle="c-3") == found

    with_control(fresh(), test)


def test_a_failure_is_not_held_against_the_control_the_next_time() -> None:
    answers = [response(b"no"), response(reply(there(NOW)).as_json())]

    async def test(world: World) -> None:
        (bad,) = await world.ask(job())
        (good,) = await world.ask(job())
        assert bad.invalid
        assert good.invalid is None

    with_control(lambda _: answers.pop(0), test)


def test_one_round_of_anchors_that_comes_with_several_answers_is_recorded_once() -> None:
    round_ = anchor_there(NOW)

    def answer(_: Asked) -> bytes:
        return response(reply(there(NOW), anchors=(round_,)).as_json())

    async def test(world: World) -> None:
        _, first = await world.ask(job(), cycle="c-1")
        _, again = await world.ask(job("https://other.example/"), cycle="c-2")
        assert again is first
        assert sum(m.role == "anchor" for m in world.recorded) == 1

    with_control(answer, test)


def test_an_id_that_came_before_is_refused() -> None:
    async def test(world: World) -> None:
        await world.ask(job(), "198.51.100.1")
        (again,) = await world.ask(job(), "198.51.100.2")
        assert "repeated an id" in (again.invalid or "")

    with_control(reply(there(NOW)), test)


def test_a_session_is_used_again_until_shortly_before_its_end() -> None:
    async def test(world: World) -> None:
        (first,), (again,) = await asyncio.gather(
            world.controls.session(), world.controls.session()
        )
        assert first == again
        assert first[0] == "berlin"
        assert world.tools.own_addresses == {CLIENT}
        world.clock.advance(49)
        await world.controls.session()
        assert [asked.path for asked in world.asked] == ["/v1/session"]
        world.clock.advance(2)
        await world.controls.session()
        assert len(world.asked) == 2

    with_control(lambda _: response(json.dumps(SESSION).encode()), test)


def test_a_session_does_not_lead_into_the_vantages_own_network() -> None:
    async def test(world: World) -> None:
        far = Controls([place(world.url)], world.tools, world.recorded.append)
        ((_, near),) = await far.session()
        assert near.echo == Endpoint("10.0.0.1", 7)  # a control in the same network may be there
        await far.aclose()

    with_control(lambda _: response(json.dumps(SESSION).encode()), test)
    # The proxy of the environment is the control here: so a public name needs no lookup.

    async def through(world: World) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HTTP_PROXY", world.url)
            far = Controls([place("http://control.example")], world.tools, world.recorded.append)
        ((_, session),) = await far.session()
        assert session.decoys == (Endpoint("198.51.100.2", 443),)
        assert session.echo is None
        await far.aclose()

    with_control(lambda _: response(json.dumps(SESSION).encode()), through)


def test_a_control_without_a_usable_session_is_left_out() -> None:
    async def test(world: World) -> None:
        assert await world.controls.session() == []
        assert world.recorded == []

    with_control(lambda _: response(b"[]"), test)
    with_control(lambda _: response(b"", "401 Unauthorized"), test)
