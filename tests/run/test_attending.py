"""probe.run.attending, and what a reload may change of it."""

import json

import pytest
from support.alerting import PIGEON, URLS, addressed, watched
from support.plans import planned
from support.running import Notebook, network, serve, targets
from support.virtual import DAY, VirtualClock

from probe.core.strictyaml import ConfigError
from probe.record.journal import Journal
from probe.run.alerts.watcher import Alerts
from probe.run.attending import Attendants
from probe.run.ledger import Ledger
from probe.run.metrics.seen import Seen
from probe.run.reload import ReloadRefusedError, changes

LISTENING = {"listen": "127.0.0.1:9469"}


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path) as found:
        yield found


def test_nothing_is_beside_a_plan_that_asks_for_nothing(journal):
    assert Attendants(planned(targets=PIGEON), journal, VirtualClock()).watchers == []


def test_what_is_asked_for_watches(journal):
    with addressed("json://one"):
        found = Attendants(watched(metrics=LISTENING), journal, VirtualClock()).watchers
    assert [type(watcher) for watcher in found] == [Alerts, Seen]


async def test_work_that_cannot_be_attended_is_not_begun(journal):
    with Journal(journal.root) as taken, addressed("json://one"):
        plan = planned(targets=PIGEON, metrics={"listen": "203.0.113.1:9469"})
        attendants = Attendants(plan, taken, VirtualClock())
        begun = []

        async def work():
            begun.append(True)

        with pytest.raises(ConfigError, match="cannot listen"):
            await attendants.around(work())
    assert begun == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"metrics": {"listen": "127.0.0.1:9470"}, "alerts": {"urls_env": URLS}}, "metrics.listen"),
        ({"alerts": {"urls_env": URLS}}, "metrics.listen"),
        ({"metrics": LISTENING}, "alerts"),
    ],
)
def test_a_reload_that_needs_a_restart_is_refused(more, said):
    old = planned(targets=PIGEON, metrics=LISTENING, alerts={"urls_env": URLS})
    with pytest.raises(ReloadRefusedError, match=said):
        changes(old, planned(targets=PIGEON, **more))


def test_a_reload_may_change_the_rest():
    old = planned(targets=PIGEON, metrics=LISTENING, alerts={"urls_env": URLS})
    new = planned(
        targets=PIGEON,
        metrics={**LISTENING, "stale_after": "1h"},
        alerts={"urls_file": "urls", "after": 5},
    )
    assert changes(old, new).changed == ()


def test_after_a_restart_the_state_of_the_vantage_is_told_though_no_anchor_was_asked(tmp_path):
    plan = planned(
        targets=targets("a", every="1h"),
        anchors={"international": ["http://192.0.2.99/"], "domestic": []},
    )
    net, notebook = network(), Notebook()
    serve(plan, 3600, net, notebook=notebook, ledger=Ledger(tmp_path))
    asked = len(notebook.of("http://192.0.2.99/"))
    assert [detail["state"] for detail in notebook.told("health")] == ["online"]
    last = notebook.of("http://192.0.2.99/")[-1].started
    serve(plan, 1, net, start=last, notebook=notebook, ledger=Ledger(tmp_path))
    assert len(notebook.of("http://192.0.2.99/")) == asked
    assert [detail["state"] for detail in notebook.told("health")] == ["online", "online"]
    assert last > DAY


def test_what_was_given_up_is_an_event(journal):
    with addressed("json://one"):
        attendants = Attendants(watched(), journal, VirtualClock())
    (alerts,) = attendants.watchers
    alerts._lost(1, 3, "not delivered within 12 hours")
    (line,) = (journal.root / "events.jsonl").read_text().splitlines()
    assert json.loads(line)["event"] == "alert_failed"
