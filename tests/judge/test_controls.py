"""probe.judge.controls: which controls count, and what they amount to."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import DOWN, RESET, THERE, both, control, evidence, trials
from support.records import anchor, https, resolve, step
from support.virtual import DAY

from probe.core.model import Step, Vantage
from probe.judge.controls import (
    control_notes,
    control_record,
    disagree,
    fail_alike,
    same_place,
    seen,
    valid,
)
from probe.judge.evidence import Evidence
from probe.judge.verdict import judge, rule_for

GONE = [resolve("dns_nxdomain_error")]


def here(**more: Any) -> Evidence:
    return evidence(trials(RESET), **more)


def in_(country: str) -> dict[str, Any]:
    return control(vantage=replace(THERE, country=country))


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (control(), None),
        (in_("CN"), "it is in CN too"),
        (in_("ZZ"), None),
        (control(healthy=False), "its own network was not in order"),
        ({**control(), "control_anchors": ()}, "its own health is not known"),
        (control(invalid="it could not be asked"), "it could not be asked"),
        (control(steps=[]), "it measured nothing"),
        (
            control(https("tls_handshake", "ssl_unknown_authority")),
            "it does not know the authority that signed the certificate",
        ),
    ],
)
def test_a_control_counts_or_says_why_it_does_not(asked: Any, reason: str | None) -> None:
    (found,) = seen(here(**asked))
    assert found.excluded == reason
    assert bool(valid(here(**asked))) is (reason is None)


def test_another_controls_anchors_do_not_vouch_for_this_one() -> None:
    one, two = control(id_="fra-1"), control(id_="nyc-1")
    mixed = {"controls": one["controls"], "control_anchors": two["control_anchors"]}
    assert valid(here(**mixed)) == ()


def test_an_authority_that_is_unknown_at_both_places_is_what_the_server_shows() -> None:
    unknown = https("tls_handshake", "ssl_unknown_authority")
    found = evidence(trials(unknown), **control(unknown))
    assert len(valid(found)) == 1
    assert rule_for(found).id == "certificate-vouched-by-nobody"


def test_where_the_vantages_country_is_not_known_a_control_counts_and_the_note_says_so() -> None:
    unknown = Vantage(id="local", country="ZZ", asn=None, network=None)
    some = tuple(replace(trial, vantage=unknown) for trial in trials(RESET))
    found = evidence(some, **in_("ZZ"))
    assert len(valid(found)) == 1
    assert any("is not known" in note for note in control_notes(found))
    assert not any("country" in note for note in control_notes(here(**control())))


def test_why_a_control_does_not_count_is_told_in_the_verdict() -> None:
    found = judge(here(**in_("CN")), DAY)
    assert found.rule == "failed-without-control"
    assert found.note and "the control fra-1 does not count: it is in CN too" in found.note
    assert (found.control.outcome, len(found.control.ids)) == (None, 1)


@pytest.mark.parametrize(
    ("second", "outcome", "rule"),
    [
        (control(id_="nyc-1"), "ok", "failed-control-fine"),
        (control(GONE, id_="nyc-1"), "inconclusive", "controls-disagree"),
        # One that does not count disagrees with nobody.
        (control(GONE, id_="nyc-1", healthy=False), "ok", "failed-control-fine"),
        (control(GONE, id_="nyc-1", vantage=in_("CN")["controls"][0].vantage), "ok",
         "failed-control-fine"),
    ],
)  # fmt: skip
def test_all_that_count_must_agree(second: Any, outcome: str, rule: str) -> None:
    found = here(**both(control(), second))
    assert control_record(found).outcome == outcome
    assert rule_for(found).id == rule
    assert disagree(found) is (outcome == "inconclusive")


@pytest.mark.parametrize(
    "lost",
    [
        resolve("generic_timeout_error"),
        resolve("dns_temporary_failure"),
        step("connect", 1, "generic_timeout_error", resolver="tls://192.0.2.53"),
        step("tls_handshake", 1, "connection_reset", resolver="tls://192.0.2.53"),
    ],
)
def test_a_control_whose_resolver_keeps_silent_finds_nothing_down(lost: Step) -> None:
    found = here(**control([lost]))
    (one,) = seen(found)
    assert one.excluded == "its own resolver did not answer"
    assert rule_for(found).id == "failed-without-control"
    # Where nobody anywhere gets an answer for the name, its own servers are what is down.
    everywhere = evidence(trials([lost]), **control([lost]))
    assert rule_for(everywhere).id == "down"


def test_down_takes_every_control_that_counts() -> None:
    gone = trials(GONE)
    assert rule_for(evidence(gone, **both(control(GONE), control(GONE, id_="b")))).id == "down"
    assert rule_for(evidence(gone, **both(control(GONE), control(id_="b")))).id == (
        "controls-disagree"
    )
    assert rule_for(evidence(gone, **control(GONE, healthy=False))).id == "failed-without-control"


@pytest.mark.parametrize(
    ("failure", "op", "alike"),
    [
        ("connection_reset", "tls_handshake", True),
        ("eof_error", "tls_handshake", False),
        ("connection_reset", "http_response", False),
        ("connection_refused", "connect", False),
    ],
)
def test_alike_is_the_same_place_inside_a_conversation(failure: str, op: str, alike: bool) -> None:
    found = here(**control(https(op, failure)))
    assert fail_alike(found) is alike
    assert rule_for(found).id == ("fails-alike-at-controls" if alike else "down")


def test_a_dead_port_at_both_places_is_down_however_alike() -> None:
    refused = https("connect", "connection_refused")
    found = evidence(trials(refused), **control(refused))
    assert not fail_alike(found)
    assert rule_for(found).id == "down"


def test_one_control_that_fails_otherwise_ends_the_likeness() -> None:
    found = here(**both(control(RESET), control(GONE, id_="b")))
    assert not fail_alike(found)


def test_the_same_place_is_an_endpoint_at_which_all_went_well_there() -> None:
    assert same_place(here(**control()))
    moved = [replace(s, address="93.184.1.1:443" if s.address else None) for s in https()]
    assert not same_place(here(**control(moved)))
    half = [
        *https("tls_handshake", "connection_reset"),
        step("connect", 3, address="93.184.1.1:443"),
        step("tls_handshake", 3, address="93.184.1.1:443"),
        *(replace(s, transaction=3) for s in https()[3:]),
    ]
    assert not same_place(here(**control(half)))


def test_a_control_that_is_offline_in_a_later_look_does_not_count() -> None:
    found = control()
    later = replace(anchor(up=False, cycle="later"), origin="fra-1", vantage=THERE)
    found["control_anchors"] += (later,)
    assert valid(here(**found)) == ()


def test_nothing_is_said_of_controls_that_were_not_asked() -> None:
    record = control_record(here())
    assert (record.ids, record.outcome) == ((), None)
    assert list(control_notes(here())) == []
    assert rule_for(evidence(trials(RESET), DOWN, **control())).id == "vantage-offline"


@pytest.mark.parametrize(
    ("ours", "theirs", "counts"),
    [
        ("quic_handshake", "quic_handshake", True),
        ("quic_version", "quic_version", True),
        # A server that tells its versions may be dead behind that, and a living one need not.
        ("quic_handshake", "quic_version", False),
        ("quic_version", "quic_handshake", False),
        ("quic_handshake", None, True),
    ],
)
def test_over_quic_a_control_has_to_ask_the_same_question(
    ours: str, theirs: str | None, counts: bool
) -> None:
    silent = [resolve(), step(ours, 2, "generic_timeout_error")]
    there = GONE if theirs is None else [resolve(), step(theirs, 2)]
    told = control(there, check="quic")
    (found,) = seen(evidence(trials(silent, check="quic"), **told))
    assert (found.excluded is None) is counts
