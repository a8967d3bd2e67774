"""probe.measure.means: what a plan gives a cycle to work with."""

from typing import Any

import pytest
from support.plans import planned, tools
from support.records import https, measured
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.measure.means import Confirmation, Means, Recorders, means_for
from probe.net.fake import FakeNetwork

CONTROL = {"url": "https://control.example", "token_env": "PROBE_CONTROL_TOKEN"}


def means(*, at_once: bool = False, quick: bool = False, **config: Any) -> Means:
    plan = planned("https://shop.example/", **config)
    record = Recorders(lambda _: None, lambda _: None)

    async def main() -> Means:
        return means_for(plan, tools(FakeNetwork()), record, at_once=at_once, quick=quick)

    return run_virtual(main())


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_CONTROL_TOKEN", "secret")


def test_on_a_schedule_as_many_cycles_confirm_as_the_plan_says() -> None:
    assert means().confirmation == Confirmation(needed=3, needed_silent=3)


def test_in_a_one_off_check_a_failure_and_its_repeat_suffice_but_silence_needs_three() -> None:
    assert means(at_once=True).confirmation == Confirmation(needed=2, needed_silent=3, at_once=True)


def test_quick_and_a_plan_that_wants_none_leave_follow_ups_out() -> None:
    assert means().followups is not None
    assert means(quick=True).followups is None
    assert means(followups={"enabled": False}).followups is None


def test_whether_there_is_any_control_is_known_before_one_is_asked() -> None:
    assert not means().controlled
    assert means(controls=[CONTROL]).controlled


def test_follow_ups_and_cycles_share_one_quarantine() -> None:
    found = means()
    assert found.followups
    assert found.followups.quarantine is found.quarantine


def test_a_target_is_quarantined_by_its_own_last_failure_s_addresses_only() -> None:
    found = means()
    (job,) = planned("https://shop.example/").jobs
    failed = measured(steps=https("tls_handshake", "connection_reset"))
    assert not found.quarantined(job)
    found.quarantine.anomaly(failed)
    assert not found.quarantined(job)  # it is another's failure: this target's goes on
    found.earlier[job.target.id] = (failed,)
    assert found.quarantine.remaining(Endpoint("192.0.2.1", 443)) > 0
    assert found.quarantined(job)


def test_a_failure_that_rests_from_nothing_does_not_hold_the_target_up() -> None:
    found = means()
    (job,) = planned("https://shop.example/").jobs
    refused = measured(steps=https("connect", "connection_refused"))
    found.quarantine.anomaly(refused)
    found.earlier[job.target.id] = (refused,)
    assert not found.quarantined(job)
