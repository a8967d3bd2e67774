"""probe.judge.decoy: the one place where only the name differs, and when that proves nothing."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    CLEAN,
    HOST_OK,
    NEUTRAL_OK,
    PAGE,
    RESET,
    SELF,
    SILENT,
    control,
    evidence,
    follow,
    page,
    tls,
    trials,
)
from support.records import https, measured, step

from probe.core.model import Measurement
from probe.judge import decoy
from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.judge.verdict import rule_for

CUT, QUIET = "connection_reset", "generic_timeout_error"


def neutral(number: int = 1, failure: str | None = None) -> Measurement:
    return follow(f.NEUTRAL_AT_DECOY, tls(failure), number)


def name(failure: str | None = CUT, number: int = 1, **detail: Any) -> Measurement:
    return follow(f.NAME_AT_DECOY, tls(failure, **detail), number)


def reset(*followups: Measurement) -> Evidence:
    return evidence((measured(steps=RESET),), followups=followups)


def quiet(times: int, *followups: Measurement) -> Evidence:
    return evidence(trials(SILENT, times), followups=followups)


# --- the server name -----------------------------------------------------------------------------


def test_a_name_that_is_cut_off_where_a_neutral_one_passes_is_proof() -> None:
    assert decoy.sni_reset(reset(NEUTRAL_OK, name()))
    assert decoy.sni_reset(reset(NEUTRAL_OK, name("eof_error")))
    assert rule_for(reset(NEUTRAL_OK, name())).outcome == "blocked"


@pytest.mark.parametrize(
    "followups",
    [
        (),
        (name(),),  # no neutral one beside it
        (neutral(failure=CUT), name()),  # the decoy, or the way there, is what fails
        (neutral(2), name()),  # not of one pair
        (NEUTRAL_OK, name(None)),
        (NEUTRAL_OK, name(QUIET)),
        (NEUTRAL_OK, name(), neutral(2), name(None, 2)),  # it passed once
        (NEUTRAL_OK, replace(name(), invalid="KeyError: 'x'")),
        (replace(NEUTRAL_OK, invalid="KeyError: 'x'"), name()),
        (NEUTRAL_OK, follow(f.NAME_AT_DECOY, [step("connect", 1, CUT)])),  # no name was sent
    ],
)
def test_anything_less_is_none(followups: tuple[Measurement, ...]) -> None:
    found = reset(*followups)
    assert not decoy.sni_reset(found)
    assert rule_for(found).outcome == "unreachable"


def test_a_name_cut_off_at_the_decoy_does_not_explain_another_kind_of_failure() -> None:
    refused = evidence(
        (measured(steps=https("connect", "connection_refused")),), followups=(NEUTRAL_OK, name())
    )
    assert not decoy.sni_reset(refused)


@pytest.mark.parametrize(
    ("times", "pairs", "proof"),
    [(1, 1, False), (1, 2, True), (2, 1, True), (3, 1, True), (3, 0, False)],
)
def test_silence_counts_as_proof_only_when_it_was_seen_three_times_in_all(
    times: int, pairs: int, proof: bool
) -> None:
    followups = [m for n in range(1, pairs + 1) for m in (neutral(n), name(QUIET, n))]
    found = quiet(times, *followups)
    assert decoy.sni_dropped(found) is proof
    assert (rule_for(found).id == "sni-dropped-at-decoy") is proof


def test_silence_proves_nothing_on_a_line_that_loses_neutral_packets_too() -> None:
    pair = (NEUTRAL_OK, name(QUIET))
    assert rule_for(quiet(3, *pair)).id == "sni-dropped-at-decoy"
    lost = follow(f.NEUTRAL_TWIN, tls(QUIET), 2)
    assert rule_for(quiet(3, *pair, lost)).outcome == "unreachable"


def test_a_clean_decoy_is_one_at_which_every_name_passed() -> None:
    assert decoy.sni_clean(reset(*CLEAN))
    assert not decoy.sni_clean(reset())
    assert not decoy.sni_clean(reset(NEUTRAL_OK))
    assert not decoy.sni_clean(reset(*CLEAN, neutral(2), name(CUT, 2)))


def test_a_clean_decoy_turns_a_shared_reset_into_the_server_s_own() -> None:
    shared = control(RESET)
    dirty = evidence(trials(RESET), **shared)
    assert rule_for(dirty).id == "fails-alike-at-controls"
    assert rule_for(replace(dirty, followups=CLEAN)).id == "down"


# --- its certificate and its page ----------------------------------------------------------------


def test_another_certificate_than_the_pinned_one_under_this_name_is_foreign() -> None:
    foreign = name("ssl_unknown_authority", peer_certificates=["z"], leaf=SELF)
    assert decoy.foreign_certificate(reset(NEUTRAL_OK, foreign))
    assert not decoy.foreign_certificate(reset(foreign))
    assert not decoy.foreign_certificate(reset(NEUTRAL_OK, foreign, neutral(2), name(None, 2)))
    bare = name("ssl_unknown_authority")
    assert not decoy.foreign_certificate(reset(NEUTRAL_OK, bare))


def plain(*followups: Measurement) -> Evidence:
    cut = [*page()[:2], step("http_response", 1, CUT)]
    return evidence((measured("http", cut, target=PAGE),), followups=followups)


def host(*ending: Any) -> Measurement:
    return follow(f.HOST_AT_DECOY, [*page()[:2], *ending], 1, "http")


def test_a_host_header_that_is_cut_off_where_a_neutral_one_passes_accuses_with_a_control() -> None:
    found = plain(HOST_OK, host(step("http_response", 1, CUT)))
    assert decoy.host_reset(found)
    assert rule_for(found).outcome == "unreachable"  # law 2 names server names only
    fine = control(page(), check="http", target=PAGE)
    assert rule_for(replace(found, needed=1, **fine)).id == "host-reset-at-decoy"
    assert rule_for(replace(found, needed=2, **fine)).id == "not-confirmed"
    alone = plain(host(step("http_response", 1, CUT)))
    assert rule_for(alone).outcome == "unreachable"


def test_silence_under_a_host_header_is_no_reset() -> None:
    assert not decoy.host_reset(plain(HOST_OK, host(step("http_response", 1, QUIET))))


def test_a_page_is_foreign_only_beside_the_decoy_s_own() -> None:
    other = host(*page()[2:], step("expect", 1, "http_request_failed"))
    assert decoy.foreign_page(plain(HOST_OK, other)) is other
    assert decoy.foreign_page(plain(other)) is None
    own = host(*page()[2:], step("expect"))
    assert decoy.foreign_page(plain(HOST_OK, own)) is None
    assert decoy.host_clean(plain(HOST_OK, own))
    assert not decoy.host_clean(plain(HOST_OK, other))


# --- the line, and the target's own address ------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "passed", "bad"),
    [(0, 3, False), (1, 2, True), (2, 1, True), (3, 0, False), (0, 0, False)],
)
def test_a_line_is_bad_when_twins_are_lost_now_and_then(lost: int, passed: int, bad: bool) -> None:
    twins = [follow(f.NEUTRAL_TWIN, tls(QUIET), n) for n in range(lost)]
    twins += [follow(f.NEUTRAL_TWIN, tls(), 10 + n) for n in range(passed)]
    found = evidence(trials(SILENT), followups=tuple(twins), **control())
    assert decoy.bad_line(found) is bad
    assert (rule_for(found).id == "bad-line") is bad


def test_a_bad_line_excuses_silence_and_no_reset() -> None:
    twins = (follow(f.NEUTRAL_TWIN, tls(QUIET)), follow(f.NEUTRAL_TWIN, tls(), 2))
    found = evidence(trials(RESET), followups=twins, **control())
    assert rule_for(found).id == "failed-control-fine"


def harmless(failure: str | None, op: str = "first_payload") -> Measurement:
    return follow(f.HARMLESS_AT_TARGET, [step(op, 1, failure)], 1, "harmless")


def neutral_here(failure: str | None, **detail: Any) -> Measurement:
    return follow(
        f.NEUTRAL_AT_TARGET, [step("connect"), step("tls_handshake", 1, failure, **detail)]
    )


@pytest.mark.parametrize(
    ("followups", "any_data"),
    [
        ((harmless(CUT), neutral_here(CUT)), True),
        ((harmless("eof_error"), neutral_here(CUT)), True),
        ((harmless(None), neutral_here(CUT)), False),
        ((harmless(CUT), neutral_here(None)), False),
        ((harmless(CUT),), False),
        ((neutral_here(CUT),), False),
        ((harmless(CUT, "connect"), neutral_here(CUT)), False),
    ],
)
def test_a_port_that_cuts_off_whatever_comes_has_nothing_to_do_with_tls(
    followups: tuple[Measurement, ...], any_data: bool
) -> None:
    assert decoy.any_data_reset(reset(*followups)) is any_data


@pytest.mark.parametrize(
    ("followup", "passes"),
    [
        (neutral_here(None), True),
        (neutral_here("ssl_failed_handshake", alert="unrecognized_name"), True),
        (neutral_here("ssl_unknown_authority", peer_certificates=["a"]), True),
        (neutral_here("ssl_failed_handshake", peer_certificates=[]), False),
        (neutral_here(CUT), False),
        (neutral_here(QUIET), False),
    ],
)
def test_any_answer_of_the_server_shows_that_a_neutral_name_passes(
    followup: Measurement, passes: bool
) -> None:
    assert decoy.neutral_passes_here(reset(followup)) is passes
    assert not decoy.neutral_passes_here(reset())
