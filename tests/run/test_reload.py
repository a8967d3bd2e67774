"""Another configuration under a running service."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.plans import planned, tools
from support.running import Notebook, into_period, network, serve, targets
from support.servers import silent
from support.virtual import DAY, VirtualClock, apscheduler_on, run_virtual

from probe.core.address import Endpoint
from probe.core.model import Vantage
from probe.run.ledger import Ledger
from probe.run.reload import ReloadRefusedError, changes
from probe.run.service import Service


def reloaded(first, second, *, at=1800.0, seconds=3600.0, net=None, ledger=None):
    """Run under the first plan, from ``at`` on under the second; what came of it."""
    clock, notebook, net = VirtualClock(), Notebook(), net or network()
    found = []

    async def main():
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        instruments = tools(net, clock=clock)
        service = Service(first, instruments, notebook, ledger=ledger)
        loop.call_later(at, lambda: found.append(service.reload(second, instruments)))
        loop.call_later(seconds, stop.set)
        await service.run(stop)

    with apscheduler_on(clock):
        run_virtual(main())
    return notebook, found[0] if found else None


def counted(notebook, after=0.0):
    return Counter(
        m.target.id for m in notebook.measurements if (m.started - DAY).total_seconds() > after
    )


def test_unchanged_targets_keep_their_moments_new_ones_begin_and_others_end():
    first = planned(targets=targets("a", "b", "c", every="1m"))
    second = planned(
        targets=[
            *targets("a", every="1m"),
            {"id": "b", "url": "tcp://192.0.2.1:2", "every": "5m"},
            {"id": "d", "url": "tcp://192.0.2.1:4", "every": "1m"},
        ]
    )
    notebook, found = reloaded(first, second)
    assert (found.added, found.removed, found.changed) == (("d",), ("c",), ("b",))
    assert counted(notebook) == {"a": 60, "b": 36, "c": 30, "d": 30}
    assert all(into_period(m, 60) < 0.01 for m in notebook.of("a", "c", "d"))
    assert all(into_period(m, 300) < 0.01 for m in notebook.of("b")[30:])
    assert notebook.told("missed") == []


def test_a_cycle_of_a_target_that_is_gone_ends_as_it_began():
    slow = {"url": "http://192.0.2.1/", "every": "1h", "timeout": "5m"}
    first = planned(targets=[{**slow, "id": "gone", "timeouts": {"first_byte": "5m"}}])
    second = planned(targets=targets("a", every="1m"))
    begun = serve(first, 3600, network(silent)).of("gone")[0].started - DAY
    notebook, _ = reloaded(
        first, second, at=begun.total_seconds() + 60, seconds=7200, net=network(silent)
    )
    (measurement,) = notebook.of("gone")
    assert measurement.steps[-1].t == pytest.approx(300, abs=0.1)
    assert [v.target for v in notebook.verdicts if v.target == "gone"] == ["gone"]
    assert notebook.of("a")


def test_failures_that_wait_to_be_confirmed_outlast_it_unless_the_target_changed():
    net = network()
    del net.tcp[Endpoint("192.0.2.1", 1)], net.tcp[Endpoint("192.0.2.1", 2)]
    first = planned(targets=targets("a", "b", every="20m"))
    second = planned(
        targets=[*targets("a", every="20m"), {"id": "b", "url": "tcp://192.0.2.1:2?timeout=5s",
                                              "every": "20m"}]
    )  # fmt: skip
    notebook, _ = reloaded(first, second, at=1200.5, seconds=2400, net=net)
    evidence = {v.target: len(v.evidence) for v in notebook.verdicts}
    assert counted(notebook) == {"a": 2, "b": 2}
    assert evidence == {"a": 2, "b": 1}


def test_a_place_in_quarantine_rests_on():
    net = network(silent)
    web = [{"id": "a", "url": "http://192.0.2.1/", "every": "2m"}]
    first, second = planned(targets=web), planned(targets=[*web, *targets("b", every="2m")])
    began = serve(first, 300, network(silent)).measurements[0].started - DAY
    notebook, _ = reloaded(
        first, second, at=began.total_seconds() + 30, seconds=900, net=net, ledger=Ledger()
    )
    apart = [m.started - DAY for m in notebook.of("a")]
    assert (apart[1] - apart[0]).total_seconds() > 420


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"vantage": Vantage(id="elsewhere")}, "vantage: .*restart"),
        ({"results": Path("elsewhere")}, "results: .*restart"),
    ],
)
def test_what_needs_a_restart_is_refused_and_changes_nothing(other, said):
    plan = planned(targets=targets("a", every="1m"))
    with pytest.raises(ReloadRefusedError, match=said):
        changes(plan, replace(plan, **other))


def test_a_plan_that_lacks_something_changes_nothing():
    first = planned(targets=targets("a", every="1m"))
    place = {"url": "https://control.example", "token_file": "none.token"}
    second = planned(targets=targets("b", every="1m"), controls=[place])
    notebook, found = reloaded(first, second)
    assert found is None
    assert counted(notebook) == {"a": 60}
