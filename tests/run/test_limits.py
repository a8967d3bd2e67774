"""probe.run.limits: how much begins at once, and how much goes to one address."""

import asyncio
from itertools import pairwise
from unittest import mock

import pytest
from support.plans import planned
from support.running import Notebook, network, serve, targets
from support.servers import http, page
from support.virtual import VirtualClock, run_virtual

from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.limits import LimitsSection
from probe.run.limits import Limits


def admitted(limits, visits, during=lambda limits: None):
    """When each (name, places, seconds) of ``visits`` began and ended, all asking at second 0."""
    log = {}

    async def main():
        clock = VirtualClock()
        known = Limits(LimitsSection(**limits), clock.monotonic)
        during(known)

        async def visit(name, places, seconds):
            async with known.turn(places):
                began = clock.monotonic()
                for ip in places:
                    known.sent(ip)
                await asyncio.sleep(seconds)
            log[name] = (round(began, 2), round(clock.monotonic(), 2))

        async with asyncio.TaskGroup() as group:
            for each in visits:
                group.create_task(visit(*each))
        assert (known.under_way, known.waiting) == (0, 0)

    run_virtual(main())
    return log


def test_no_more_begin_than_may_be_under_way():
    visits = [(n, (f"192.0.2.{n}",), 10) for n in range(6)]
    log = admitted({"at_once": 2}, visits)
    assert [log[n][0] for n in range(6)] == [0, 0, 10, 10, 20, 20]


def test_one_address_holds_up_nobody_elsewhere():
    visits = [("a", ("::1", "192.0.2.1"), 10), ("b", ("192.0.2.1",), 10), ("c", ("192.0.2.9",), 1)]
    log = admitted({"per_host": 1}, visits)
    assert {name: began for name, (began, _) in log.items()} == {"a": 0, "b": 10, "c": 0}


def test_one_address_is_dialled_no_more_often_than_allowed():
    visits = [(n, ("192.0.2.1",), 0.1) for n in range(30)]
    log = admitted({"per_minute": 6, "per_host": 1}, visits)
    began = sorted(at for at, _ in log.values())
    # A minute's worth at once, then one every ten seconds.
    assert began[5] < 1
    assert all(later - at == pytest.approx(10, abs=0.2) for at, later in pairwise(began[6:]))
    assert began[-1] == pytest.approx(240, abs=1)


def test_what_one_cycle_costs_too_much_the_next_one_waits_for():
    def costly(limits):
        for _ in range(26):
            limits.sent("192.0.2.1")

    log = admitted({"per_minute": 6}, [("next", ("192.0.2.1",), 1)], costly)
    assert log["next"][0] == pytest.approx(210, abs=0.1)  # 20 too many, and one to go


def test_all_together_have_a_rate_too():
    visits = [(n, (f"192.0.2.{n}",), 0.1) for n in range(90)]
    log = admitted({"in_all": 60, "at_once": 1}, visits)
    assert max(at for at, _ in log.values()) == pytest.approx(30, abs=1.5)


def test_many_addresses_are_not_remembered_for_ever():
    async def main():
        clock = VirtualClock()
        limits = Limits(LimitsSection(), clock.monotonic)
        for n in range(20_000):
            limits.sent(f"2001:db8::{n:x}")
            if n % 1000 == 0:
                await asyncio.sleep(60)
        return len(limits._rates)

    assert run_virtual(main()) <= 4096


def test_a_higher_limit_is_felt_at_once():
    async def main():
        limits = Limits(LimitsSection(at_once=1), VirtualClock().monotonic)
        inside = asyncio.Event()

        async def second():
            async with limits.turn(["192.0.2.2"]):
                inside.set()

        async with limits.turn(["192.0.2.1"]):
            waiting = asyncio.create_task(second())
            await asyncio.sleep(1)
            assert not inside.is_set()
            limits.change(LimitsSection(at_once=2))
            await asyncio.wait_for(inside.wait(), 1)
        await waiting

    run_virtual(main())


def slow(seconds):
    async def answer(peer):
        await peer.receive()
        await asyncio.sleep(seconds)
        peer.send(page())
        peer.send(b"")

    return answer


def test_two_names_at_one_address_share_its_limits_and_no_clock_runs_meanwhile():
    net = FakeNetwork()
    names = [f"host-{n}.example" for n in range(4)]
    net.names = dict.fromkeys(names, ("192.0.2.7",))
    net.tcp[Endpoint("192.0.2.7", 80)] = slow(4.0)
    plan = planned(
        *(f"http://{name}/" for name in names),
        schedule={"every": "10s"},
        limits={"per_host": 1},
    )
    lags = []

    class Lags(Notebook):
        def started(self, target, lag):
            lags.append(lag)

        def __getattr__(self, _):
            return lambda *_: None

    notebook = serve(plan, 600, net, watchers=[Lags()])
    later = [m for m in notebook.measurements if (m.started - notebook.events[0].at).seconds > 30]
    spans = sorted((m.started, m.steps[-1].t) for m in later)
    assert len(spans) > 50
    for (at, took), (following, _) in pairwise(spans):
        assert (following - at).total_seconds() >= took - 0.01  # one after another
        assert took == pytest.approx(4.0, abs=0.01)  # and none of them waited on the clock
    assert max(lags) > 1
    failures = [m.steps[-1].failure for m in sorted(later, key=lambda m: m.started)]
    assert set(failures[:-1]) == {None}  # the stop may come into the last one


def test_followups_and_anchors_are_counted_where_they_leave():
    net = network(http(page()))
    plan = planned(
        targets=targets("a", every="1m"),
        anchors={"international": ["http://192.0.2.99/"], "domestic": []},
    )
    sent = []

    class Counting(Limits):
        def sent(self, ip):
            sent.append(ip)
            super().sent(ip)

    with mock.patch("probe.run.service.Limits", Counting):
        serve(plan, 600, net)
    assert sent == [endpoint.ip for endpoint in net.dialled]
    assert {"192.0.2.1", "192.0.2.99"} == set(sent)
