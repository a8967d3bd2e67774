"""probe.measure.once: one round of a whole plan."""

import asyncio

from support.plans import planned, tools
from support.servers import accepting
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.core.model import Measurement, Verdict
from probe.measure.means import Recorders
from probe.measure.once import AT_ONCE, LONGEST, Round, check_once
from probe.net.fake import FakeNetwork
from probe.plan.jobs import Plan


class Slow(FakeNetwork):
    """Each connection takes as many seconds as its port; counts how many are under way."""

    under_way = most = 0

    async def connect(self, endpoint: Endpoint):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(endpoint.port)
            return await super().connect(endpoint)
        finally:
            self.under_way -= 1


class Story:
    """A round, and in which order things were recorded and told."""

    def __init__(self, plan: Plan, net: FakeNetwork) -> None:
        self.measurements: list[Measurement] = []
        self.verdicts: list[Verdict] = []
        self.done: list[Verdict] = []
        self.took = 0.0
        self.round: Round = run_virtual(self._run(plan, net))

    async def _run(self, plan: Plan, net: FakeNetwork) -> Round:
        record = Recorders(self.measurements.append, self.verdicts.append)
        made = await check_once(plan, tools(net), record, self.done.append)
        self.took = asyncio.get_running_loop().time()
        return made


def target(port: int, feature: str = "") -> dict[str, str]:
    given = {"id": f"t{port}", "url": f"tcp://192.0.2.1:{port}"}
    return {**given, "service": "shop", "feature": feature} if feature else given


def test_results_are_in_the_plans_order_and_recorded_as_they_come() -> None:
    targets = [target(5, "web"), target(2, "text"), target(9), target(1, "web")]
    net = Slow(tcp={Endpoint("192.0.2.1", port): accepting for port in (5, 9, 1)})
    story = Story(planned(targets=targets), net)
    shown = [v.target or v.feature for v in story.round.verdicts]
    assert shown == ["web", "text", "t5", "t2", "t9", "t1"]
    assert [v.target for v in story.done] == ["t1", "t2", "t5", "t9"]
    assert [v.target or v.feature for v in story.verdicts] == [
        "t1",
        "t2",
        "text",
        "t5",
        "web",
        "t9",
    ]
    assert [v.outcome for v in story.round.verdicts] == [
        "ok",
        "unreachable",
        "ok",
        "unreachable",
        "ok",
        "ok",
    ]
    assert {m.id for m in story.round.measurements} == {m.id for m in story.measurements}


def test_several_are_under_way_at_once_but_no_more_than_allowed() -> None:
    ports = range(1, 2 * AT_ONCE + 3)
    net = Slow(tcp={Endpoint("192.0.2.1", port): accepting for port in ports})
    same = [{"id": f"n{port}", "url": f"tcp://192.0.2.{port}:7"} for port in ports]
    story = Story(planned(targets=same), net)
    assert net.most == AT_ONCE
    assert len(story.done) == len(ports)


def test_no_target_takes_longer_than_half_a_minute() -> None:
    story = Story(
        planned(targets=[{**target(3000), "timeout": "10m"}], timeouts={"connect": "5m"}), Slow()
    )
    assert story.took == LONGEST
    assert story.done[0].mechanism == "tcp.timeout"


def test_anchors_are_recorded_and_are_no_part_of_the_answer() -> None:
    plan = planned(targets=[target(1)], anchors={"international": ["tcp://192.0.2.2:2"]})
    story = Story(plan, Slow(tcp={Endpoint("192.0.2.1", 1): accepting}))
    assert {m.role for m in story.measurements} == {"anchor", "target"}
    assert [m.role for m in story.round.measurements] == ["target"]
    assert [v.target for v in story.round.verdicts] == ["t1"]
