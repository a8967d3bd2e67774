"""probe.judge.replies: something answers, and not as the target does at the controls.

Scenes, each from what real checks leave behind: who may have answered, and what has to be seen
before it is somebody on the path.
"""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    CAPTIVE,
    CLEAN,
    NEUTRAL_OK,
    RESET,
    both,
    control,
    evidence,
    follow,
    lookup,
    tls,
    trials,
)
from support.protocols import CUT, TIMEOUT, VPN, asked, echo, echoes, found
from support.records import https, resolve, step
from support.virtual import DAY

from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.judge.replies import said
from probe.judge.verdict import judge, rule_for

GARBAGE = "unknown_failure: malformed openvpn reply"
OTHER_BYTES = "unknown_failure: malformed echo reply"
NO_TLS = "ssl_failed_handshake"  # an HTTP answer, or any other, in place of a ServerHello
ALERT = {"alert": "tlsv1_alert_unrecognized_name"}
DIFFERS = ("inconclusive", "reply-differs")


def told(case: Evidence) -> tuple[str, str]:
    found = judge(case, DAY)
    return found.outcome, found.rule


def vpn(failure: str = GARBAGE, followups: Any = (), *, tcp: bool = True, **more: Any) -> Any:
    return found(asked(failure, tcp=tcp), followups, there=asked(None, tcp=tcp), **more)


def hello(failure: str = NO_TLS, followups: Any = (), **detail: Any) -> Evidence:
    steps = https("tls_handshake", failure, **detail)
    return evidence(trials(steps), followups=followups, **control())


# --- whoever it may be ---------------------------------------------------------------------------


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    "failure", [GARBAGE, "unknown_failure: unauthenticated openvpn reply", "http_request_failed"]
)
def test_another_service_behind_the_address_of_a_vpn_accuses_nobody(
    failure: str, tcp: bool
) -> None:
    # One of several servers, a port that is forwarded for some clients only, one being set up.
    case = vpn(failure, tcp=tcp)
    assert told(case) == DIFFERS
    assert rule_for(case).mechanism(case) == ("tcp" if tcp else "udp")
    assert told(vpn(failure, echoes(None, times=1), tcp=tcp)) == DIFFERS


@pytest.mark.parametrize(
    ("failure", "detail"),
    [(NO_TLS, {}), (NO_TLS, ALERT), ("ssl_invalid_hostname", ALERT)],
)
def test_another_service_in_place_of_tls_accuses_nobody(failure: str, detail: Any) -> None:
    assert told(hello(failure, **detail)) == DIFFERS
    assert told(hello(failure, CLEAN, **detail)) == DIFFERS


def test_another_version_of_quic_or_no_http_accuses_nobody() -> None:
    for steps, check in (
        ([resolve(), step("quic_handshake", 2, "quic_incompatible_version")], "quic"),
        ([resolve(), step("quic_handshake", 2, NO_TLS)], "quic"),
        (https("http_response", "http_request_failed"), "https"),
        ([step("connect"), step("http_response", 1, "http_request_failed")], "http"),
    ):
        case = evidence(trials(steps, check=check), **control(check=check))
        assert told(case) == DIFFERS, steps


def test_a_server_that_is_restarted_between_the_trials_failed_in_different_ways() -> None:
    refused = trials([resolve(), step("connect", 2, "connection_refused")], 1, **VPN)
    mixed = (*refused, *trials(asked(GARBAGE, tcp=True), 2, **VPN))
    case = evidence(mixed, **control(asked(None, tcp=True), **VPN))
    assert told(case) == ("inconclusive", "not-confirmed")


def test_a_portal_s_answer_is_the_vantage_s_own() -> None:
    assert told(replace(hello(), anchors=CAPTIVE))[0] == "offline"
    assert told(replace(vpn(), anchors=CAPTIVE))[0] == "offline"


def test_a_resolver_s_own_garbage_says_nothing_of_the_name() -> None:
    over = {"resolver": "tls://dns.example", "address": "198.51.100.53:853"}
    odd = [step("connect", 1, **over), step("tls_handshake", 1, NO_TLS, **over)]
    known = [step("resolve", 1, **over)]
    case = evidence(trials(odd, check="dns"), **control([lookup("9.9.9.9")], check="dns"))
    answering = replace(case.anchors[0], steps=(*known, *case.anchors[0].steps))
    assert told(replace(case, anchors=(answering,))) == DIFFERS
    # Nor does what the name draws at the decoy explain it.
    named = (NEUTRAL_OK, follow(f.NAME_AT_DECOY, tls(NO_TLS)))
    assert told(replace(case, anchors=(answering,), followups=named)) == DIFFERS


def test_silence_a_cut_and_a_refusal_are_no_answers() -> None:
    for failure in (TIMEOUT, CUT, "eof_error", "connection_refused", "host_unreachable", None):
        assert not said(step("openvpn_reset", 1, failure))
    assert not said(step("tls_handshake", 1, "ssl_unknown_authority", peer_certificates=["a"]))
    assert rule_for(vpn(CUT)).id == "vpn-filtered"
    assert rule_for(evidence(trials(RESET), **control())).id == "failed-control-fine"


# --- somebody on the path ------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [OTHER_BYTES, CUT, "eof_error"])
def test_a_shape_that_draws_other_bytes_from_the_echo_too_is_answered_on_the_path(
    protocol: str,
) -> None:
    case = vpn(followups=echoes(protocol))
    assert told(case) == ("blocked", "vpn-injected-at-echo")
    assert rule_for(case).mechanism(case) == "vpn.injection"


def test_over_udp_it_is_seen_by_datagrams_that_are_not_the_echo_s() -> None:
    strays = tuple(
        follow(f.PROTOCOL_AT_ECHO, [step("echo", 1, TIMEOUT, strays=stray)], number, "echo")
        for number, stray in ((1, 2), (2, 1))
    )
    harmless = echo(f.HARMLESS_AT_ECHO)
    assert told(vpn(followups=(harmless, *strays), tcp=False))[1] == "vpn-injected-at-echo"
    silent = (*strays[:1], echo(f.PROTOCOL_AT_ECHO, TIMEOUT, 2))
    assert told(vpn(followups=(harmless, *silent), tcp=False)) == DIFFERS


@pytest.mark.parametrize(
    "followups",
    [
        echoes(OTHER_BYTES, harmless=OTHER_BYTES),  # an echo that is none
        echoes(OTHER_BYTES, times=1),
        (*echoes(OTHER_BYTES), echo(f.PROTOCOL_AT_ECHO, None, 3)),  # it came back once
        echoes(OTHER_BYTES)[2:],  # no harmless ones beside them
        echoes(TIMEOUT),  # silence there is not what is seen here
    ],
)
def test_anything_less_at_the_echo_accuses_nobody(followups: Any) -> None:
    assert told(vpn(followups=followups)) == DIFFERS


@pytest.mark.parametrize("op", ["openvpn_push", "data_exchange"])
def test_what_the_echo_shows_explains_no_garbage_behind_the_server_s_own_answer(op: str) -> None:
    behind = [*asked(None, tcp=True), step(op, 2, GARBAGE)]
    case = found(behind, echoes(OTHER_BYTES), there=asked(None, tcp=True))
    assert told(case)[0] == "inconclusive"


def test_what_the_echo_shows_needs_a_control_in_order_and_trials_enough() -> None:
    proof = echoes(OTHER_BYTES)
    assert told(vpn(followups=proof, times=2)) == ("inconclusive", "not-confirmed")
    case = evidence(trials(asked(GARBAGE, tcp=True), **VPN), followups=proof)
    assert told(case)[0] == "unreachable"
    dead = found(asked(GARBAGE, tcp=True), proof, there=asked("connection_refused", tcp=True))
    assert told(dead)[0] == "down"


@pytest.mark.parametrize(("failure", "detail"), [(NO_TLS, {}), (NO_TLS, ALERT)])
def test_a_name_that_draws_another_answer_at_the_decoy_too_is_answered_on_the_path(
    failure: str, detail: Any
) -> None:
    named = follow(f.NAME_AT_DECOY, tls(failure, **detail))
    case = hello(failure, (NEUTRAL_OK, named), **detail)
    assert told(case) == ("blocked", "reply-at-decoy")
    assert rule_for(case).mechanism(case) == "tls.injection"
    # Where it is another certificate that stands in the server's place, likewise.
    shown = hello("ssl_invalid_hostname", (NEUTRAL_OK, named), peer_certificates=["z"])
    assert told(shown) == ("blocked", "reply-at-decoy")


def test_anything_less_at_the_decoy_accuses_nobody() -> None:
    named = follow(f.NAME_AT_DECOY, tls(NO_TLS))
    lost = follow(f.NEUTRAL_AT_DECOY, tls(NO_TLS))
    passed = (follow(f.NEUTRAL_AT_DECOY, tls(), 2), follow(f.NAME_AT_DECOY, tls(), 2))
    for followups in ((named,), (lost, named), (NEUTRAL_OK, named, *passed)):
        assert told(hello(followups=followups)) == DIFFERS
    proof = (NEUTRAL_OK, named)
    assert told(replace(hello(followups=proof), controls=()))[0] == "unreachable"
    disagreeing = both(control(), control(https("tls_handshake", NO_TLS), id_="nyc-1"))
    assert told(replace(hello(followups=proof), **disagreeing))[1] == "controls-disagree"
    # What failed in another way is not explained by it.
    reset = evidence(trials(RESET), followups=proof, **control())
    assert told(reset) == ("blocked", "failed-control-fine")
