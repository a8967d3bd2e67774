"""The PPTP check against Debian's pptpd."""

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
CONNECTED = ["connect", 1, None]
MALFORMED = "unknown_failure: malformed pptp reply"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every scene left behind; all of them in one namespace."""
    need_root()
    program("pptpd")
    done = subprocess.run(
        [
            *inside("alone"),
            *(sys.executable, "-m", "vpn.pptpd", str(tmp_path_factory.mktemp("pptp"))),
        ],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def ops(steps: list[Any]) -> list[list[Any]]:
    return [step[:3] for step in steps]


def test_it_answers_and_is_left_in_good_order(found: Any) -> None:
    steps = found["answered"]
    assert ops(steps) == [CONNECTED, ["pptp_start", 1, None], ["pptp_stop", 2, None]]
    assert steps[1][3] == {
        "message": "Start-Control-Connection-Reply", "result": "established", "error_code": 0,
        "version": "1.0", "host": "local", "vendor": "linux",
    }  # fmt: skip
    assert steps[2][3] == {"message": "Stop-Control-Connection-Reply"}


def test_where_the_answers_are_lost_there_is_silence(found: Any) -> None:
    assert ops(found["answers lost"]) == [CONNECTED, ["pptp_start", 1, "generic_timeout_error"]]
    assert ops(found["goodbye lost"])[1:] == [
        ["pptp_start", 1, None],
        ["pptp_stop", 2, "generic_timeout_error"],
    ]


def test_stopped_it_leaves_a_closed_port(found: Any) -> None:
    assert ops(found["stopped"]) == [["connect", 1, "connection_refused"]]


@pytest.mark.parametrize("who", ["garbage", "echo"])
def test_garbage_and_our_own_message_are_no_answers(found: Any, who: str) -> None:
    assert ops(found[who]) == [CONNECTED, ["pptp_start", 1, MALFORMED]]


def test_nothing_of_all_this_accuses_anybody(found: Any) -> None:
    well = {"answered", "goodbye lost"}
    for scene, outcome in found["outcomes"].items():
        assert outcome == ("ok" if scene in well else "unreachable"), scene
