"""probe.run.service: hours of a running probe, on a clock that jumps and a scripted network."""

import asyncio
import logging
import random
from collections import Counter
from datetime import timedelta

import pytest
from support.plans import planned
from support.running import WEB, Notebook, into_period, network, serve, targets
from support.servers import http, page, silent
from support.virtual import DAY, VirtualClock

from probe.core.address import Endpoint
from probe.run.service import GRACE
from probe.run.timetable import EPOCH, phase
from probe.run.watching import VerdictWatcher

PATIENT = {"timeout": "10m", "timeouts": {"first_byte": "10m"}}
ANCHOR = "http://192.0.2.99/"


def test_each_target_is_measured_at_its_own_interval():
    plan = planned(targets=[*targets("a", "b", every="1m"), {"url": WEB, "every": "5m"}])
    notebook = serve(plan, 3600, network(http(page())))
    assert Counter(m.target.id for m in notebook.measurements) == {"a": 60, "b": 60, WEB: 12}
    for m in notebook.measurements:
        assert abs(into_period(m, 300 if m.target.id == WEB else 60)) < 0.01
    assert {v.outcome for v in notebook.verdicts} == {"ok"}
    assert [event.event for event in notebook.events] == ["start", "stop"]


def test_spread_delays_inside_the_slot_and_shifts_no_later_one():
    random.seed(2017)
    plan = planned(targets=targets("a"), schedule={"every": "1m", "spread": "20s"})
    delays = [into_period(m, 60) for m in serve(plan, 7200).measurements]
    assert len(delays) in {119, 120}  # the stop may come in the last one's delay
    assert all(0 <= delay <= 20.01 for delay in delays)
    assert min(delays) < 3
    assert max(delays) > 17
    assert max(delays[100:]) < 21


def test_two_starts_keep_the_phase():
    plan = planned(targets=targets("a", every="10m"))
    first = serve(plan, 3600).measurements
    second = serve(plan, 3600, start=DAY + timedelta(hours=5, seconds=137)).measurements
    assert len(first) == len(second) == 6
    between = (second[0].started - first[0].started).total_seconds()
    assert between % 600 == pytest.approx(0, abs=0.01) or between % 600 > 599.99


def test_a_cycle_that_outlasts_its_slot_skips_only_its_own_next_ones():
    slow = {"id": "slow", "url": WEB, "every": "10s", "timeout": "35s"}
    slow["timeouts"] = {"first_byte": "35s"}
    plan = planned(targets=[slow, *targets("quick", every="10s")], confirm={"quarantine": "1ms"})
    notebook = serve(plan, 400, network(silent))
    # Each takes 35 of every 40 seconds: three slots of four pass by.
    assert len(notebook.of("slow")) == 10
    assert len(notebook.of("quick")) == 40
    skipped = notebook.told("skipped")
    assert {detail["target"] for detail in skipped} == {"slow"}
    assert len(skipped) == 30
    assert notebook.told("missed") == []


def test_slots_that_a_sleeping_machine_missed_are_told_and_not_made_up_for():
    def wake_an_hour_later(clock):
        clock.start += timedelta(hours=1)

    plan = planned(targets=targets("a", every="1m"))
    notebook = serve(plan, 600, at=[(301, wake_an_hour_later)])
    assert notebook.told("missed") == [{"target": "a", "slots": 60}]
    assert len(notebook.measurements) == 10


def test_a_leap_of_the_clock_makes_nothing_burst():
    def leap(clock):
        clock.start += timedelta(minutes=90)

    names = [f"t{n}" for n in range(100)]  # one of them is due before anybody looks at the clock
    ample = {"per_host": 64, "per_minute": 100_000, "in_all": 100_000}
    plan = planned(targets=targets(*names, every="1m"), limits=ample)
    notebook = serve(plan, 600, at=[(301, leap)])
    assert all(into_period(m, 60) < 0.01 for m in notebook.measurements)
    assert len(notebook.measurements) in range(98 * 10, 100 * 10 + 1)
    missed = notebook.told("missed")
    assert {detail["target"] for detail in missed} == set(names)
    assert len(notebook.measurements) + sum(m["slots"] for m in missed) == 100 * (10 + 90)


def test_a_clock_that_is_set_back_stops_nothing():
    plan = planned(schedule={"every": "60s"}, targets=targets("a"))

    def set_back(clock):
        clock.start -= timedelta(hours=2)

    notebook = serve(plan, 1200, at=[(605, set_back)])
    jumps = [event for event in notebook.events if event.event == "clock_jump"]
    assert [event.detail for event in jumps] == [{"seconds": -7200.0}]
    after = [m for m in notebook.measurements if m.started < DAY]
    assert len(after) in {9, 10}
    assert all(into_period(m, 60) < 0.01 for m in notebook.measurements)


def test_one_broken_cycle_ends_neither_the_others_nor_the_target(caplog):
    def watch(verdict):
        if verdict.target == "a":
            raise RuntimeError("the display broke")

    plan = planned(targets=targets("a", "b", every="1m"))
    with caplog.at_level(logging.ERROR, "probe.run"):
        notebook = serve(plan, 600, watchers=[VerdictWatcher(watch)])
    assert len(notebook.of("a")) == len(notebook.of("b")) == 10
    assert {record.getMessage() for record in caplog.records} == {"cycle of a"}
    assert len(caplog.records) == 10


def first_due(plan, start=DAY):
    """Seconds until the plan's only target is due for the first time."""
    (job,) = plan.jobs
    elapsed = (start - EPOCH).total_seconds() - phase(job.target.id, job.every)
    return -elapsed % job.every


def test_a_stop_lets_what_is_under_way_finish():
    async def slow(peer):
        await asyncio.sleep(GRACE - 1)
        await http(page())(peer)

    plan = planned(targets=[{"id": "a", "url": WEB, "every": "10m"}])
    notebook = serve(plan, first_due(plan) + 0.5, network(slow))
    assert notebook.outcomes("a") == ["ok"]
    assert notebook.told("stop") == [{"run": "run", "interrupted": 0}]
    took = notebook.events[-1].at - notebook.measurements[0].started
    assert took.total_seconds() == pytest.approx(GRACE - 1, abs=0.01)


def test_a_stop_cuts_off_what_hangs_and_records_it_as_interrupted():
    plan = planned(targets=[{"id": "a", "url": WEB, "every": "1h", **PATIENT}])
    due = first_due(plan)
    notebook = serve(plan, due + 30, network(silent))
    (measurement,) = notebook.measurements
    assert measurement.steps[-1].failure == "interrupted"
    assert measurement.steps[-1].t == pytest.approx(30 + GRACE, abs=0.01)
    assert measurement.invalid is None
    (verdict,) = notebook.verdicts
    assert (verdict.outcome, verdict.rule) == ("inconclusive", "cut-off")
    assert notebook.told("stop") == [{"run": "run", "interrupted": 1}]


def test_a_stop_in_the_moment_when_a_target_is_due_leaves_nothing_behind():
    # The stop comes while the scheduler looks who is due, and another cycle hangs at that time.
    patient = {"url": WEB, "every": "1h", **PATIENT}
    plan = planned(targets=[{**patient, "id": "first"}, {**patient, "id": "next"}])
    moments = {name: phase(name, 3600) for name in ("first", "next")}
    assert 0 < moments["next"] - moments["first"] < 600
    stop_at = DAY + timedelta(seconds=moments["next"])
    notebook = serve(plan, 7200, network(silent), clock=lambda stop: Ending(stop, stop_at))
    assert [m.target.id for m in notebook.measurements] == ["first"]
    assert notebook.told("stop") == [{"run": "run", "interrupted": 1}]


class Ending(VirtualClock):
    """Sets ``stop`` when it is read at this instant or later for the first time."""

    def __init__(self, stop, at):
        super().__init__()
        self._stop = stop
        self._at = at

    def now(self):
        now = super().now()
        if now >= self._at:
            self._stop.set()
        return now


def test_a_full_disk_is_told_once_and_costs_no_measurement():
    notebook = Notebook()

    def disk(full):
        return lambda _: setattr(notebook, "full", full)

    plan = planned(targets=targets("a", "b", every="1m"))
    at = [(600, disk(True)), (1200, disk(False)), (2400, disk(True)), (2700, disk(False))]
    serve(plan, 3600, notebook=notebook, at=at)
    assert len(notebook.of("a")) == len(notebook.of("b")) == 60
    assert len(notebook.verdicts) == 120
    assert [detail["error"] for detail in notebook.told("disk_full")] == [
        "results: the disk is full"
    ] * 2


def test_a_feature_is_judged_once_in_every_round_of_its_targets():
    net = network()
    del net.tcp[Endpoint("192.0.2.1", 2)]
    several = targets("a", "b", "c", service="pigeon", feature="text")
    plan = planned(
        targets=several,
        schedule={"every": "10m"},
        policies={"pigeon": {"text": "quorum 2"}},
    )

    def close_another(_):
        del net.tcp[Endpoint("192.0.2.1", 3)]

    notebook = serve(plan, 7200, net, at=[(3600, close_another)])
    assert notebook.outcomes(None) == ["ok"] * 6 + ["unreachable"] * 6
    last = [v for v in notebook.verdicts if v.target is None][-1]
    assert (last.members.ok, last.members.failed, last.partial) == (1, 2, True)


def test_the_vantage_going_down_and_coming_back_is_an_event_each():
    net = network()

    def line(down):
        return lambda _: setattr(net, "down", down)

    plan = planned(
        targets=targets("a", every="1m"), anchors={"international": [ANCHOR], "domestic": []}
    )
    notebook = serve(plan, 1800, net, at=[(600, line(True)), (1200, line(False))])
    assert [detail["state"] for detail in notebook.told("health")] == [
        "online",
        "offline",
        "online",
    ]
    assert notebook.outcomes("a") == ["ok"] * 10 + ["offline"] * 10 + ["ok"] * 10
    assert {m.role for m in notebook.of(ANCHOR)} == {"anchor"}


def test_a_failure_while_the_line_breaks_is_offline_though_the_anchors_answered_before():
    async def late_reset(peer):
        await asyncio.sleep(5)
        peer.reset()

    net = network(late_reset)
    plan = planned(
        targets=[{"id": "a", "url": WEB, "every": "1h"}],
        anchors={"international": [ANCHOR], "domestic": []},
    )
    due = first_due(plan)
    notebook = serve(plan, due + 60, net, at=[(due + 2, lambda _: setattr(net, "down", True))])
    assert notebook.outcomes("a") == ["offline"]
    assert [detail["state"] for detail in notebook.told("health")] == ["online", "offline"]


class Told:
    """A watcher that remembers what it was told."""

    def __init__(self):
        self.lags, self.measured, self.judged, self.events = [], [], [], []
        self.plans, self.cycles = [], []

    def planned(self, plan):
        self.plans.append(plan)

    def due(self, target):
        self.cycles.append(("due", target))

    def started(self, target, lag):
        self.lags.append((target, round(lag, 3)))
        self.cycles.append(("started", target))

    def ended(self, target):
        self.cycles.append(("ended", target))

    def measurement(self, measurement):
        self.measured.append(measurement)

    def verdict(self, verdict):
        self.judged.append(verdict)

    def event(self, event):
        self.events.append(event)


def test_watchers_are_told_everything_in_the_order_of_the_journal():
    told = Told()
    plan = planned(targets=targets("a", every="1m"))
    notebook = serve(plan, 150, watchers=[told])
    assert told.plans == [plan]
    assert told.measured == notebook.measurements
    assert told.judged == notebook.verdicts
    assert told.events == notebook.events
    cycles = len({m.cycle for m in notebook.measurements})
    assert told.lags == [("a", 0.0)] * cycles
    assert told.cycles == [("due", "a"), ("started", "a"), ("ended", "a")] * cycles
    assert cycles >= 2
