"""probe.judge.certificates: a foreign certificate, the server's own mistake, or ours."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    NAME,
    NEUTRAL_OK,
    OTHER,
    SELF,
    TROJAN,
    both,
    control,
    evidence,
    follow,
    lookup,
    tls,
    trials,
)
from support.records import https, measured, step
from support.virtual import DAY

from probe.core.model import Measurement
from probe.judge import certificates
from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.judge.verdict import judge, rule_for

UNTRUSTED = "ssl_unknown_authority"


def shown(leaf: str = "b", **detail: Any) -> dict[str, tuple[Measurement, ...]]:
    """A control at the same address that accepts this certificate."""
    return control(https(peer_certificates=[leaf], verify=True, **detail))


def refused(leaf: str = "a", failure: str = UNTRUSTED, **more: Any) -> Evidence:
    steps = https("tls_handshake", failure, peer_certificates=[leaf], leaf=OTHER)
    return evidence(trials(steps), **more)


def elsewhere(leaf: str = "b") -> dict[str, tuple[Measurement, ...]]:
    """A control that accepts this certificate at another address."""
    steps = [
        replace(s, address="93.184.1.1:443") if s.address else s
        for s in https(peer_certificates=[leaf], verify=True)
    ]
    return control(steps)


def test_another_certificate_where_the_control_is_shown_a_good_one_is_replaced() -> None:
    assert certificates.replaced(refused(**shown()))
    assert rule_for(refused(**shown())).id == "certificate-replaced"


def test_the_very_same_certificate_makes_it_this_machine_s_own_trouble() -> None:
    assert certificates.same_as_control(refused(**shown("a")))
    assert rule_for(refused(**shown("a"))).id == "own-trust-store"


def test_a_control_at_another_address_compares_nothing() -> None:
    assert not certificates.replaced(refused(**elsewhere()))
    assert not certificates.same_as_control(refused(**elsewhere("a")))


def test_one_control_that_was_never_at_this_address_is_one_too_few() -> None:
    second = {key: tuple(replace(m, origin="b") for m in part) for key, part in elsewhere().items()}
    assert not certificates.replaced(refused(**both(shown(), second)))


def test_a_control_that_does_not_count_vouches_for_nothing() -> None:
    sick = {**shown(), "control_anchors": ()}
    assert not certificates.replaced(refused(**sick))
    assert not certificates.same_as_control(refused(**{**shown("a"), "control_anchors": ()}))


@pytest.mark.parametrize("failure", ["ssl_invalid_hostname", "ssl_invalid_certificate"])
def test_a_wrong_name_or_date_is_not_what_somebody_in_the_middle_shows(failure: str) -> None:
    assert not certificates.replaced(refused(failure=failure, **shown()))
    assert certificates.refused(refused(failure=failure))


def test_without_a_certificate_nothing_was_replaced() -> None:
    bare = evidence(trials(https("tls_handshake", UNTRUSTED)), **shown())
    assert not certificates.replaced(bare)
    assert not certificates.refused(bare)
    assert not certificates.same_as_control(bare)


def test_it_takes_as_many_trials_as_any_other_accusation() -> None:
    steps = https("tls_handshake", UNTRUSTED, peer_certificates=["a"], leaf=OTHER)
    assert rule_for(evidence(trials(steps, 2), **shown())).id == "not-confirmed"


def test_what_browsers_accept_is_this_machine_s_own_trouble_whatever_a_control_is_shown() -> None:
    steps = https("tls_handshake", UNTRUSTED, peer_certificates=["a"], public_authority=True)
    for there in (shown(), elsewhere(), {}, control(steps)):
        rule = rule_for(evidence(trials(steps), **there))
        assert (rule.id, rule.locus) == ("own-trust-store-lacks", "vantage")
    assert rule_for(evidence(trials(steps), **shown("a"))).id == "own-trust-store"


# --- what is no proof ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({}, {"own_authority": True, "private_root": "r"}),  # the control's own word
        ({}, {"inside": "openvpn"}),
        ({"inside": "openvpn"}, {}),
        ({}, {"pin": "b"}),
        ({"pin": "b"}, {"pin": "b"}),
        ({}, {"leaf": OTHER}),  # one issuer: a server that lacks its chain
        ({"server_name": "a.example"}, {"server_name": "b.example"}),  # after a redirect
    ],
)
def test_another_certificate_alone_was_not_replaced(here: Any, there: Any) -> None:
    steps = https("tls_handshake", UNTRUSTED, peer_certificates=["a"], **{"leaf": OTHER, **here})
    good = https(**{"peer_certificates": ["b"], "verify": True, **there})
    found = evidence(trials(steps), **control(good))
    assert not certificates.replaced(found)
    rule = rule_for(found)
    assert (rule.id, rule.outcome) == ("certificate-differs", "inconclusive")


def test_nor_where_the_control_verified_nothing() -> None:
    asked_for_none = control(https(peer_certificates=["b"], verify=False))
    for there in (asked_for_none, control(https(peer_certificates=["a"], verify=False))):
        assert not certificates.same_as_control(refused(**there))
        assert rule_for(refused(**there)).id == "certificate-vouched-by-nobody"


def test_one_control_that_vouches_for_it_is_one_too_few() -> None:
    sees_own = control(https(peer_certificates=["c"], verify=True, pin="c"), id_="b")
    assert certificates.replaced(refused(**shown()))
    assert rule_for(refused(**both(shown(), sees_own))).id == "certificate-differs"


@pytest.mark.parametrize("failure", ["ssl_invalid_hostname", "ssl_invalid_certificate"])
def test_a_server_without_the_name_or_the_right_keys_may_be_one_of_several(failure: str) -> None:
    assert rule_for(refused(failure=failure, **shown())).id == "certificate-differs"


def test_an_alert_is_no_certificate() -> None:
    alert = https("tls_handshake", "ssl_invalid_hostname", alert="unrecognized_name")
    assert rule_for(evidence(trials(alert), **control())).id == "reply-differs"


def test_what_a_proxy_leads_to_is_not_between_here_and_the_proxy() -> None:
    done = [step("connect"), step("tls_handshake", 1, verify=True)]
    relayed = {"to": "www.example.com:443"}
    wrong = [*done, step("trojan_relay", 1, UNTRUSTED, verify_code=20, **relayed)]
    named = {"check": "trojan", "target": TROJAN}
    there = control([*done, step("trojan_relay", 1, authenticated=True, **relayed)], **named)
    assert rule_for(evidence(trials(wrong, **named), **there)).id == "certificate-differs"


@pytest.mark.parametrize("check", ["dns", "https"])
def test_a_resolver_s_certificate_says_nothing_of_the_name(check: str) -> None:
    over: dict[str, Any] = {"resolver": "tls://dns.example", "address": "198.51.100.53:853"}
    dialled = step("connect", 1, **over)
    refusal = step("tls_handshake", 1, UNTRUSTED, peer_certificates=["a"], leaf=OTHER, **over)
    good = step("tls_handshake", 1, verify=True, peer_certificates=["b"], **over)
    answers = [{"type": "A", "data": "93.184.1.1"}]
    named = {"check": check, **({"target": NAME} if check == "dns" else {})}
    found = trials([dialled, refusal], **named)
    rest = [] if check == "dns" else [replace(s, transaction=2) for s in https()[1:]]
    for there in (
        [dialled, good, step("resolve", 1, answers=answers, **over), *rest],
        [lookup("93.184.1.1"), *rest],
        [dialled, refusal],
    ):
        assert rule_for(evidence(found, **control(there, **named))).id == "certificate-of-resolver"


def test_a_redirect_s_handshake_is_the_one_that_failed() -> None:
    first = https(verify=True, peer_certificates=["b"], server_name="a.example")
    there = {"address": "93.184.2.2:443", "server_name": "b.example"}
    gone = [*first, step("connect", 2, address="93.184.2.2:443")]
    foreign = step("tls_handshake", 2, UNTRUSTED, peer_certificates=["a"], leaf=OTHER, **there)
    good = step("tls_handshake", 2, verify=True, peer_certificates=["c"], **there)
    found = evidence(trials([*gone, foreign]), **control([*gone, good, step("transfer", 2)]))
    assert rule_for(found).id == "certificate-replaced"


# --- an authority that is trusted on this machine only -------------------------------------------


def private(times: int = 2, leaf: str = "a", own: bool = False, **more: Any) -> Evidence:
    marks = {"own_authority": True} if own else {}
    steps = https(verify=True, private_root="r1", peer_certificates=[leaf], leaf=OTHER, **marks)
    some = tuple(replace(measured(steps=steps), trial=n) for n in range(1, times + 1))
    return evidence(some, needed=2, **more)


def test_another_leaf_at_the_control_shows_the_private_authority_for_what_it_is() -> None:
    assert rule_for(private(**shown())).id == "certificate-of-private-authority"


@pytest.mark.parametrize(
    ("times", "asked"),
    [
        (1, shown()),  # seen once
        (2, shown("a")),  # the server's own, and an intranet's authority
        (2, {}),
        (2, elsewhere()),
        (2, shown(private_root="r1")),  # the control trusts the same authority: the operator's own
        (2, {**shown(), "control_anchors": ()}),
    ],
)
def test_else_a_verified_certificate_is_ok(times: int, asked: Any) -> None:
    assert rule_for(private(times, **asked)).id == "answered"


def test_an_authority_that_the_target_itself_names_is_no_stranger() -> None:
    assert rule_for(private(own=True, **shown())).id == "answered"
    by_its_own_word = shown(private_root="r2", own_authority=True)
    assert rule_for(private(**by_its_own_word)).id == "answered"


def test_a_foreign_certificate_at_the_decoy_needs_a_control_as_well() -> None:
    foreign = follow(f.NAME_AT_DECOY, tls(UNTRUSTED, peer_certificates=["z"], leaf=OTHER))
    alone = private(1, followups=(NEUTRAL_OK, foreign))
    assert rule_for(alone).outcome == "ok"
    beside = replace(alone, **control(https(peer_certificates=["b"], verify=True)))
    assert rule_for(beside).id == "certificate-of-private-authority"


@pytest.mark.parametrize(
    ("leaf", "node"),
    [(SELF, "tls.mitm.self_signed"), (OTHER, "tls.mitm.ca_signed"), ({}, "tls.mitm.ca_signed")],
)
def test_the_node_says_who_signed(leaf: dict[str, str], node: str) -> None:
    steps = https("tls_handshake", UNTRUSTED, peer_certificates=["a"], leaf=leaf)
    assert judge(evidence(trials(steps), **shown()), DAY).mechanism == node
