"""The OpenVPN check with credentials, against Debian's OpenVPN: logins and data."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cases import TUNNEL, control, evidence, trials
from support.namespace import inside
from support.programs import need_root, program
from support.records import step

from probe.core.model import Step
from probe.judge.verdict import rule_for

pytestmark = [pytest.mark.vpn, pytest.mark.timeout(240)]
TESTS = Path(__file__).parents[1]
SILENCE, REFUSED = "generic_timeout_error", "unknown_failure: credentials refused"
# A server that closes with bytes unread resets (RFC 2525, section 2.17): which it is is chance.
CLOSED = {"eof_error", "connection_reset"}
VPN: dict[str, Any] = {"check": "openvpn+udp", "target": TUNNEL}
HANDSHAKE = ["openvpn_reset", "tls_handshake"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every scene left behind; all of them in one namespace."""
    need_root(tun=True)
    program("openvpn")
    folder = tmp_path_factory.mktemp("openvpn-data")
    done = subprocess.run(
        [*inside("alone"), sys.executable, "-m", "vpn.openvpn_data", str(folder)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def ended(found: Any, scene: str) -> tuple[str, str | None, dict[str, Any]]:
    """The last step of a scene; all before it went well."""
    *before, last = found[scene]
    assert [step for step in before if step[1] is not None] == []
    assert [op for op, _, _ in before if op != "connect"][:2] == HANDSHAKE
    op, failure, detail = last
    return op, failure, detail


def data(found: Any, scene: str) -> tuple[str | None, dict[str, Any]]:
    op, failure, detail = ended(found, scene)
    assert op == "data_exchange"
    assert detail["strays"] == 0
    return failure, detail


# --- a login -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", ["echo", "old", "right password", "certificate and password"])
def test_the_right_credentials_lead_through_the_tunnel(found: Any, scene: str) -> None:
    assert data(found, scene)[0] is None


@pytest.mark.parametrize(
    "scene",
    ["wrong password", "certificate and wrong password", "certificate and no password"],
)
def test_a_refusal_is_the_servers_own_word(found: Any, scene: str) -> None:
    op, failure, detail = ended(found, scene)
    assert (op, failure) == ("openvpn_push", REFUSED)
    assert detail["error"] == "the server says AUTH_FAILED"


@pytest.mark.parametrize(
    ("scene", "failures"),
    [
        ("certificate of another authority any", {SILENCE}),
        ("certificate of another authority old", {SILENCE}),
        ("certificate of another authority tcp", CLOSED),
        ("password and no certificate", CLOSED),
    ],
)
def test_a_certificate_that_it_does_not_take_is_met_with_silence_or_a_close(
    found: Any, scene: str, failures: set[str]
) -> None:
    op, failure, _ = ended(found, scene)
    assert op == "openvpn_key_exchange"
    assert failure in failures


def test_a_server_that_wants_another_cipher_is_told_from_a_refusal(found: Any) -> None:
    assert ended(found, "cbc")[:2] == (
        "openvpn_push",
        "unknown_failure: no openvpn cipher in common",
    )


def test_a_tunnel_of_another_kind_is_one_without_data(found: Any) -> None:
    op, failure, detail = ended(found, "tap")
    assert (op, failure, detail["unspoken"]) == ("openvpn_push", None, "dev tap")


# --- data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "cipher"),
    [
        ("echo", "AES-256-GCM"),
        ("aes-128", "AES-128-GCM"),
        ("tcp", "CHACHA20-POLY1305"),
        ("crypt", "CHACHA20-POLY1305"),
        ("crypt-tcp", "AES-256-GCM"),
        *((scene, "AES-256-GCM") for scene in ("net30", "ipv6", "lzo", "stub", "stub-v2")),
    ],
)
def test_the_server_answers_what_goes_through_the_tunnel(
    found: Any, scene: str, cipher: str
) -> None:
    failure, detail = data(found, scene)
    assert failure is None
    # Nothing is lost; a busy machine is late.
    assert 17 <= detail["received"] <= detail["sent"]
    (pushed,) = [step[2] for step in found[scene] if step[0] == "openvpn_push"]
    assert (pushed["cipher"], pushed["ping"], pushed["ping_restart"]) == (cipher, 2, 60)


@pytest.mark.parametrize("scene", ["nobody inside", "nobody inside tcp"])
def test_where_nobody_inside_answers_it_pings(found: Any, scene: str) -> None:
    failure, detail = data(found, scene)
    assert (failure, detail["received"]) == (None, 0)
    assert detail["keepalives"] >= 1


@pytest.mark.parametrize(
    "scene", ["nobody inside, nothing promised", "nobody inside, pings too rare"]
)
def test_what_was_not_promised_is_not_missed(found: Any, scene: str) -> None:
    failure, detail = data(found, scene)
    assert (failure, detail["received"], detail["keepalives"]) == (None, 0, 0)


def test_loss_both_ways_is_no_end(found: Any) -> None:
    failure, detail = data(found, "lossy")
    assert failure is None
    assert 5 <= detail["received"] < detail["sent"]


def test_data_that_stops_coming_is_told_from_a_server_that_is_gone(found: Any) -> None:
    failure, detail = data(found, "stopped back")
    assert (failure, detail["stops"], detail["received"]) == (SILENCE, 6, 6)
    assert detail["again"] is True
    assert "never" not in detail


def test_data_that_never_comes_is_told(found: Any) -> None:
    failure, detail = data(found, "no data back")
    assert (failure, detail["never"], detail["stops"]) == (SILENCE, True, 0)
    assert detail["again"] is True


def test_data_that_does_not_arrive_is_known_only_by_answers_that_end(found: Any) -> None:
    failure, detail = data(found, "stopped there")
    assert (failure, detail["one_way"], detail["received"]) == (SILENCE, True, 6)
    assert detail["keepalives"] >= 1
    assert "stops" not in detail
    # Its pings come whether it hears us or not: that may be a silent host inside.
    assert data(found, "no data there")[0] is None


@pytest.mark.parametrize(("scene", "received"), [("cut there", 6), ("cut there, nobody inside", 0)])
def test_a_flow_that_is_stopped_towards_the_server_is_known_by_its_control_channel(
    found: Any, scene: str, received: int
) -> None:
    failure, detail = data(found, scene)
    assert (failure, detail["one_way"], detail["again"]) == (SILENCE, True, False)
    assert detail["received"] == received
    assert detail["keepalives"] >= 1


def test_a_tunnel_that_another_login_took_away_is_not_one_that_was_stopped(found: Any) -> None:
    assert ended(found, "taking away")[:2] == ("openvpn_push", None)
    failure, detail = data(found, "taken away")
    assert (failure, detail["forgotten"], detail["again"]) == (SILENCE, True, False)
    assert "stops" not in detail


def test_a_server_that_is_stopped_meanwhile_leaves_a_closed_port_or_says_goodbye(
    found: Any,
) -> None:
    assert data(found, "server stopped")[0] == "connection_refused"
    assert data(found, "server says goodbye")[0] == "eof_error"


# --- what is said of it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "there", "rule"),
    [
        ("stopped back", "echo", "vpn-data-stopped"),
        ("stopped back", "nobody inside", "vpn-data-stopped"),
        ("no data back", "echo", "vpn-data-stopped"),
        ("no data back", "nobody inside", "vpn-data-unclear"),
        ("stopped back", "tap", "vpn-data-unclear"),
        ("stopped back", "no data back", "vpn-data-fails-alike"),
        ("stopped there", "echo", "vpn-data-unclear"),
        ("cut there", "echo", "vpn-data-unclear"),
        ("cut there, nobody inside", "echo", "vpn-data-unclear"),
        ("taken away", "echo", "vpn-data-unclear"),
        ("server stopped", "echo", "vpn-data-unclear"),
        ("wrong password", "right password", "credentials-refused"),
        ("wrong password", "wrong password", "credentials-refused"),
        ("certificate of another authority any", "echo", "login-failed"),
        ("password and no certificate", "tcp", "login-failed"),
        ("cbc", "echo", "login-failed"),
        ("nobody inside", "echo", "answered"),
    ],
)
def test_the_verdict_accuses_only_of_data_that_stopped_and_passed_at_a_control(
    found: Any, scene: str, there: str, rule: str
) -> None:
    def steps(of: str) -> list[Step]:
        return [step(op, 1, failure, **detail) for op, failure, detail in found[of]]

    case = evidence(trials(steps(scene), 3, **VPN), **control(steps(there), **VPN))
    decided = rule_for(case)
    accused = decided.outcome in {"blocked", "degraded", "denied", "down"}
    assert (decided.id, accused) == (rule, rule == "vpn-data-stopped")
    assert (decided.mechanism(case) == "vpn.data") is accused


def test_a_login_that_is_reset_accuses_no_more_than_one_that_is_closed(found: Any) -> None:
    for failure in CLOSED:
        ours = [
            step(op, 1, failed and failure, **detail)
            for op, failed, detail in found["password and no certificate"]
        ]
        there = [step(op, 1, failed, **detail) for op, failed, detail in found["tcp"]]
        decided = rule_for(evidence(trials(ours, 3, **VPN), **control(there, **VPN)))
        assert (decided.id, decided.outcome) == ("login-failed", "inconclusive")


# --- a profile -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "covered", "last"),
    [
        ("profile", "handshake", "tls_handshake"),
        ("profile of its own", "transfer", "data_exchange"),
    ],
)
def test_a_profiles_credentials_are_used_where_they_are_the_probes_alone_and_shown_nowhere(
    found: Any, scene: str, covered: str, last: str
) -> None:
    done = found[scene]
    assert (done["code"], done["leaks"]) == (0, []), done["said"]
    assert done["kept"] >= 1
    (verdict,) = done["verdicts"]
    assert (verdict["outcome"], verdict["covered"]) == ("ok", covered)
    assert done["steps"][-1] == last


# --- manners -------------------------------------------------------------------------------------


def test_it_says_goodbye(found: Any) -> None:
    said = found["any said"]
    assert "OCC exit message received by peer" in said
    assert "SIGUSR1[soft,remote-exit] received, client-instance restarting" in said
