"""The WireGuard check against wireguard-go."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.namespace import inside
from support.programs import need_root, program

pytestmark = [pytest.mark.vpn, pytest.mark.timeout(240)]
TESTS = Path(__file__).parents[1]
FIRST, SILENCE = "wireguard_initiation", "generic_timeout_error"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every scene left behind; all of them in one namespace."""
    need_root(tun=True)
    program("wireguard-go")
    program("wg", "wireguard-tools")
    folder = tmp_path_factory.mktemp("wg")
    done = subprocess.run(
        [*inside("alone"), sys.executable, "-m", "vpn.wg", str(folder)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("scene", ["right key", "again", "psk"])
def test_it_answers_a_peer_s_key(found: Any, scene: str) -> None:
    ((op, failure, detail),) = found[scene]
    assert (op, failure, detail["answer"], detail["bytes"]) == (FIRST, None, "response", 92)
    assert "psk" not in detail


@pytest.mark.parametrize("scene", ["wrong key", "wrong server key", "answers lost", "garbage"])
def test_it_is_silent_to_every_other(found: Any, scene: str) -> None:
    ((op, failure, detail),) = found[scene]
    assert (op, failure) == (FIRST, SILENCE)
    assert "keyed" not in detail


def test_without_a_key_its_silence_is_marked_as_saying_nothing(found: Any) -> None:
    ((_, failure, detail),) = found["no key"]
    assert (failure, detail["keyed"]) == (SILENCE, True)


def test_a_missing_pre_shared_key_shows_in_the_answer(found: Any) -> None:
    ((_, failure, detail),) = found["psk missing"]
    assert (failure, detail["psk"]) == (None, "mismatch")


# Where the answer is lost, the server has seen the first packet, and would refuse it as a replay.
@pytest.mark.parametrize("scene", ["first packet lost", "first answer lost"])
def test_a_lost_packet_is_followed_by_a_new_one(found: Any, scene: str) -> None:
    ((_, failure, detail),) = found[scene]
    assert (failure, detail["packets"] > 1) == (None, True)


def test_under_load_it_sends_a_cookie_and_takes_it_back(found: Any) -> None:
    first, second = found["under load"]
    assert (first[0], first[1], first[2]["answer"]) == (FIRST, None, "cookie")
    assert second[0] == "wireguard_cookie"


def data(found: Any, scene: str) -> tuple[str | None, dict[str, Any]]:
    (first, *_), (op, failure, detail) = found[scene]
    assert (first, op) == (FIRST, "data_exchange")
    assert detail["strays"] == 0
    return failure, detail


@pytest.mark.parametrize("scene", ["echo", "echo by IPv6"])
def test_a_kernel_behind_it_answers_what_goes_through_the_tunnel(found: Any, scene: str) -> None:
    failure, detail = data(found, scene)
    assert (failure, detail["keepalives"], detail["others"]) == (None, 0, 0)
    assert 17 <= detail["received"] <= detail["sent"]  # nothing is lost; a busy machine is late


@pytest.mark.parametrize("scene", ["nobody inside", "address of another peer"])
def test_where_nobody_inside_answers_it_acknowledges_data_by_itself(found: Any, scene: str) -> None:
    failure, detail = data(found, scene)
    assert (failure, detail["received"]) == (None, 0)
    assert detail["keepalives"] >= 1


def test_loss_both_ways_is_no_end(found: Any) -> None:
    failure, detail = data(found, "lossy")
    assert failure is None
    assert 5 <= detail["received"] < detail["sent"]


@pytest.mark.parametrize(
    ("scene", "stops"), [("stopped there", 6), ("stopped back", 6), ("stopped both ways", 9)]
)
def test_data_that_stops_is_told_from_a_server_that_is_gone(
    found: Any, scene: str, stops: int
) -> None:
    failure, detail = data(found, scene)
    assert (failure, detail["stops"], detail["received"]) == (SILENCE, stops, stops)
    assert detail["again"] is True
    assert "never" not in detail


@pytest.mark.parametrize("scene", ["no data there", "no data back"])
def test_data_that_never_passes_is_told(found: Any, scene: str) -> None:
    failure, detail = data(found, scene)
    assert (failure, detail["never"], detail["received"]) == (SILENCE, True, 0)
    assert detail["again"] is True


def test_a_server_that_is_stopped_leaves_a_closed_port(found: Any) -> None:
    ((_, failure, _),) = found["stopped"]
    assert failure == "connection_refused"


def test_who_knows_no_more_than_the_index_is_no_server(found: Any) -> None:
    ((_, failure, _),) = found["forged"]
    assert failure == "unknown_failure: malformed wireguard reply"


ANSWERED = {
    *("right key", "again", "psk", "psk missing", "first packet lost", "first answer lost"),
    *("under load", "echo", "echo by IPv6", "nobody inside", "address of another peer", "lossy"),
}
DATA_LOST = {
    *("stopped there", "stopped back", "stopped both ways", "no data there", "no data back"),
}


def test_nothing_of_all_this_accuses_without_a_control(found: Any) -> None:
    outcomes = found["outcomes"]
    assert {name for name, outcome in outcomes.items() if outcome == "ok"} == ANSWERED
    assert outcomes.pop("no key") == "inconclusive"
    assert {o for name, o in outcomes.items() if name not in ANSWERED} == {"unreachable"}


def test_beside_a_control_whose_data_passes_only_data_that_is_lost_is_the_network_s(
    found: Any,
) -> None:
    outcomes = found["with a control"]
    assert {name for name, outcome in outcomes.items() if outcome == "degraded"} == DATA_LOST
    # That the control has the right key says nothing of ours.
    for scene in ("wrong key", "wrong server key", "no key", "answers lost", "garbage", "forged"):
        assert outcomes[scene] == "inconclusive"
    assert {name for name, outcome in outcomes.items() if outcome == "ok"} == ANSWERED
