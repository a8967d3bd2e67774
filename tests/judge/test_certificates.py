"""probe.judge.certificates: a foreign certificate, the server's own mistake, or ours."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import NEUTRAL_OK, OTHER, SELF, both, control, evidence, follow, tls, trials
from support.records import https, measured
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


# --- an authority that is trusted on this machine only -------------------------------------------


def private(times: int = 2, leaf: str = "a", **more: Any) -> Evidence:
    steps = https(verify=True, private_root="r1", peer_certificates=[leaf], leaf=OTHER)
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
