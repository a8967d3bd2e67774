"""probe.judge.answers: when an answer is forged, and the many times when it is only different."""

from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from typing import Any

import pytest
from support.cases import at, control, evidence, follow, lookup, trials
from support.records import anchor, measured, resolve, step

from probe.core.model import Measurement, Step, Target
from probe.judge import answers
from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.judge.knowledge import ForgedAddress, Knowledge
from probe.judge.verdict import rule_for

HERE, ALSO, THERE, BOGON = "93.184.1.1", "93.184.1.2", "1.1.1.1", "10.10.34.34"
DEAD = "generic_timeout_error"


def extra(*ips: str, **detail: Any) -> Step:
    return lookup(*ips, op="extra_answer", wrong_id=False, **detail)


def of(*steps: Step, **more: Any) -> Evidence:
    return evidence((measured(steps=steps),), **more)


def failing(ip: str = HERE, *more: Step, **others: Any) -> Evidence:
    """The name led to this address, and nothing answered there."""
    return of(lookup(ip), *more, *at(ip, DEAD, "connect"), **others)


# --- two answers to one query --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        ((HERE, ALSO), (ALSO, HERE), False),
        ((HERE,), (HERE,), False),
        ((HERE,), (ALSO,), True),
        ((HERE,), (), True),
        ((HERE, ALSO), (HERE,), True),
    ],
)
def test_a_rotated_or_repeated_answer_is_no_other(
    first: tuple[str, ...], second: tuple[str, ...], differ: bool
) -> None:
    assert answers.differing(measured(steps=[lookup(*first), extra(*second)])) is differ


def test_answers_to_different_queries_do_not_differ_and_neither_does_a_wrong_id() -> None:
    other = replace(lookup(ALSO), transaction=2)
    assert not answers.differing(measured(steps=[lookup(HERE), other]))
    spoofed = lookup(ALSO, op="extra_answer", wrong_id=True)
    assert not answers.differing(measured(steps=[lookup(HERE), spoofed]))


def test_a_difference_alone_is_not_forged() -> None:
    found = failing(HERE, extra(ALSO))
    assert answers.two_answers(found) == frozenset()
    assert rule_for(found).outcome == "unreachable"


def test_of_two_answers_the_impossible_one_is_forged() -> None:
    found = failing(BOGON, extra(THERE))
    assert answers.two_answers(found) == {BOGON}
    assert rule_for(found).id == "dns-two-answers"


def test_what_is_in_both_answers_is_not_held_against_either() -> None:
    assert answers.two_answers(failing(BOGON, extra(BOGON, THERE))) == frozenset()


def test_forged_answers_do_not_explain_the_failure_of_a_genuine_address() -> None:
    both = of(lookup(BOGON), extra(THERE), *at(BOGON, DEAD, "connect"), *at(THERE, DEAD, "connect"))
    assert answers.two_answers(both)
    assert not answers.only_forged_tried(both)
    assert rule_for(both).id != "dns-two-answers"


def test_an_address_that_comes_for_every_name_that_does_not_exist_proves_nothing() -> None:
    wildcard = anchor(up=True, feature="wildcard")
    wildcard = replace(wildcard, check="dns", steps=(lookup(BOGON),))
    usual = (anchor(up=True), wildcard)
    found = replace(failing(BOGON, extra(THERE)), anchors=usual)
    assert not answers.is_forged(found, BOGON)
    assert rule_for(found).id != "dns-two-answers"
    assert not answers.only_impossible(found)


# --- certificates decide -------------------------------------------------------------------------


def proof(ip: str, failure: str | None = None) -> Measurement:
    return follow(f.CERTIFICATE_AT_ANSWER, at(ip, failure)[:2])


@pytest.mark.parametrize(
    ("failure", "forged"),
    [
        (None, False),
        ("ssl_invalid_hostname", True),
        ("ssl_unknown_authority", True),
        ("ssl_invalid_certificate", False),  # merely out of its time
        ("generic_timeout_error", False),
        ("connection_reset", False),
    ],
)
def test_only_a_wrong_certificate_speaks_against_an_address(
    failure: str | None, forged: bool
) -> None:
    found = failing(followups=(proof(HERE, failure), proof(THERE)))
    assert answers.is_forged(found, HERE) is forged
    assert not answers.is_forged(found, ALSO)


def test_a_server_whose_certificate_is_wrong_at_each_address_is_no_forgery() -> None:
    both = (proof(HERE, "ssl_invalid_hostname"), proof(ALSO, "ssl_invalid_hostname"))
    turned = of(lookup(HERE), extra(ALSO), *at(HERE, "ssl_invalid_hostname"), followups=both)
    assert answers.two_answers(turned) == frozenset()
    assert rule_for(turned).id == "failed-without-control"
    proven = replace(turned, followups=(both[0], proof(ALSO)))
    assert answers.two_answers(proven) == {HERE}
    assert rule_for(proven).id == "dns-two-answers"


def test_one_proof_of_the_name_outweighs_any_number_of_failures() -> None:
    found = failing(followups=(proof(HERE, "ssl_invalid_hostname"), proof(HERE)))
    assert not answers.is_forged(found, HERE)


def test_a_control_s_proof_at_the_same_address_counts_if_the_control_does() -> None:
    seen = (proof(HERE, "ssl_invalid_hostname"), proof(THERE))
    fine = control([lookup(HERE), *at(HERE)])
    assert not answers.is_forged(failing(followups=seen, **fine), HERE)
    sick = control([lookup(HERE), *at(HERE)], healthy=False)
    assert answers.is_forged(failing(followups=seen, **sick), HERE)


def test_a_handshake_that_verified_nothing_proves_no_name() -> None:
    unverified = follow(f.CERTIFICATE_AT_ANSWER, at(HERE, verify=False)[:2])
    found = failing(followups=(unverified, proof(HERE, "ssl_invalid_hostname"), proof(THERE)))
    assert answers.is_forged(found, HERE)
    unproven = failing(followups=(unverified, proof(ALSO, "ssl_invalid_hostname")))
    assert not answers.is_forged(unproven, ALSO)


def test_known_forgeries_count_in_their_country_only() -> None:
    row = ForgedAddress(
        network=ip_network(f"{HERE}/32"), source="s", added=date(2026, 1, 1), countries=("IR",)
    )
    assert not answers.is_forged(failing(knowledge=Knowledge((), (row,))), HERE)
    here = replace(row, countries=("CN",))
    assert answers.is_forged(failing(knowledge=Knowledge((), (here,))), HERE)


# --- answers from nobody -------------------------------------------------------------------------


def turns(kind: str, *made: Step) -> list[Measurement]:
    return [follow(kind, [one], number, "dns") for number, one in enumerate(made, 1)]


def nobody(neutral: tuple[Step, ...], named: tuple[Step, ...]) -> Evidence:
    return of(
        resolve("dns_nxdomain_error"),
        followups=(
            *turns(f.NEUTRAL_AT_NON_RESOLVER, *neutral),
            *turns(f.NAME_AT_NON_RESOLVER, *named),
        ),
    )


LOST, FORGED = resolve(DEAD), lookup(HERE)


def test_who_answers_for_the_name_alone_is_on_the_path() -> None:
    found = nobody((LOST,) * 3, (FORGED, LOST, FORGED))
    assert answers.answered_by_nobody(found) == {HERE}
    assert rule_for(found).id == "dns-from-nobody"
    empty = nobody((LOST,) * 3, (lookup(rcode="NXDOMAIN"),) * 3)
    assert answers.answered_by_nobody(empty) == frozenset()


@pytest.mark.parametrize(
    ("neutral", "named"),
    [
        ((LOST,), (FORGED,)),
        ((LOST,) * 2, (FORGED,) * 2),
        ((LOST,) * 3, (FORGED, LOST, LOST)),
        ((LOST, LOST, lookup(rcode="NXDOMAIN")), (FORGED,) * 3),
    ],
)
def test_a_lost_datagram_makes_no_injector_of_an_honest_proxy(
    neutral: tuple[Step, ...], named: tuple[Step, ...]
) -> None:
    found = nobody(neutral, named)
    assert answers.answered_by_nobody(found) is None
    assert rule_for(found).outcome == "unreachable"


def test_who_answers_for_any_name_is_an_honest_proxy() -> None:
    assert answers.answered_by_nobody(nobody((lookup(ALSO),) * 3, (FORGED,) * 3)) is None
    assert answers.answered_by_nobody(nobody((LOST,) * 3, (LOST,) * 3)) is None


def test_an_injector_does_not_explain_the_failure_of_a_genuine_address() -> None:
    found = nobody((LOST,) * 3, (FORGED,) * 3)
    reached = replace(found, trials=failing(THERE).trials)
    assert rule_for(reached).id != "dns-from-nobody"


# --- beside the control's answers ----------------------------------------------------------------

GOOD = follow(f.CERTIFICATE_AT_CONTROL_ANSWER, at(THERE)[:2])
ELSEWHERE = control([lookup(THERE), *at(THERE)])


def wrong(**more: Any) -> Evidence:
    return evidence(trials([lookup(HERE), *at(HERE, "ssl_invalid_hostname")]), **more)


def test_wrong_certificates_here_and_a_good_one_there_from_here_accuse() -> None:
    assert answers.misled(wrong(followups=(GOOD,), **ELSEWHERE))


def test_every_part_of_that_is_needed() -> None:
    assert not answers.misled(wrong(**ELSEWHERE))  # nobody went to the control's address
    bad = follow(f.CERTIFICATE_AT_CONTROL_ANSWER, at(THERE, DEAD)[:2])
    assert not answers.misled(wrong(followups=(bad,), **ELSEWHERE))
    same = control([lookup(HERE), *at(HERE)])
    assert not answers.misled(wrong(followups=(GOOD,), **same))
    assert not answers.misled(wrong(followups=(GOOD,)))
    silent = evidence(trials([lookup(HERE), *at(HERE, DEAD)]), followups=(GOOD,), **ELSEWHERE)
    assert not answers.misled(silent)


@pytest.mark.parametrize("mark", ["pin", "own_authority"])
def test_a_name_s_servers_may_each_have_a_certificate_of_their_own_making(mark: str) -> None:
    def own(steps: Any) -> list[Step]:
        return [
            replace(s, detail={**s.detail, mark: True}) if s.op == "tls_handshake" else s
            for s in steps
        ]

    refused = at(HERE, "ssl_unknown_authority")
    here = trials([lookup(HERE), *(own(refused) if mark == "pin" else refused)])
    good = follow(f.CERTIFICATE_AT_CONTROL_ANSWER, own(at(THERE)[:2]))
    there = control([lookup(THERE), *own(at(THERE))])
    found = evidence(here, followups=(good,), **there)
    assert not answers.is_forged(found, HERE)
    assert not answers.misled(found)
    assert rule_for(found).id == "other-addresses"


def test_elsewhere_means_no_address_in_common_with_any_control() -> None:
    assert answers.elsewhere(failing(HERE, **ELSEWHERE))
    shared = control([lookup(HERE, THERE), *at(THERE)])
    assert not answers.elsewhere(failing(HERE, **shared))
    assert not answers.elsewhere(failing(HERE, **control([resolve(), *at(THERE)])))
    assert not answers.elsewhere(failing(HERE))


def test_only_impossible_means_that_no_public_address_was_answered() -> None:
    assert answers.only_impossible(failing(BOGON))
    assert not answers.only_impossible(
        of(lookup(BOGON, HERE), *at(BOGON, DEAD, "connect"), *at(HERE, DEAD, "connect"))
    )
    assert not answers.only_impossible(of(resolve("dns_no_answer")))


def test_a_target_of_the_own_network_is_not_impossible() -> None:
    own = Target(id="nas", service="x", feature="x", url="https://10.0.0.5/")
    found = Evidence(trials=(measured(steps=at("10.0.0.5", DEAD), target=own),))
    assert not answers.only_impossible(found)


@pytest.mark.parametrize(
    ("forged", "node"),
    [
        ({BOGON}, "dns.injection.bogon"),
        ({BOGON, HERE}, "dns.injection.other"),
        ({HERE}, "dns.injection.other"),
        (set(), "dns.injection.other"),
        ({BOGON, ALSO}, "dns.injection.blockpage"),
    ],
)
def test_the_node_says_what_the_forged_addresses_are(forged: set[str], node: str) -> None:
    row = ForgedAddress(
        network=ip_network(f"{ALSO}/32"), source="s", added=date(2026, 1, 1), blockpage=True
    )
    found = failing(knowledge=Knowledge((), (row,)))
    assert answers.injection(found, frozenset(forged)) == node


def test_ipv6_addresses_are_compared_in_one_spelling() -> None:
    found = measured(steps=[lookup("2001:DB8:0::1"), extra("2001:db8::1")])
    assert not answers.differing(found)


@pytest.mark.parametrize(
    "data", [None, "text", [1], [{}], [{"type": "A"}], [{"type": "A", "data": 7}]]
)
def test_answers_that_are_none_are_read_as_empty(data: Any) -> None:
    assert answers.addresses(measured(steps=[step("resolve", answers=data)])) == frozenset()
