"""A probe that is stopped, killed and started again: nobody is measured twice, no turn is lost."""

import asyncio
import logging
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from support.plans import planned
from support.running import Notebook, into_period, network, serve, targets
from support.servers import silent
from support.virtual import DAY

from probe.core.address import Endpoint
from probe.core.times import rfc3339
from probe.run.continuity import SPACING
from probe.run.ledger import NAME, Ledger
from probe.run.timetable import EPOCH, Timetable

ANCHOR = "http://192.0.2.99/"


def started(plan, folder, notebook, begin, seconds, net=None, **more):
    """One run of the service, ``begin`` seconds after DAY, over what earlier ones left to know."""
    start = DAY + timedelta(seconds=begin)
    return serve(plan, seconds, net, start=start, notebook=notebook, ledger=Ledger(folder), **more)


def due(name, every, after=0.0):
    """Seconds from DAY to the first moment later than ``after`` at which a target is due."""
    at = Timetable(name, every).after(DAY + timedelta(seconds=after))
    return (at - DAY).total_seconds()


def test_a_hundred_starts_in_a_row_hammer_nobody(tmp_path):
    plan = planned(
        targets=targets("a", "b", "c", every="5m"),
        anchors={"international": [ANCHOR], "domestic": []},
    )
    notebook, net, at = Notebook(), network(), 0.0
    for _ in range(300):
        started(plan, tmp_path, notebook, at, 2.5, net)
        at += 3.0
    for name in "abc":
        turns = [
            (m.started - EPOCH).total_seconds() - into_period(m, 300) for m in notebook.of(name)
        ]
        assert len(turns) == 3
        assert {round(later - turn) for turn, later in pairwise(turns)} == {300}
    asked = [m.started for m in notebook.of(ANCHOR)]
    assert all(later - at > timedelta(seconds=60) for at, later in pairwise(asked))
    assert len(net.dialled) == 9 + len(asked)


def test_a_restart_over_the_moment_when_a_target_is_due_does_not_skip_it(tmp_path):
    plan = planned(targets=targets("a", every="10m"))
    notebook, first = Notebook(), due("a", 600)
    started(plan, tmp_path, notebook, 0, first + 60)
    started(plan, tmp_path, notebook, first + 605, 300)  # five seconds late
    assert [round(into_period(m, 600)) for m in notebook.of("a")] == [0, 5]
    assert notebook.told("missed") == []
    started(plan, tmp_path, notebook, first + 910, 600)
    assert [round(into_period(m, 600)) for m in notebook.of("a")] == [0, 5, 0]


def test_what_was_missed_meanwhile_is_told_once(tmp_path):
    plan = planned(targets=targets("a", "b", every="1m"))
    notebook = Notebook()
    started(plan, tmp_path, notebook, 0, 600)
    started(plan, tmp_path, notebook, 600 + 3 * 3600, 600)
    (told,) = notebook.told("missed")
    made_up = len(notebook.measurements) - 40
    assert 0 <= made_up <= 2
    assert told["slots"] == 2 * 180 - made_up
    assert told["targets"] == 2
    assert told["from"] == rfc3339(DAY + timedelta(seconds=600))
    assert told["to"] == rfc3339(DAY + timedelta(seconds=600 + 3 * 3600))


def test_turns_that_the_clock_leapt_over_are_told_before_the_next_one_comes(tmp_path):
    plan = planned(targets=targets("a", every="10h"))
    notebook, first = Notebook(), due("a", 36000)

    def leap(clock):
        clock.start += timedelta(hours=35)

    started(plan, tmp_path, notebook, 0, first + 3602, at=[(first + 3600, leap)])
    assert notebook.told("missed") == [{"target": "a", "slots": 3}]
    started(plan, tmp_path, notebook, first + 37 * 3600, 4 * 3600)
    assert len(notebook.told("missed")) == 1
    assert [into_period(m, 36000) < 0.01 for m in notebook.of("a")] == [True, True]


def test_turns_that_come_again_by_a_clock_set_back_count_while_nothing_runs_too(tmp_path):
    plan = planned(targets=targets("a", every="10m"))
    notebook, first = Notebook(), due("a", 600)

    def set_back(clock):
        clock.start -= timedelta(hours=2)

    until = first + 6001
    started(plan, tmp_path, notebook, 0, until + 20, at=[(until, set_back)])
    assert len(notebook.of("a")) == 11
    started(plan, tmp_path, notebook, until - 7200 + 3000, 660)
    (told,) = notebook.told("missed")
    measured = len(notebook.of("a")) - 11
    assert measured + told["slots"] == 6


def test_what_is_made_up_for_comes_one_after_another(tmp_path):
    names = [f"t{n}" for n in range(9)]
    plan = planned(targets=targets(*names, every="1h"))
    notebook = Notebook()
    started(plan, tmp_path, notebook, 0, 3600)
    started(plan, tmp_path, notebook, 3600 + 1700, 30)
    second = sorted(m.started for m in notebook.measurements[len(names) :])
    late = [name for name in names if due(name, 3600) < 1700]
    assert len(second) == len(late) > 2
    apart = [(later - at).total_seconds() for at, later in pairwise(second)]
    assert apart == pytest.approx([SPACING] * len(apart), abs=0.001)


def test_a_turn_that_was_cut_short_is_not_taken_again(tmp_path):
    slow = {"id": "a", "url": "http://192.0.2.1/", "every": "10m", "timeout": "2m"}
    plan = planned(targets=[{**slow, "timeouts": {"first_byte": "2m"}}])
    notebook, first = Notebook(), due("a", 600)
    killed = tmp_path / "killed"
    killed.mkdir()

    def kill(_):  # what another process would find if this one ended here
        (killed / NAME).write_bytes((tmp_path / NAME).read_bytes())

    started(plan, tmp_path, Notebook(), 0, first + 20, network(silent), at=[(first + 1, kill)])
    started(plan, killed, notebook, first + 2, 500)
    assert notebook.measurements == []
    assert notebook.told("missed") == []


def test_a_failure_before_a_restart_is_confirmed_after_it(tmp_path):
    plan = planned(targets=targets("a", every="10m"))
    net = network()
    del net.tcp[Endpoint("192.0.2.1", 1)]  # refused: nothing was cut off, nothing rests
    notebook = Notebook()
    started(plan, tmp_path, notebook, 0, 600, net)
    started(plan, tmp_path, notebook, 620, 600, net)
    first, second = notebook.of("a")
    assert set(notebook.verdicts[-1].evidence) == {first.id, second.id}
    # Long after, it is no trial in a row any more.
    started(plan, tmp_path, notebook, 100_000, 600, net)
    assert notebook.verdicts[-1].evidence == (notebook.measurements[-1].id,)


def test_a_quarantine_outlasts_a_restart(tmp_path):
    web = {"id": "a", "url": "http://192.0.2.1/", "every": "2m"}
    plan = planned(targets=[web], anchors={"international": [ANCHOR], "domestic": []})
    notebook, first = Notebook(), due("a", 120)
    started(plan, tmp_path, notebook, 0, first + 30, network(silent))
    assert len(notebook.of("a")) == 1
    started(plan, tmp_path, notebook, first + 60, 1200, network(silent))
    second = notebook.of("a")[1]
    apart = (second.started - notebook.of("a")[0].started).total_seconds()
    assert apart == pytest.approx(480, abs=0.1)  # the first turn after 10 s and seven minutes
    reasons = [detail["reason"] for detail in notebook.told("skipped")]
    assert reasons[:3] == ["its address is in quarantine"] * 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"\x00\xff not JSON\n" * 50),
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        lambda path: path.write_text('{"turn": "soon", "target": "a"}\n[]\n{"anomaly": {}}\n7\n'),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["missing", "garbage", "torn", "nonsense", "a folder"],
)
def test_without_a_readable_memory_it_goes_on_all_the_same(tmp_path, spoil, caplog):
    plan = planned(targets=targets("a", every="1m"))
    notebook = Notebook()
    started(plan, tmp_path, notebook, 0, 300)
    spoil(tmp_path / NAME)
    with caplog.at_level(logging.WARNING, "probe.run"):
        started(plan, tmp_path, notebook, 330, 300)
    assert len(notebook.of("a")) in {10, 11}
    turns = Counter(round((m.started - EPOCH).total_seconds() // 60) for m in notebook.of("a"))
    assert max(turns.values()) == 1
    started(plan, tmp_path, notebook, 660, 300)
    assert len(notebook.of("a")) >= 15


@pytest.mark.parametrize("leap", [0.5, -0.5, 4.0, -4.0, 60.0, -60.0, 86400.0, -86400.0, 3e7, -3e7])
def test_a_leap_of_the_clock_neither_stops_it_nor_makes_it_burst(leap):
    plan = planned(targets=targets("a", "b", every="1m"))
    real = []

    class Told(Notebook):
        def measurement(self, measurement):
            real.append(asyncio.get_running_loop().time())
            super().measurement(measurement)

    def set_clock(clock):
        clock.start += timedelta(seconds=leap)

    notebook = serve(plan, 3600, notebook=Told(), at=[(1234.5, set_clock)])
    apart = [later - at for at, later in pairwise(sorted(real))]
    assert max(apart) < 130
    # Two targets once a minute: never more than four turns in a minute, whatever the clock says.
    assert all(later - at > 50 for at, later in zip(real, real[4:], strict=False))
    assert len(real) in range(116, 123)
    assert all(into_period(m, 60) < 5 for m in notebook.measurements)
    assert len(notebook.told("clock_jump")) == (abs(leap) > 5)


def test_many_leaps_leave_no_drift():
    plan = planned(targets=targets("a", every="1m"))
    leaps = [
        (100.0 * n + 7, lambda clock, n=n: setattr(
            clock, "start", clock.start + timedelta(seconds=(-1) ** n * 33.3)
        ))
        for n in range(1, 60)
    ]  # fmt: skip
    notebook = serve(plan, 7200, at=leaps)
    assert all(into_period(m, 60) < 0.01 for m in notebook.measurements[-15:])
    assert len(notebook.told("clock_jump")) == 59
