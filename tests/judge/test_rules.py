"""probe.judge.rules: a table of data, each row of it reached by what is really recorded."""

from dataclasses import replace
from typing import get_args

import pytest
from support.cases import ABROAD_DOWN, DOWN, RESET, UP, cases, control, evidence, trials
from support.records import https, measured, resolve, step
from support.virtual import DAY

from probe.core.model import Locus, Measurement, Outcome
from probe.judge.evidence import Evidence
from probe.judge.path_rules import PATH
from probe.judge.rules import TABLE
from probe.judge.verdict import judge, rule_for

ACCUSING = {"blocked", "degraded", "denied", "down"}
CASES = cases()
PROOFS = {rule.id for rule in PATH}  # from the path itself: law 2
ACCUSING_NODES = {
    "dns.injection.bogon", "dns.injection.blockpage", "dns.injection.other",
    "tls.mitm.self_signed", "tls.mitm.ca_signed", "tls.reset.sni", "tls.timeout.sni",
    "tls.throttle.sni", "http.blockpage", "http.redirect", "http.reset.host", "transfer.freeze",
    "transfer.throttle", "quic.timeout.sni", "vpn.timeout", "vpn.reset", "vpn.data",
    "tls.injection", "vpn.injection",
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_row_is_reached(name: str) -> None:
    assert rule_for(CASES[name]).id == name


def test_every_row_has_its_case() -> None:
    assert [rule.id for rule in TABLE if rule.id not in CASES] == []
    assert CASES.keys() == {rule.id for rule in TABLE}


def test_ids_are_unique_and_every_row_says_why_and_what_would_change_it() -> None:
    assert len({rule.id for rule in TABLE}) == len(TABLE)
    for rule in TABLE:
        assert rule.comment.endswith((".", ")")) and len(rule.comment) > 20, rule.id
        assert rule.otherwise and not rule.otherwise.endswith("."), rule.id
        assert rule.outcome in get_args(Outcome)
        assert rule.locus is None or rule.locus in get_args(Locus)
        assert (rule.locus is None) == (rule.outcome == "ok"), rule.id


@pytest.mark.parametrize("name", CASES)
def test_without_its_controls_only_proof_from_the_path_accuses(name: str) -> None:
    alone = replace(CASES[name], controls=(), control_anchors=())
    found = judge(alone, DAY)
    assert found.outcome not in ACCUSING or found.rule in PROOFS, found


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("fault", ["same country", "unhealthy", "untested", "invalid"])
def test_a_control_that_does_not_count_accuses_nobody(name: str, fault: str) -> None:
    case = CASES[name]
    controls, anchors = case.controls, case.control_anchors
    if fault == "same country":
        here = case.trial.vantage
        controls = tuple(replace(c, vantage=replace(c.vantage, country="CN")) for c in controls)
        assert here.country == "CN"
    elif fault == "unhealthy":
        anchors = tuple(replace(a, steps=DOWN[0].steps) for a in anchors)
    elif fault == "untested":
        anchors = ()
    else:
        controls = tuple(replace(c, invalid="the control could not be asked") for c in controls)
    found = judge(replace(case, controls=controls, control_anchors=anchors), DAY)
    assert found.outcome not in ACCUSING or found.rule in PROOFS, found
    assert found.control.outcome is None


@pytest.mark.parametrize("name", CASES)
def test_nobody_is_accused_of_a_failure_while_the_vantage_is_offline(name: str) -> None:
    case = replace(CASES[name], anchors=DOWN)
    found = judge(case, DAY)
    if case.failure is not None and not case.local:
        assert found.outcome not in ACCUSING or found.rule == "throttled-by-name", found


@pytest.mark.parametrize("name", CASES)
def test_one_failed_trial_is_confirmed_by_nothing_but_proof_from_the_path(name: str) -> None:
    case = CASES[name]
    once = replace(case, trials=case.trials[-1:], needed=3)
    found = judge(once, DAY)
    allowed = PROOFS | {"throttled-here", "throttled-by-name"}  # three pairs are their repeats
    assert found.outcome not in ACCUSING or found.rule in allowed, found


@pytest.mark.parametrize("name", CASES)
def test_accusing_nodes_stand_with_accusing_outcomes_only(name: str) -> None:
    found = judge(CASES[name], DAY)
    if found.mechanism in ACCUSING_NODES:
        assert found.outcome in {"blocked", "degraded"}
    if found.outcome in {"ok", "down", "offline", "invalid"}:
        assert found.mechanism is None


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_is_given_again_from_the_measurements_that_it_names(name: str) -> None:
    case = CASES[name]
    given = judge(case, DAY)
    parts = (
        *case.trials,
        *case.anchors,
        *case.controls,
        *case.control_anchors,
        *case.followups,
        *case.neighbours,
    )
    named = {*given.evidence, *given.control.ids}
    again = Evidence.of(
        (m for m in parts if m.id in named),
        target=case.trial.target.id,
        bodies=case.bodies,
        knowledge=case.knowledge,
        needed=given.trials.needed if given.trials else 3,
    )
    assert replace(judge(again, DAY), id=given.id) == given


def test_accusations_need_the_controls_to_agree() -> None:
    assert judge(CASES["controls-disagree"], DAY).control.outcome == "inconclusive"
    assert judge(CASES["down"], DAY).control.outcome == "unreachable"
    assert judge(CASES["failed-control-fine"], DAY).control.outcome == "ok"


def test_our_own_error_is_told_before_anything_else() -> None:
    assert rule_for(evidence((measured(steps=https(), invalid="a bug"),))).id == "own-error"
    assert rule_for(evidence((measured(steps=[], invalid="a bug"),), DOWN)).id == "own-error"


@pytest.mark.parametrize("anchors", [UP, DOWN, ABROAD_DOWN, ()])
def test_a_success_is_ok_whatever_the_anchors_say(anchors: tuple[Measurement, ...]) -> None:
    assert rule_for(evidence((measured(steps=https()),), anchors)).id == "answered"


def test_a_success_is_ok_whatever_the_controls_say() -> None:
    found = judge(evidence((measured(steps=https()),), **control(RESET)), DAY)
    assert (found.outcome, found.rule) == ("ok", "answered")


def test_a_success_without_verification_is_marked() -> None:
    unverified = https()
    unverified[2] = replace(unverified[2], detail={"verify": False})
    assert rule_for(evidence((measured(steps=unverified),))).id == "answered-unverified"
    verified = https()
    verified[2] = replace(verified[2], detail={"verify": True})
    assert rule_for(evidence((measured(steps=verified),))).id == "answered"


def test_a_name_of_the_local_network_is_ok_at_its_private_address() -> None:
    steps = [
        resolve(answers=[{"type": "A", "data": "192.168.1.5"}]),
        step("connect", 2, address="192.168.1.5:22"),
    ]
    for more in ({}, control([resolve("dns_nxdomain_error")], check="tcp")):
        found = judge(evidence((measured("tcp", steps, url="tcp://nas.example:22"),), **more), DAY)
        assert found.outcome == "ok"


def test_what_was_cut_off_is_no_silence_of_the_target() -> None:
    for steps in ([], [resolve()], https()[:3], [resolve("interrupted")]):
        for anchors in (UP, DOWN, ()):
            assert rule_for(evidence((measured(steps=steps),), anchors)).id == "cut-off"


def test_a_routers_prohibition_is_not_this_machines_firewall() -> None:
    prohibited = step("connect", 1, "permission_denied", errno="EACCES")
    assert rule_for(evidence((measured("tcp", [prohibited]),))).id == "failed-without-control"


def test_a_local_target_fails_whatever_the_anchors_say() -> None:
    refused = [step("connect", 1, "connection_refused", address="127.0.0.1:9")]
    for anchors in (DOWN, ABROAD_DOWN, ()):
        local = measured("tcp", refused, url="tcp://127.0.0.1:9")
        assert rule_for(evidence((local,), anchors)).id == "failed-without-control"


def test_failures_at_different_places_confirm_nothing() -> None:
    mixed = (*trials(https("connect", "generic_timeout_error"), 2), *trials(RESET, 1))
    found = judge(evidence(mixed, **control()), DAY)
    assert found.rule == "not-confirmed"
    assert found.trials is not None and (found.trials.failed, found.trials.needed) == (1, 3)
