"""probe.judge.protocols: what is known by its shape, with a key or without, here and at an echo."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    DOWN,
    INNER,
    RESET,
    THERE,
    UP,
    control,
    dated,
    evidence,
    trials,
)
from support.protocols import (
    CUT,
    KEYLESS,
    TIMEOUT,
    VPN,
    VPNS,
    asked,
    echo,
    echoes,
    found,
)
from support.records import resolve, step

from probe.core.failure import PROXY_REFUSED
from probe.judge import conditions as when
from probe.judge import controls, protocols
from probe.judge import followups as f
from probe.judge.deciding import ENDS, LOGIN
from probe.judge.evidence import Evidence
from probe.judge.verdict import rule_for

# --- without the key -----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [TIMEOUT, "eof_error", CUT])
@pytest.mark.parametrize("there", [None, KEYLESS])
def test_without_its_key_a_keyed_protocol_says_nothing_by_silence(failure: str, there: Any) -> None:
    case = found(asked(failure, keyed=True), there=there)
    for anchors in (case.anchors, ()):
        rule = rule_for(replace(case, anchors=anchors))
        assert (rule.id, rule.outcome) == ("keyed-silence", "inconclusive")


def test_a_closed_port_is_no_silence() -> None:
    closed = asked("connection_refused", keyed=True)
    assert rule_for(found(closed)).id == "failed-without-control"
    assert rule_for(found(closed, there=closed)).outcome == "down"


def test_a_control_that_is_answered_without_a_key_shows_that_none_is_wanted() -> None:
    rule = rule_for(found(KEYLESS, there=asked(None)))
    assert (rule.id, rule.outcome) == ("vpn-filtered", "blocked")


def test_a_control_without_the_key_counts_neither_for_nor_against() -> None:
    keyed = found(asked(), there=KEYLESS)
    (seen,) = controls.seen(keyed)
    assert seen.excluded == "the protocol answers only to its key, and it has none"
    assert rule_for(keyed).id == "failed-without-control"
    assert controls.sound(keyed)


# --- whatever goes wrong, by protocol -------------------------------------------------------------

# Each operation of its own with which a protocol is done, and what can become of it.
OTHERS = {"data_exchange", "expect", "transfer", *LOGIN}
DONE = sorted((check, op) for check in VPNS for op in ENDS[check] - OTHERS)
BEHIND_WEB = [(check, "http_response") for check in ("anyconnect", "httpconnect", "softether")]
PUBLIC = "9.9.9.9:443"  # an address that can serve a public name
LOST, REFUSED = (TIMEOUT, "eof_error", CUT), "connection_refused"
WRONG = ("unknown_failure: malformed reply", PROXY_REFUSED, "ssl_failed_handshake")


def ended(op: str, failure: str | None = None) -> list[Any]:
    return [resolve(), step(op, 2, failure, address=PUBLIC)]


@pytest.mark.parametrize(("check", "op"), [*DONE, *BEHIND_WEB])
def test_no_failure_of_any_protocol_accuses_without_a_control(check: str, op: str) -> None:
    for failure in (*LOST, REFUSED, *WRONG):
        rule = rule_for(evidence(trials(ended(op, failure), check=check)))
        assert (rule.id, rule.outcome) == ("failed-without-control", "unreachable")
    for failure in LOST:
        keyless = [resolve(), step(op, 2, failure, keyed=True)]
        assert rule_for(evidence(trials(keyless, check=check))).outcome == "inconclusive"


@pytest.mark.parametrize(("check", "op"), [*DONE, *BEHIND_WEB])
def test_what_fails_for_everybody_is_not_the_network_s_doing(check: str, op: str) -> None:
    for failure in (*LOST, REFUSED, *WRONG):
        case = evidence(trials(ended(op, failure), check=check), **control(ended(op, failure)))
        assert rule_for(case).outcome in {"down", "inconclusive"}


@pytest.mark.parametrize(("check", "op"), DONE)
def test_what_is_lost_now_and_then_is_never_blocked(check: str, op: str) -> None:
    fine = control(ended(op), check=check)
    lossy = (echo(f.HARMLESS_AT_ECHO), echo(f.HARMLESS_AT_ECHO, TIMEOUT, 2))
    silent = trials(ended(op, TIMEOUT), check=check)
    assert rule_for(evidence(silent, followups=lossy, **fine)).outcome == "inconclusive"
    assert rule_for(evidence(silent[:2], **fine)).outcome == "inconclusive"
    once = (*silent[:1], *trials(ended(op), 2, check=check)[1:])
    assert rule_for(evidence(once, **fine)).outcome == "ok"


# --- at the echo ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "mechanism"),
    [
        (asked(), TIMEOUT, "vpn.timeout"),
        (asked(CUT, tcp=True), CUT, "vpn.reset"),
        (asked("eof_error", tcp=True), CUT, "vpn.reset"),
        (KEYLESS, TIMEOUT, "vpn.timeout"),
        ([resolve(), step("quic_handshake", 2, TIMEOUT)], TIMEOUT, "quic.timeout"),
    ],
)
def test_a_shape_that_is_filtered_at_the_echo_too_needs_no_answer_of_the_server(
    here: Any, there: str, mechanism: str
) -> None:
    case = found(here, echoes(there), there=KEYLESS)
    rule = rule_for(case)
    assert (rule.id, rule.outcome) == ("vpn-filtered-at-echo", "blocked")
    assert rule.mechanism(case) == mechanism


@pytest.mark.parametrize(
    "followups",
    [
        (),
        echoes(None),
        echoes(TIMEOUT, harmless=TIMEOUT),  # the echo, or the way there, is what fails
        echoes(TIMEOUT, times=1),  # one silence is what loss looks like
        echoes(CUT),  # silent here, cut off there: not the same thing
        (*echoes(TIMEOUT), echo(f.PROTOCOL_AT_ECHO, None, 3)),  # it passed once
        tuple(replace(m, invalid="KeyError: 'x'") for m in echoes(TIMEOUT)),
        echoes(TIMEOUT)[2:],  # no harmless ones beside them
    ],
)
def test_anything_less_accuses_nobody(followups: Any) -> None:
    assert rule_for(found(KEYLESS, followups, there=KEYLESS)).outcome == "inconclusive"


def test_one_trial_or_a_line_that_loses_harmless_packets_is_not_enough() -> None:
    assert rule_for(found(KEYLESS, echoes(TIMEOUT), 2, KEYLESS)).outcome == "inconclusive"
    lossy = (*echoes(TIMEOUT), echo(f.HARMLESS_AT_ECHO, TIMEOUT, 3))
    assert rule_for(found(KEYLESS, lossy, there=KEYLESS)).outcome == "inconclusive"


def test_the_echo_of_a_control_that_is_not_in_order_shows_nothing() -> None:
    sick = control(KEYLESS, healthy=False, **VPN)
    here = control(KEYLESS, vantage=replace(THERE, country="CN"), **VPN)
    for told in (sick, here, {}):
        case = evidence(trials(KEYLESS, **VPN), followups=echoes(TIMEOUT), **told)
        assert not controls.sound(case)
        assert rule_for(case).outcome == "inconclusive"


def test_a_server_that_is_down_is_down_whatever_is_filtered() -> None:
    dead = asked("connection_refused")
    assert rule_for(found(asked(), echoes(TIMEOUT), there=dead)).outcome == "down"


def test_while_the_vantage_is_offline_nothing_is_concluded() -> None:
    case = replace(found(asked(), echoes(TIMEOUT), there=KEYLESS), anchors=DOWN)
    assert rule_for(case).outcome == "offline"


# --- with a control that reaches the server ------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "mechanism"), [(asked(), "vpn.timeout"), (asked(CUT, tcp=True), "vpn.reset")]
)
def test_a_protocol_that_answers_a_control_is_filtered_here(here: Any, mechanism: str) -> None:
    case = found(here, there=asked(None))
    assert (rule_for(case).id, rule_for(case).mechanism(case)) == ("vpn-filtered", mechanism)


def test_where_the_shape_passes_at_the_echo_it_is_the_address_that_is_blocked() -> None:
    case = found(asked(), echoes(None), there=asked(None))
    assert (rule_for(case).id, rule_for(case).mechanism(case)) == (
        "failed-control-fine",
        "udp.timeout",
    )
    over_tcp = found(asked(CUT, tcp=True), echoes(None), there=asked(None))
    assert rule_for(over_tcp).id == "vpn-filtered"  # the address took the connection


def test_a_wrong_clock_explains_the_silence_to_a_packet_that_holds_the_date() -> None:
    wrong = dated(UP[0], hours=-2)
    for detail, rule in (({"dated": True}, "own-clock"), ({}, "failed-without-control")):
        silent = evidence(trials(asked(**detail), **VPN), (wrong,))
        assert rule_for(silent).id == rule
    refused = evidence(trials(asked("connection_refused", dated=True), **VPN), (wrong,))
    assert rule_for(refused).id != "own-clock"


def test_a_handshake_inside_a_tunnel_is_the_tunnels_own() -> None:
    cut = [*asked(None)[:-1], replace(INNER, failure=TIMEOUT)]
    case = found(cut, there=asked(None))
    assert not when.inside_handshake(case)  # nobody reads a server name there
    assert (rule_for(case).id, rule_for(case).mechanism(case)) == ("vpn-filtered", "vpn.timeout")


def test_an_answer_that_was_made_with_the_key_proves_who_gave_it() -> None:
    public = "9.9.9.9:1194"
    for proven in (True, False):
        steps = asked(None, authenticated=proven)
        case = found([steps[0], *(replace(step, address=public) for step in steps[1:])])
        assert rule_for(case).id == ("answered" if proven else "answered-unverified")
        assert when.worth_asking(case) is not proven


def test_other_failures_are_no_protocol_s() -> None:
    assert not protocols.cut(evidence(trials(RESET)))
    assert not protocols.cut(found(asked("connection_refused")))
    assert not protocols.cut(Evidence(trials=trials(asked(None), **VPN)))
