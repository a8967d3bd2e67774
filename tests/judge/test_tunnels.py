"""probe.judge.protocols: a login, and data that passes or not, after a protocol's handshake."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    DOWN,
)
from support.protocols import (
    ACKNOWLEDGED,
    CUT,
    NEVER,
    PASSED,
    STOPPED,
    TIMEOUT,
    asked,
    echoes,
    found,
    through,
    tunnel,
)
from support.records import resolve, step

from probe.judge import protocols
from probe.judge.covered import covered
from probe.judge.verdict import rule_for

# --- data, after the handshake -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there"), [(STOPPED, PASSED), (STOPPED, ACKNOWLEDGED), (NEVER, PASSED)]
)
def test_data_that_stops_here_and_passes_at_a_control_is_stopped_by_the_network(
    here: Any, there: Any
) -> None:
    case = tunnel(through(TIMEOUT, **here), through(**there))
    rule = rule_for(case)
    assert (rule.id, rule.outcome, rule.locus) == ("vpn-data-stopped", "degraded", "network")
    assert rule.mechanism(case) == "vpn.data"


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (NEVER, ACKNOWLEDGED),  # a single acknowledgement is soon lost
        (STOPPED, None),  # that control had no data to send
        (NEVER, None),
        ({**STOPPED, "strays": 1}, PASSED),  # the key is in use elsewhere
        ({"sent": 20, "received": 6, "strays": 0}, PASSED),  # the silence was short
    ],
)
def test_data_of_which_it_is_not_certain_accuses_nobody(here: Any, there: Any) -> None:
    case = tunnel(through(TIMEOUT, **here), through(**(there or {})))
    rule = rule_for(case)
    assert (rule.id, rule.outcome) == ("vpn-data-unclear", "inconclusive")
    assert rule.mechanism(case) == "udp.timeout"


def test_data_needs_a_control_and_trials_as_everything_that_accuses_does() -> None:
    here = through(TIMEOUT, **STOPPED)
    assert rule_for(tunnel(here)).id == "failed-without-control"
    assert rule_for(tunnel(here, through(**PASSED), 2)).id == "not-confirmed"
    assert rule_for(tunnel(here, through(**PASSED), anchors=DOWN)).outcome == "offline"


def test_a_server_that_answers_handshakes_is_not_down_for_its_data() -> None:
    here, there = through(TIMEOUT, **STOPPED), through(TIMEOUT, **NEVER)
    assert rule_for(tunnel(here, there)).id == "vpn-data-fails-alike"
    dead = [resolve(), step("wireguard_initiation", 2, "connection_refused")]
    assert rule_for(tunnel(here, dead)).outcome == "down"


def test_a_port_that_closes_in_the_middle_is_no_filter() -> None:
    case = tunnel(through("connection_refused", **PASSED), through(**PASSED))
    assert rule_for(case).id == "vpn-data-unclear"


def test_data_that_is_stopped_says_nothing_of_the_first_packet_s_shape() -> None:
    case = tunnel(through(TIMEOUT, **STOPPED), followups=echoes(TIMEOUT))
    assert not protocols.cut(case)
    assert rule_for(case).outcome == "unreachable"


def test_a_handshake_alone_is_an_answer_and_so_is_data_that_passes() -> None:
    for detail, depth in (({}, "handshake"), (ACKNOWLEDGED, "handshake"), (PASSED, "transfer")):
        case = tunnel(through(**detail))
        assert rule_for(case).id == "answered"
        assert covered(case.decided) == depth
    assert covered(tunnel(through(TIMEOUT, **STOPPED)).decided) == "handshake"


# --- a login, and data behind it -----------------------------------------------------------------

KEYS_LOST = [step("openvpn_key_exchange", 2, TIMEOUT)]
TURNED_AWAY = [
    step("openvpn_key_exchange", 2),
    step("openvpn_push", 2, "unknown_failure: credentials refused"),
]
PUSHED = [step("openvpn_key_exchange", 2), step("openvpn_push", 2)]


def logged_in(*more: Any, tcp: bool = False) -> list[Any]:
    """A handshake of OpenVPN's, and what came of the login behind it."""
    return [*asked(None, tcp=tcp), *more]


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    "there",
    [
        None,
        asked(None),  # that control has no credentials
        logged_in(*TURNED_AWAY),
        logged_in(*KEYS_LOST),
        asked(),
        asked("connection_refused"),
        logged_in(*PUSHED, step("data_exchange", 2, **PASSED)),
    ],
)
@pytest.mark.parametrize(
    ("login", "rule"),
    [
        (TURNED_AWAY, "credentials-refused"),
        (KEYS_LOST, "login-failed"),
        ([replace(KEYS_LOST[0], failure="eof_error")], "login-failed"),
        ([replace(KEYS_LOST[0], failure=CUT)], "login-failed"),
        ([PUSHED[0], step("openvpn_push", 2, TIMEOUT)], "login-failed"),
        (
            [*PUSHED, step("data_exchange", 2, "unknown_failure: credentials refused")],
            "credentials-refused",
        ),
    ],
)
def test_what_comes_of_credentials_accuses_neither_the_path_nor_the_server(
    login: Any, rule: str, there: Any, tcp: bool
) -> None:
    for followups in ((), echoes(TIMEOUT)):
        case = found(logged_in(*login, tcp=tcp), followups, there=there)
        assert (rule_for(case).id, rule_for(case).outcome) == (rule, "inconclusive")
        assert not protocols.cut(case)
        assert rule_for(replace(case, anchors=DOWN)).outcome == "offline"


@pytest.mark.parametrize(
    ("there", "rule"),
    [
        (logged_in(*PUSHED, step("data_exchange", 2, **PASSED)), "vpn-data-stopped"),
        (asked(None), "vpn-data-unclear"),  # without credentials: how far it looked is not enough
        (logged_in(*PUSHED), "vpn-data-unclear"),
        (
            logged_in(*PUSHED, step("data_exchange", 2, received=0, unheard=True)),
            "vpn-data-unclear",
        ),
    ],
)
def test_data_behind_a_login_is_judged_as_wireguard_s(there: Any, rule: str) -> None:
    here = logged_in(*PUSHED, step("data_exchange", 2, TIMEOUT, **STOPPED))
    case = found(here, there=there)
    assert rule_for(case).id == rule
    assert covered(case.decided) == "handshake"
    # Where the server had forgotten us, or only one way was silent, nothing says that it stopped.
    unsure = logged_in(*PUSHED, step("data_exchange", 2, TIMEOUT, received=6, one_way=True))
    assert rule_for(found(unsure, there=there)).id == "vpn-data-unclear"


def test_a_login_and_its_data_are_a_success_as_deep_as_they_went() -> None:
    for steps, depth in (
        (logged_in(*PUSHED), "handshake"),
        (logged_in(*PUSHED, step("data_exchange", 2, received=0, unheard=True)), "handshake"),
        (logged_in(*PUSHED, step("data_exchange", 2, **PASSED)), "transfer"),
    ):
        case = found(steps)
        assert rule_for(case).outcome == "ok"
        assert covered(case.decided) == depth
    half = found(logged_in(PUSHED[0]))
    assert rule_for(half).id == "cut-off"
