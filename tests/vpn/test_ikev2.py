"""The IKEv2 check against strongSwan's charon."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.namespace import inside
from support.programs import CHARON, need_root

pytestmark = [pytest.mark.vpn, pytest.mark.timeout(240)]
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every scene left behind; all of them in one namespace."""
    need_root()
    if not Path(CHARON).exists():
        pytest.skip("needs strongswan-charon: run 'make servers' as root")
    folder = tmp_path_factory.mktemp("ike")
    done = subprocess.run(
        [*inside("alone"), sys.executable, "-m", "vpn.ike", str(folder)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def ops(steps: list[Any]) -> list[tuple[str, str | None]]:
    return [(op, failure) for op, failure, _ in steps]


VERSION, USUAL, MAIN = "ikev2_version", "ikev2_sa_init", "ikev1_main_mode"
SILENCE = "generic_timeout_error"
# What is asked by which exchange, in turn, as long as nobody answers.
ASKED = {"version": (VERSION, USUAL), "sa_init": (USUAL,), "main_mode": (MAIN,)}
each_exchange = pytest.mark.parametrize("exchange", ASKED)


@pytest.mark.parametrize("port", [500, 4500])
def test_the_light_question_is_answered_with_and_without_the_marker(found: Any, port: int) -> None:
    ((op, failure, detail),) = found[f"version {port}"]
    assert (op, failure) == (VERSION, None)
    assert detail["notifications"] == ["INVALID_MAJOR_VERSION"]
    assert (detail["version"], detail["agreed"]) == (2, False)


@pytest.mark.parametrize("port", [500, 4500])
def test_version_1_answers_too(found: Any, port: int) -> None:
    ((op, failure, detail),) = found[f"main mode {port}"]
    assert (op, failure) == ("ikev1_main_mode", None)
    assert (detail["version"], detail["agreed"]) == (1, True)


def test_the_usual_question_is_agreed_to_or_another_group_wanted(found: Any) -> None:
    ((_, failure, detail),) = found["modp2048"]
    assert (failure, detail["agreed"]) == (None, True)
    (_, failure, detail), *_ = found["x25519"]
    assert failure is None
    assert detail["agreed"] or set(detail["notifications"]) <= {"INVALID_KE_PAYLOAD", "COOKIE"}


def test_a_daemon_without_any_connection_refuses_the_proposal_and_lives(found: Any) -> None:
    for exchange in ("sa_init", "main_mode"):
        ((op, failure, detail),) = found[f"no connection, {exchange}"]
        assert (op, failure) == (ASKED[exchange][0], None)
        assert (detail["notifications"], detail["agreed"]) == (["NO_PROPOSAL_CHOSEN"], False)
    assert ops(found["no connection, version"]) == [(VERSION, None)]


def test_who_asks_often_gets_a_cookie_and_then_silence_and_the_light_question_still_works(
    found: Any,
) -> None:
    often = [ops(found[f"often {number}"]) for number in range(6)]
    assert all(steps[0] == (USUAL, None) for steps in often)
    assert [(USUAL, None), ("ikev2_cookie", SILENCE)] in often
    assert ops(found["version after that"]) == [(VERSION, None)]


@each_exchange
@pytest.mark.parametrize("way", ["there", "back"])
def test_a_lost_packet_is_sent_again(found: Any, exchange: str, way: str) -> None:
    ((op, failure, detail),) = found[f"first lost {way}, {exchange}"]
    assert (op, failure) == (ASKED[exchange][0], None)
    assert detail["packets"] > 1


@each_exchange
def test_where_every_answer_is_lost_there_is_silence(found: Any, exchange: str) -> None:
    assert ops(found[f"answers lost, {exchange}"]) == [(op, SILENCE) for op in ASKED[exchange]]


@each_exchange
def test_a_daemon_that_is_stopped_leaves_a_closed_port(found: Any, exchange: str) -> None:
    assert ops(found[f"stopped, {exchange}"]) == [(ASKED[exchange][0], "connection_refused")]


@each_exchange
def test_garbage_is_no_answer_and_our_own_message_is_no_daemon_s(found: Any, exchange: str) -> None:
    steps = found[f"garbage, {exchange}"]
    assert ops(steps) == [(op, SILENCE) for op in ASKED[exchange]]
    assert all(detail["strays"] for _, _, detail in steps)
    malformed = "unknown_failure: malformed ikev2 reply"
    assert ops(found[f"echo, {exchange}"]) == [(ASKED[exchange][0], malformed)]


def test_nothing_of_all_this_accuses_anybody(found: Any) -> None:
    silent = {"answers lost", "stopped", "garbage", "echo"}
    for scene, outcome in found["outcomes"].items():
        assert outcome == ("unreachable" if scene.partition(",")[0] in silent else "ok"), scene
