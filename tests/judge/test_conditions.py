"""probe.judge.conditions: where one condition ends and the next begins."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    CAPTIVE,
    NAME,
    PAGE,
    RESET,
    UP,
    at,
    cases,
    control,
    evidence,
    lookup,
    page,
    trials,
)
from support.records import HERE, https, measured, resolve, step

from probe.judge import conditions as when
from probe.judge import here
from probe.judge.evidence import Evidence
from probe.judge.verdict import rule_for

CASES = cases()
TIMEOUT = "generic_timeout_error"


@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c.needed == 3 and len(c.trials) == 3]
)
def test_one_trial_short_accuses_nobody(name: str) -> None:
    case = CASES[name]
    assert rule_for(replace(case, needed=4)).outcome in {"inconclusive", "unreachable"}


def test_trials_that_failed_elsewhere_do_not_add_up() -> None:
    other = trials(https("connect", "connection_refused"))[:1]
    mixed = evidence((*trials(RESET)[:1], *other, *trials(RESET)[2:]), **control())
    assert rule_for(mixed).id == "not-confirmed"


def test_a_failure_on_an_own_route_is_the_vantage_s() -> None:
    six = [resolve(), step("connect", 2, "network_unreachable", address="[2a00::1]:443")]
    both = [*six, step("connect", 3, "network_unreachable", address="93.184.1.1:443")]
    assert here.no_ipv6(evidence(trials(six)))
    assert not here.no_ipv6(evidence(trials(both)))


@pytest.mark.parametrize(("errno", "own"), [("EPERM", True), ("EACCES", False), (None, False)])
def test_only_eperm_is_the_own_packet_filter(errno: str | None, own: bool) -> None:
    refused = https("connect", "permission_denied", **({"errno": errno} if errno else {}))
    assert here.own_firewall(evidence(trials(refused))) is own


def test_a_captive_portal_voids_what_nobody_proved_and_no_more() -> None:
    assert here.captive(evidence(trials(RESET), CAPTIVE))
    assert here.captive(evidence((measured("http", page(), target=PAGE),), CAPTIVE))
    proven = evidence((measured(steps=https(verify=True)),), CAPTIVE)
    assert not here.captive(proven)
    assert rule_for(proven).id == "answered"


def test_anchors_that_were_never_asked_leave_a_failure_alone_only_without_a_control() -> None:
    assert here.untested(evidence(trials(RESET), ()))
    assert not here.untested(evidence(trials(RESET), (), **control()))
    assert not here.untested(evidence(trials(RESET), UP))


# --- a lookup's success --------------------------------------------------------------------------


def named(*ips: str, there: tuple[str, ...] = (), country: str = "CN") -> Evidence:
    trial = measured("dns", [lookup(*ips)], target=NAME)
    trial = replace(trial, vantage=replace(HERE, country=country))
    asked = control([lookup(*there)], check="dns", target=NAME) if there else {}
    return evidence((trial,), **asked)


@pytest.mark.parametrize(
    ("here", "there", "ok"),
    [
        (("93.184.1.1",), ("93.184.1.1",), True),
        (("93.184.1.1",), ("1.1.1.1",), True),  # different is not forged
        (("10.0.0.1",), (), True),  # a name of a local network, for all we know
        (("10.0.0.1",), ("10.0.0.1",), True),
        (("10.0.0.1",), ("1.1.1.1",), False),
        (("10.0.0.1", "93.184.1.1"), ("1.1.1.1",), True),
    ],
)
def test_an_answer_is_doubted_only_if_it_is_impossible_and_the_controls_got_others(
    here: tuple[str, ...], there: tuple[str, ...], ok: bool
) -> None:
    assert when.answered(named(*here, there=there)) is ok


# --- what a control is asked for, and what settles it --------------------------------------------


@pytest.mark.parametrize(
    ("found", "asks"),
    [
        (evidence(trials(RESET)), True),
        (evidence((measured("tls", [lookup("93.184.1.1"), *at("93.184.1.1")[:2]]),)), False),
        (evidence((measured(steps=https(verify=False)),)), True),
        (evidence((measured(steps=https(verify=True, private_root="r")),)), True),
        (evidence((measured("http", page(), target=PAGE),)), True),
        (evidence((measured("dns", [lookup("1.1.1.1")], target=NAME),)), True),
        (evidence((measured("tcp", [step("connect")]),)), False),
        (evidence((measured("tcp", [lookup("127.0.0.1"), *at("127.0.0.1")[:1]]),)), True),
        (evidence((measured(steps=https("connect", "interrupted")[:1]),)), False),
    ],
)
def test_a_control_is_asked_where_its_answer_could_change_anything(
    found: Evidence, asks: bool
) -> None:
    assert when.worth_asking(found) is asks


def test_a_success_is_settled_once_nothing_speaks_against_it() -> None:
    assert when.settled(evidence((measured(steps=https(verify=True)),)))
    assert not when.settled(evidence(trials(RESET)))
    assert when.settled(named("93.184.1.1", there=("93.184.1.1",)))
    assert not when.settled(named("93.184.1.1", there=("1.1.1.1",)))
    for name in ("certificate-of-private-authority", "page-differs", "throttled-here"):
        assert not when.settled(CASES[name]), name


def test_success_at_an_address_that_serves_nobody_is_doubted_only_beside_a_control() -> None:
    lured = CASES["undecided"]
    assert not when.answered(lured)
    alone = replace(lured, controls=(), control_anchors=())
    assert when.answered(alone)


# --- addresses -----------------------------------------------------------------------------------


def test_other_addresses_need_a_control_that_was_given_others_and_reached_none_of_ours() -> None:
    dead = trials([lookup("93.184.1.1"), *at("93.184.1.1", TIMEOUT, "connect")])
    moved = control([lookup("1.1.1.1"), *at("1.1.1.1")])
    same = control([lookup("93.184.1.1"), *at("93.184.1.1")])
    both = control(
        [lookup("1.1.1.1"), *at("1.1.1.1"), *(replace(s, transaction=5) for s in at("93.184.1.1"))]
    )
    assert when.other_addresses(evidence(dead, **moved))
    assert not when.other_addresses(evidence(dead, **same))
    assert not when.other_addresses(evidence(dead, **both))
    assert not when.other_addresses(evidence(trials([resolve("dns_nxdomain_error")]), **moved))
    assert rule_for(evidence(dead, **same)).outcome == "blocked"


@pytest.mark.parametrize(
    ("failure", "trouble"),
    [
        ("dns_servfail_error", True),
        ("dns_temporary_failure", True),
        ("dns_nxdomain_error", False),
        ("dns_refused_error", False),
        (TIMEOUT, False),
    ],
)
def test_what_a_resolver_could_not_find_out_is_no_accusation(failure: str, trouble: bool) -> None:
    found = evidence(trials([resolve(failure)]), **control())
    assert when.resolver_trouble(found) is trouble
    assert (rule_for(found).outcome == "blocked") is not trouble


@pytest.mark.parametrize(
    ("others", "outcome", "rule"),
    [
        ([None, None], "blocked", "failed-control-fine"),
        ([None, TIMEOUT], "inconclusive", "bad-line"),
        # One that never answers is no line that loses.
        ([TIMEOUT, TIMEOUT], "inconclusive", "resolver-untested"),
    ],
)
def test_a_resolver_that_loses_the_anchors_queries_too_accuses_nobody(
    others: list[str | None], outcome: str, rule: str
) -> None:
    def round_(failures: list[str | None]) -> tuple[Any, ...]:
        dialled = tuple(s for s in UP[0].steps if s.op != "resolve")
        return tuple(replace(UP[0], steps=(resolve(f), *dialled)) for f in failures)

    silence = trials([resolve(TIMEOUT)], check="dns", target=NAME)
    there = control([resolve()], check="dns", target=NAME)
    found = rule_for(evidence(silence, round_(others), **there))
    assert (found.id, found.outcome) == (rule, outcome)


OWN = {"resolver": "tls://198.51.100.53", "address": "198.51.100.53:853"}
DEAD = {
    "silent": [step("resolve", 1, TIMEOUT, **OWN)],
    "closed": [step("resolve", 1, "connection_refused", **OWN)],
    "closed to strangers": [step("resolve", 1, "dns_refused_error", rcode="REFUSED", **OWN)],
    "out of reach": [step("connect", 1, TIMEOUT, **OWN)],
    "no resolver": [step("connect", 1, **OWN), step("tls_handshake", 1, "eof_error", **OWN)],
}


@pytest.mark.parametrize("how", DEAD)
@pytest.mark.parametrize("check", ["dns", "https"])
def test_a_resolver_that_this_target_alone_asks_has_to_be_known_to_answer(
    how: str, check: str
) -> None:
    named: Any = {"check": check, **({"target": NAME} if check == "dns" else {})}
    there = control([lookup("1.1.1.1"), *([] if check == "dns" else at("1.1.1.1"))], **named)
    found = evidence(trials(DEAD[how], **named), **there)
    rule = rule_for(found)
    assert (rule.id, rule.outcome) == ("resolver-untested", "inconclusive")
    # The anchors ask it too: then it is the name that fails.
    for heard in (None, "dns_nxdomain_error"):
        steps = (step("resolve", 1, heard, **OWN), *UP[0].steps)
        beside = replace(found, anchors=(replace(UP[0], steps=steps),))
        assert rule_for(beside).id == "failed-control-fine"


def test_no_such_name_is_an_answer_of_a_resolver_that_lives() -> None:
    gone = [step("resolve", 1, "dns_nxdomain_error", rcode="NXDOMAIN", **OWN)]
    found = evidence(trials(gone, check="dns", target=NAME), **control([lookup("1.1.1.1")]))
    assert not when.resolver_untested(found)
    one_dead = evidence(trials([*gone, replace(DEAD["silent"][0], transaction=2)], check="dns"))
    assert not when.resolver_untested(one_dead)


def test_inside_the_handshake_is_where_names_are_read() -> None:
    assert when.inside_handshake(evidence(trials(RESET)))
    assert not when.inside_handshake(evidence(trials(https("connect", TIMEOUT))))
    assert not when.inside_handshake(evidence(trials(https("http_response", TIMEOUT))))
    assert not when.inside_handshake(evidence((measured(steps=https()),)))


def test_a_lookup_that_gave_what_every_name_gives_is_no_success() -> None:
    lure = replace(
        measured("dns", [lookup("203.0.113.9")], role="anchor", cycle="round-1"),
        target=replace(NAME, service="anchors", feature="wildcard"),
    )
    found = (measured("dns", [lookup("203.0.113.9")], target=NAME),)
    assert rule_for(evidence(found)).id == "answered"
    assert rule_for(evidence(found, (*UP, lure))).outcome == "unreachable"
    gone = control([resolve("dns_nxdomain_error")], check="dns", target=NAME)
    repeated = (*found, replace(found[0], trial=2, id="again"))
    assert rule_for(evidence(repeated, (*UP, lure), needed=2, **gone)).id == "down"


@pytest.mark.parametrize(("verify", "rule"), [(True, "answered"), (False, "answered-unverified")])
def test_a_certificate_proves_a_name_over_quic_as_over_tls(verify: bool, rule: str) -> None:
    steps = [resolve(), step("quic_handshake", 2, verify=verify, address="93.184.1.1:443")]
    found = evidence(trials(steps, 1, check="quic"))
    assert found.unproven is not verify
    assert rule_for(found).id == rule
