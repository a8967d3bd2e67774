"""probe.measure.controls: what controls say becomes facts, and what they cannot say does not."""

import asyncio
import hashlib
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.asking import NOW, World, fresh, job, place, with_control, with_token
from support.authority import ca_file, serving
from support.control import (
    CLIENT,
    ELSEWHERE,
    Answer,
    Asked,
    playing,
    reply,
    response,
    there,
)
from support.plans import tools
from support.records import HERE, https

from probe.core.strictyaml import ConfigError
from probe.judge.controls import valid
from probe.judge.evidence import Evidence
from probe.measure.controls import Controls
from probe.measure.measure import measure
from probe.net.clocks import FakeClock
from probe.net.fake import FakeNetwork
from probe.plan.question import Reply


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    with_token(monkeypatch)


def test_what_a_control_saw_is_recorded_as_its_own() -> None:
    async def test(world: World) -> None:
        here = job()
        target, anchor = await world.ask(here, "198.51.100.1")
        assert sorted(world.recorded, key=lambda m: m.role) == [anchor, target]
        assert (target.origin, target.role, target.cycle, target.run) == (
            "berlin",
            "target",
            "c-1",
            "run",
        )
        assert target.target == here.target
        assert target.vantage == replace(ELSEWHERE, id="berlin")
        assert (anchor.origin, anchor.role, anchor.cycle) == ("berlin", "anchor", "c-1")
        assert anchor.target.service == "anchors"
        assert target.covered == "response"
        asked = world.asked[0]
        assert asked.headers["authorization"] == "Bearer secret-token"
        assert asked.json == {
            "targets": [
                {"url": "https://shop.example/", "options": {}, "addresses": ["198.51.100.1"]}
            ]
        }

    with_control(fresh(), test)


def test_it_counts_for_the_judge() -> None:
    async def test(world: World) -> None:
        target, anchor = await world.ask(job())
        trial = replace(there(NOW), origin="vantage", vantage=HERE, target=job().target)
        evidence = Evidence(trials=(trial,), controls=(target,), control_anchors=(anchor,))
        assert [control.id for control in valid(evidence)] == ["berlin"]

    with_control(fresh(), test)


def test_a_control_cannot_pass_its_words_off_as_anything_else() -> None:
    liar = there(
        NOW,
        origin="vantage",
        role="anchor",
        trial=7,
        cycle="c-0",
        followup="decoy",
        followup_of="x",
        covered="transfer",
        vantage=HERE,
        target=replace(job().target, id="another", url="https://another.example/"),
    )

    async def test(world: World) -> None:
        (target,) = await world.ask(job())
        assert (target.origin, target.role, target.trial) == ("berlin", "target", 1)
        assert (target.followup, target.followup_of, target.cycle) == (None, None, "c-1")
        assert (target.target, target.covered) == (job().target, "response")
        assert target.vantage.country == "DE"

    with_control(reply(liar), test)


def test_a_refusal_is_told_in_the_controls_words_without_addresses() -> None:
    words = f"refused: private\x1b[2J address {CLIENT} " + "x" * 500

    async def test(world: World) -> None:
        (target,) = await world.ask(job())
        assert target.invalid is not None
        assert target.invalid.startswith("refused: private [2J address [scrubbed]")
        assert len(target.invalid) <= 200

    with_control(reply(there(NOW, check="", steps=(), invalid=words)), test)


def unusable(answer: Answer | Reply, told: str, **more: Any) -> None:
    async def test(world: World) -> None:
        found = await world.ask(job(), cycle="c-9")
        assert list(found) == world.recorded
        (target,) = found
        assert (target.origin, target.role, target.cycle) == ("berlin", "target", "c-9")
        assert (target.steps, target.check, target.target) == ((), "https", job().target)
        assert target.invalid
        assert told in target.invalid
        assert "secret-token" not in target.invalid
        assert world.kept == {}

    with_control(answer, test, **more)


def test_a_control_that_answers_nonsense_is_invalid_and_decides_nothing() -> None:
    forged = reply(there(NOW), objects={hashlib.sha256(b"a").hexdigest(): b"b"})
    bytes_as_text = replace(https()[-1], detail={"bytes": "many"})
    for answer, told in (
        (lambda _: response(b"not json"), "malformed"),
        (lambda _: response(b"{}"), "missing required field"),
        (lambda _: response(b" " * (4 * 1024 * 1024 + 1)), "larger than"),
        (forged, "does not match"),
        (reply(), "its answer cannot be used: it did not answer"),
        (reply(there(NOW), there(NOW)), "did not answer"),
        (reply(there(NOW, check="tcp")), "measured something else"),
        (reply(there(NOW - timedelta(days=2))), "clock"),
        (reply(there(NOW, steps=(bytes_as_text,))), "a step transfer"),
        (reply(there(NOW), anchors=(there(NOW),)), "anchors is of an unknown kind"),
    ):
        unusable(answer, told)


def test_a_control_that_cannot_be_asked_is_invalid_and_says_why() -> None:
    error = response(b'{"error": "who are you"}', "401 Unauthorized")
    unusable(lambda _: error, "it could not be asked: it does not know us")
    elsewhere = response(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:1/")
    unusable(lambda _: elsewhere, "not followed")
    unusable(lambda _: response(b'{"error": "url?"}', "422 Unprocessable"), "422: url?")


def test_a_slow_control_holds_nobody_up() -> None:
    async def silent(_: Asked) -> bytes:
        await asyncio.get_running_loop().create_future()
        return b""

    began = time.monotonic()
    unusable(silent, "no answer in time", within=0.1)
    assert time.monotonic() - began < 20  # without a deadline it would take 25


def test_several_controls_are_asked_and_one_that_is_down_does_not_hide_the_other() -> None:
    async def test(world: World) -> None:
        both = Controls(
            [place("http://127.0.0.1:1", "gone"), place(world.url)],
            world.tools,
            world.recorded.append,
            within=3.0,
        )
        found = await both.ask(job(), (), "c-1")
        assert [(m.origin, m.role, m.invalid is None) for m in found] == [
            ("gone", "target", False),
            ("berlin", "target", True),
            ("berlin", "anchor", True),
        ]
        await both.aclose()

    with_control(fresh(), test)


def test_objects_are_kept_under_their_hash() -> None:
    body = b"<h1>403</h1>"

    async def test(world: World) -> None:
        await world.ask(job())
        assert list(world.kept.values()) == [body]

    with_control(reply(there(NOW), objects={hashlib.sha256(body).hexdigest(): body}), test)


def test_nobody_is_asked_about_what_is_private_or_in_ones_own_network() -> None:
    async def test(world: World) -> None:
        assert await world.ask(job(private=True)) == ()
        assert await world.ask(job("tcp://192.168.1.1:80")) == ()
        (target,) = await world.ask(job("https://shop.example/?token=hunter2"))
        assert "holds a secret" in (target.invalid or "")
        await world.ask(job(), "10.0.0.1", "198.51.100.1")
        (asked,) = world.asked
        assert asked.json["targets"][0]["addresses"] == ["198.51.100.1"]

    with_control(fresh(), test)


def test_the_vantages_own_address_is_learnt_and_hidden_from_then_on() -> None:
    class Page(FakeNetwork):
        async def lookup(self, host: str) -> tuple[str, ...]:
            raise OSError(f"refused to {CLIENT}")

    async def test(world: World) -> None:
        seen = replace(world.tools, net=Page())
        await world.ask(job(), "198.51.100.1")
        assert world.tools.own_addresses == {CLIENT}
        dns = job("dns://shop.example", resolver="system")
        hidden = await measure(dns, seen, cycle="c-2")
        assert CLIENT not in repr(hidden)

    with_control(fresh(), test)


def test_a_target_can_not_be_declared_the_vantages_own_address() -> None:
    async def test(world: World) -> None:
        await world.ask(job(), "198.51.100.1")
        assert world.tools.own_addresses == set()

    with_control(fresh(client="198.51.100.1"), test)


def test_a_control_is_trusted_by_its_own_authority() -> None:
    async def main() -> None:
        async with playing(fresh(), serving("localhost")) as control:
            one = place(control.url, ca_file=ca_file())
            made = tools(FakeNetwork(), clock=FakeClock(NOW))
            controls = Controls([one], made, lambda _: None)
            target, _ = await controls.ask(job(), (), "c")
            assert target.invalid is None
            await controls.aclose()

    asyncio.run(main())


def test_a_missing_token_is_told_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROBE_CONTROL_TOKEN")
    with pytest.raises(ConfigError, match="PROBE_CONTROL_TOKEN is not set"):
        Controls([place("https://control.example")], tools(FakeNetwork()), lambda _: None)


def test_without_controls_nobody_is_asked() -> None:
    none = Controls([], tools(FakeNetwork()), lambda _: None)

    async def main() -> None:
        assert await none.ask(job(), (), "c") == ()
        assert await none.session() == []
        await none.aclose()

    asyncio.run(main())
