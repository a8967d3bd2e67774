"""probe.measure.cycle: health, the target, and what came of it."""

import asyncio

import pytest
from support.plans import planned, tools
from support.servers import accepting
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.core.model import Measurement, Verdict
from probe.measure.cycle import run_cycle
from probe.measure.means import Recorders, means_for
from probe.measure.measure import Interrupted
from probe.net.fake import FakeNetwork
from probe.plan.jobs import Plan

ANCHOR, TARGET = Endpoint("192.0.2.1", 443), Endpoint("192.0.2.9", 1)
ANCHORS = {"international": ["tcp://192.0.2.1:443"]}
PLAN = planned("tcp://192.0.2.9:1", anchors=ANCHORS)
LOCAL = planned("tcp://127.0.0.1:1", anchors=ANCHORS)


class Records:
    """All that one cycle recorded, anchors apart."""

    def __init__(self, net: FakeNetwork, plan: Plan = PLAN) -> None:
        self.measurements: list[Measurement] = []
        self.verdicts: list[Verdict] = []
        self.anchors: list[Measurement] = []
        self.job = plan.jobs[0]
        self.tools = tools(net)
        self._plan = plan

    @property
    def rounds(self) -> int:
        """How often the anchors were looked at."""
        return len({anchor.cycle for anchor in self.anchors})

    async def cycle(self) -> tuple[Measurement, Verdict]:
        means = means_for(
            self._plan, self.tools, Recorders(self._measured, self.verdicts.append), at_once=True
        )
        return await run_cycle(self.job, means)

    def _measured(self, measurement: Measurement) -> None:
        (self.anchors if measurement.role == "anchor" else self.measurements).append(measurement)


def test_a_success_is_ok_after_one_look_at_the_anchors() -> None:
    records = Records(FakeNetwork(tcp={ANCHOR: accepting, TARGET: accepting}))
    measurement, verdict = run_virtual(records.cycle())
    assert verdict.outcome == "ok"
    assert (records.measurements, records.verdicts) == ([measurement], [verdict])
    assert records.rounds == 1
    assert verdict.evidence == (measurement.id,)
    assert verdict.cycle == measurement.cycle != records.anchors[0].cycle


def test_a_success_is_ok_though_the_anchors_are_silent() -> None:
    records = Records(FakeNetwork(tcp={TARGET: accepting}))
    assert run_virtual(records.cycle())[1].outcome == "ok"


def test_a_failure_while_online_is_unreachable_and_rests_on_both_rounds() -> None:
    refused = Records(FakeNetwork(tcp={ANCHOR: accepting}))
    measurement, verdict = run_virtual(refused.cycle())
    assert (verdict.outcome, verdict.mechanism) == ("unreachable", "tcp.refused")
    assert set(verdict.evidence) == {measurement.id, *(anchor.id for anchor in refused.anchors)}


def test_whoever_is_about_to_be_accused_is_looked_at_afresh_by_the_controls() -> None:
    class Asked:
        def __init__(self) -> None:
            self.fresh: list[bool] = []

        async def ask(self, *_: object, fresh: bool = False) -> tuple[Measurement, ...]:
            self.fresh.append(fresh)
            return ()

    async def main() -> list[bool]:
        records = Records(FakeNetwork(tcp={ANCHOR: accepting}))
        keep = Recorders(records._measured, records.verdicts.append)
        means = means_for(PLAN, records.tools, keep, at_once=False)
        asked = Asked()
        means.controls, means.controlled = asked, True  # type: ignore[assignment]
        for _ in range(3):
            await run_cycle(records.job, means)
        means.accused.add(records.job.target.id)  # what was said once may rest on an older answer
        await run_cycle(records.job, means)
        assert means.accused == set()  # without a control that counts nobody is accused
        await run_cycle(records.job, means)
        return asked.fresh

    assert run_virtual(main()) == [False, False, True, False, True]


def test_a_failure_while_offline_concludes_nothing() -> None:
    records = Records(FakeNetwork(down=True))
    measurement, verdict = run_virtual(records.cycle())
    assert (verdict.outcome, verdict.locus, verdict.mechanism) == ("offline", "vantage", None)
    assert measurement.invalid is None
    assert records.verdicts == [verdict]


def test_a_line_that_drops_between_the_look_before_and_the_look_after_is_offline() -> None:
    class Dropping(FakeNetwork):
        async def connect(self, endpoint):
            self.down = self.down or endpoint == TARGET
            return await super().connect(endpoint)

    records = Records(Dropping(tcp={ANCHOR: accepting, TARGET: accepting}))
    _, verdict = run_virtual(_later(records))
    assert verdict.outcome == "offline"
    assert records.rounds == 2


async def _later(records: Records) -> tuple[Measurement, Verdict]:
    """The cycle, on a network on which each connection takes a moment."""
    real = records.tools.net.connect

    async def slowly(endpoint):
        await asyncio.sleep(0.05)
        return await real(endpoint)

    records.tools.net.connect = slowly
    return await records.cycle()


def test_a_local_target_asks_no_anchors() -> None:
    records = Records(FakeNetwork(), LOCAL)
    _, verdict = run_virtual(records.cycle())
    assert (verdict.outcome, records.anchors) == ("unreachable", [])


def test_an_error_of_ours_costs_no_second_round() -> None:
    class Broken(FakeNetwork):
        async def connect(self, endpoint):
            if endpoint == TARGET:
                raise KeyError("a bug")
            return await super().connect(endpoint)

    records = Records(Broken(tcp={ANCHOR: accepting}))
    measurement, verdict = run_virtual(records.cycle())
    assert (verdict.outcome, verdict.note) == ("invalid", measurement.invalid)
    assert records.rounds == 1


def test_what_was_interrupted_is_recorded_and_concludes_nothing() -> None:
    class Hanging(FakeNetwork):
        async def connect(self, endpoint):
            if endpoint == TARGET:
                await asyncio.sleep(3600)
            return await super().connect(endpoint)

    records = Records(Hanging(tcp={ANCHOR: accepting}))

    async def interrupt() -> None:
        task = asyncio.create_task(records.cycle())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(Interrupted):
            await task

    run_virtual(interrupt())
    (measurement,), (verdict,) = records.measurements, records.verdicts
    assert measurement.steps[-1].failure == "interrupted"
    assert measurement.invalid is None
    assert (verdict.outcome, verdict.rule) == ("inconclusive", "cut-off")
    assert verdict.evidence[0] == measurement.id
    assert set(verdict.evidence[1:]) == {anchor.id for anchor in records.anchors}
