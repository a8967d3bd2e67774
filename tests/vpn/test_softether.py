"""The SoftEther check against Debian's softether-vpnserver."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.namespace import inside, on_disk
from support.programs import need_root
from vpn.softether import PLACES, VPNSERVER

pytestmark = [pytest.mark.vpn, pytest.mark.timeout(240)]
TESTS = Path(__file__).parents[1]
WHOLE = ["connect", "tls_handshake", "http_request", "http_response", "transfer", "expect"]
UNTRUSTED = "ssl_unknown_authority"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every scene left behind; all of them in the same namespaces."""
    need_root()
    if not Path(VPNSERVER).exists():
        pytest.skip("needs softether-vpnserver: run 'make servers' as root")
    folders = [word for place in PLACES for word in on_disk(place, "size=64m")]
    done = subprocess.run(
        [
            *folders,
            *inside("alone"),
            *(sys.executable, "-m", "vpn.softether", str(tmp_path_factory.mktemp("softether"))),
        ],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("scene", ["pinned", "unverified"])
def test_it_greets_anybody_on_each_of_its_ports(found: Any, scene: str) -> None:
    steps = found[scene]
    assert [step[:2] for step in steps] == [[op, None] for op in WHOLE]
    detail = steps[-1][2]
    assert detail["hello"].startswith("SoftEther VPN Server")
    assert detail["version"] >= 400
    assert detail["build"] > 9000


def test_its_own_certificate_is_recorded_and_trusted_by_nobody(found: Any) -> None:
    connected, (op, failure, detail) = found["as it is"]
    assert connected[:2] == ["connect", None]
    assert (op, failure) == ("tls_handshake", UNTRUSTED)
    assert detail["leaf"]["subject"]
    assert found["another one pinned"][-1][:2] == ["tls_handshake", UNTRUSTED]


def test_what_is_lost_on_the_way_back_is_silence(found: Any) -> None:
    assert found["answers lost"][-1][:2] == ["tls_handshake", "generic_timeout_error"]


def test_stopped_it_leaves_a_closed_port(found: Any) -> None:
    assert [step[:2] for step in found["stopped"]] == [["connect", "connection_refused"]]


def test_nothing_of_all_this_accuses_anybody(found: Any) -> None:
    well = {"pinned", "unverified"}
    for scene, outcome in found["outcomes"].items():
        assert outcome == ("ok" if scene in well else "unreachable"), scene
