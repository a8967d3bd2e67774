"""probe.judge.rules: a table of data, each row of it reached by what checks really record."""

from dataclasses import replace
from typing import get_args

import pytest
from support.records import anchor, https, measured, resolve, step

from probe.core.model import Locus, Measurement, Outcome
from probe.judge.evidence import Evidence
from probe.judge.rules import TABLE, Rule

ACCUSING = {"blocked", "degraded", "denied", "down"}
UP = (anchor(up=True),)
DOWN = (anchor(up=False),)
ABROAD_DOWN = (anchor(up=False), anchor(up=True, feature="domestic"))
RESET = https("tls_handshake", "connection_reset")
V6 = "[2001:db8::1]:443"


def first(*trials: Measurement, anchors: tuple[Measurement, ...] = UP) -> Rule:
    evidence = Evidence(trials=trials, anchors=anchors)
    return next(rule for rule in TABLE if rule.when(evidence))


REACHED = {
    "own-error": first(measured(steps=RESET, invalid="KeyError: 'x'"), anchors=DOWN),
    "answered": first(measured(steps=https()), anchors=DOWN),
    "answered-unverified": first(measured("http", [resolve(), step("transfer", 2)])),
    "cut-off": first(measured(steps=https("connect", "interrupted")), anchors=DOWN),
    "vantage-offline": first(measured(steps=[resolve("dns_temporary_failure")]), anchors=DOWN),
    "no-ipv6-route": first(
        measured("tcp", [resolve(), step("connect", 2, "network_unreachable", address=V6)])
    ),
    "own-firewall": first(
        measured("tcp", [step("connect", 1, "permission_denied", errno="EPERM")])
    ),
    "international-path-down": first(measured(steps=RESET), anchors=ABROAD_DOWN),
    "failed-vantage-untested": first(measured(steps=RESET), anchors=()),
    "failed-without-control": first(measured(steps=RESET)),
}


def test_each_row_is_reached_and_no_other_row_exists() -> None:
    assert {name: rule.id for name, rule in REACHED.items()} == {name: name for name in REACHED}
    assert [rule.id for rule in TABLE] == list(REACHED)


def test_ids_are_unique_and_every_row_says_why() -> None:
    assert len({rule.id for rule in TABLE}) == len(TABLE)
    for rule in TABLE:
        assert rule.comment.endswith((".", ")")) and len(rule.comment) > 20, rule.id
        assert rule.outcome in get_args(Outcome)
        assert rule.locus is None or rule.locus in get_args(Locus)


def test_no_row_accuses_anybody() -> None:
    assert not {rule.outcome for rule in TABLE} & ACCUSING
    assert not {rule.locus for rule in TABLE} & {"network", "server"}


def test_only_what_failed_is_given_a_place() -> None:
    for rule in TABLE:
        assert (rule.locus is None) == (rule.outcome == "ok"), rule.id
        if rule.outcome in {"ok", "invalid", "offline"}:
            assert not rule.named, rule.id


def test_our_own_error_is_told_before_anything_else() -> None:
    assert first(measured(steps=https(), invalid="a bug")).id == "own-error"
    assert first(measured(steps=[], invalid="a bug"), anchors=DOWN).id == "own-error"


@pytest.mark.parametrize("anchors", [UP, DOWN, ABROAD_DOWN, ()])
def test_a_success_is_ok_whatever_the_anchors_say(anchors: tuple[Measurement, ...]) -> None:
    assert first(measured(steps=https()), anchors=anchors).id == "answered"


def test_a_success_without_verification_is_marked() -> None:
    unverified = https()
    unverified[2] = replace(unverified[2], detail={"verify": False})
    assert first(measured(steps=unverified)).id == "answered-unverified"
    verified = https()
    verified[2] = replace(verified[2], detail={"verify": True})
    assert first(measured(steps=verified)).id == "answered"


def test_what_was_cut_off_is_no_silence_of_the_target() -> None:
    for steps in ([], [resolve()], https()[:3], [resolve("interrupted")]):
        for anchors in (UP, DOWN, ()):
            assert first(measured(steps=steps), anchors=anchors).id == "cut-off"


def test_an_ipv6_target_without_a_route_says_nothing_only_when_all_its_addresses_are_ipv6() -> None:
    six = step("connect", 2, "network_unreachable", address=V6)
    four = step("connect", 3, "connection_refused")
    assert first(measured("tcp", [resolve(), six, four])).id == "failed-without-control"
    silent = step("connect", 2, "generic_timeout_error", address=V6)
    assert first(measured("tcp", [resolve(), silent])).id == "failed-without-control"


def test_a_routers_prohibition_is_not_this_machines_firewall() -> None:
    prohibited = step("connect", 1, "permission_denied", errno="EACCES")
    assert first(measured("tcp", [prohibited])).id == "failed-without-control"


def test_a_local_target_fails_whatever_the_anchors_say() -> None:
    refused = [step("connect", 1, "connection_refused", address="127.0.0.1:9")]
    for anchors in (DOWN, ABROAD_DOWN, ()):
        local = measured("tcp", refused, url="tcp://127.0.0.1:9")
        assert first(local, anchors=anchors).id == "failed-without-control"


def test_a_name_that_is_not_named_has_no_mechanism() -> None:
    evidence = Evidence(trials=(measured(steps=RESET),), anchors=UP)
    assert REACHED["failed-without-control"].mechanism(evidence) == "tls.reset"
    assert REACHED["vantage-offline"].mechanism(evidence) is None
