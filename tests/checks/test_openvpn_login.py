"""probe.checks.openvpn_login on a scripted network: a login, however it ends."""

import ssl
from pathlib import Path

import pytest
from support.client_certificate import TunnelAuthority
from support.openvpn_login import PUSH
from support.openvpn_login_checks import (
    LOGGED_IN,
    LOGIN,
    NO_CIPHER,
    REFUSED,
    TIMEOUT,
    context,
    data,
    run,
    server,
)

from probe.checks.secret import SecretError
from probe.wire.openvpn.data import EXIT


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tcp", [False, True])
def test_a_certificate_leads_through_the_tunnel(tcp: bool, version: ssl.TLSVersion) -> None:
    there = server(tcp=tcp, context=context(version))
    done = run(there)
    ops = [*(["connect"] if tcp else []), *LOGGED_IN, "data_exchange"]
    assert [(step.op, step.failure) for step in done.steps] == [(op, None) for op in ops]
    assert done.only("openvpn_push").detail == {
        "cipher": "AES-256-GCM", "ping": 10, "ping_restart": 60,
        "packets": done.only("openvpn_push").detail["packets"], "strays": 0,
    }  # fmt: skip
    step = done.only("data_exchange")
    told = {key: step.detail[key] for key in ("sent", "received", "keepalives", "others", "strays")}
    assert told == {"sent": 20, "received": 20, "keepalives": 0, "others": 0, "strays": 0}
    assert {"stops", "never", "again", "unheard", "one_way"}.isdisjoint(step.detail)
    assert step.t - step.t0 < 3.0
    names = [dict(part[0] for part in who["subject"]) for who in there.identities]  # type: ignore[attr-defined]
    assert names == [{"commonName": "a user"}]
    assert [len(packet) for packet in there.got] == [84] * 20 + [0] + ([] if tcp else [len(EXIT)])


def test_what_is_said_in_the_key_exchange_is_what_openvpn_says() -> None:
    there = server()
    run(there)
    options, username, password, info, *messages = there.told
    assert options.startswith("V4,dev-type tun,") and options.endswith(",tls-client")
    assert (username, password) == ("", "")
    lines = info.splitlines()
    assert "IV_PROTO=2" in lines
    assert "IV_CIPHERS=AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305" in lines
    assert messages == ["PUSH_REQUEST"]


@pytest.mark.parametrize("key", ["auth_user_pass", "auth_user_pass_file", "auth_user_pass_env"])
def test_a_password_is_told_to_a_server_that_proved_itself(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "login").write_text(LOGIN.get_secret_value())
    monkeypatch.setenv("LOGIN", LOGIN.get_secret_value())
    value = {"auth_user_pass": LOGIN, "auth_user_pass_file": str(tmp_path / "login")}
    there = server()
    done = run(there, **{key: value.get(key, "LOGIN")}, cert_file=None, key_file=None)
    assert done.only("data_exchange").failure is None
    assert there.told[1:3] == ["alice", "it's me"]
    assert there.identities == [{}]
    for step in done.steps:
        assert "alice" not in str(step)
        assert "it's me" not in str(step)


def test_a_password_is_told_to_nobody_else(tmp_path: Path) -> None:
    stranger = TunnelAuthority(tmp_path / "stranger").ca_file
    there = server()
    done = run(there, auth_user_pass=LOGIN, ca_file=stranger)
    assert [step.op for step in done.steps] == LOGGED_IN[:2]
    assert done.steps[-1].failure == "ssl_unknown_authority"
    assert there.told == []
    with pytest.raises(SecretError, match="told to nobody"):
        run(there, auth_user_pass=LOGIN, ca_file=None)


@pytest.mark.parametrize(
    ("said", "failure", "error"),
    [
        ("AUTH_FAILED", REFUSED, "the server says AUTH_FAILED"),
        ("AUTH_FAILED,your name is alice", REFUSED, "the server says AUTH_FAILED"),
        ("AUTH_FAILED,TEMP[backoff 42]:busy", REFUSED, "the server says AUTH_FAILED for now"),
        ("AUTH_FAILED,CRV1:R,E:x:YWxpY2U=:more", REFUSED, "AUTH_FAILED: it asks for more"),
        ("AUTH_PENDING,timeout 60", REFUSED, "AUTH_PENDING: it asks for more"),
        (
            "AUTH_FAILED,Data channel cipher negotiation failed (no shared cipher)",
            NO_CIPHER,
            "the server says so",
        ),
        ("RESTART", "eof_error", None),
        ("PUSH_REPLY,peer-id 7,cipher AES-256-CBC", NO_CIPHER, "the server wants none of"),
        ("PUSH_REPLY,peer-id 7", NO_CIPHER, "the server wants none of"),
        ("PUSH_REPLY,cipher AES-256-GCM", NO_CIPHER, "the server wants none of"),
        ("PUSH_REPLY,peer-id x", "unknown_failure: malformed openvpn reply", "pushes a peer-id"),
        ("INFO,wait", TIMEOUT, None),
    ],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_how_a_login_ends_is_told_and_nothing_of_who_we_are(
    said: str, failure: str, error: str | None, tcp: bool
) -> None:
    done = run(server(push=(said,), tcp=tcp))
    step = done.steps[-1]
    assert (step.op, step.failure) == ("openvpn_push", failure)
    assert error is None or error in step.detail["error"]
    assert "alice" not in str(step)
    assert "YWxpY2U" not in str(step)


def test_a_server_that_decides_later_is_asked_again() -> None:
    there = server(push=("INFO,thinking",))
    done = run(there)
    assert there.told.count("PUSH_REQUEST") == 4  # at 0, 3, 6 and 9 seconds
    assert done.steps[-1].failure == TIMEOUT


def test_a_push_may_come_in_parts() -> None:
    first, rest = PUSH.split(",topology", 1)
    parts = (f"{first},push-continuation 2", f"PUSH_REPLY,topology{rest},push-continuation 1")
    assert data(server(push=parts)).failure is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_alert_about_our_certificate_is_a_refusal(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    certificate, key = TunnelAuthority(tmp_path / "stranger")("nobody")
    there = server(context=context(version))
    done = run(there, cert_file=certificate, key_file=key)
    assert [step.op for step in done.steps] == LOGGED_IN[:3]
    step = done.steps[-1]
    assert (step.failure, "alert" in step.detail["alert"]) == (REFUSED, True)
    assert done.only("tls_handshake").failure is None


def test_silence_after_our_certificate_is_no_silence_of_the_handshake() -> None:
    # The reset, and two packets with TLS: the ClientHello, and what follows the server's.
    done = run(server(control=lambda number: number <= 2))
    assert [(step.op, step.failure) for step in done.steps][-2:] == [
        ("tls_handshake", None),
        ("openvpn_key_exchange", TIMEOUT),
    ]


@pytest.mark.parametrize(
    ("options", "push", "unspoken"),
    [
        ("V4,dev-type tap,tls-server", PUSH, "dev tap"),
        ("V4,dev-type tun,mtu-dynamic,tls-server", PUSH, "fragment"),
        ("V4", "PUSH_REPLY,peer-id 7,cipher AES-256-GCM", "no peer inside"),
    ],
)
def test_a_tunnel_that_carries_no_echo_is_told_with_the_reason(
    options: str, push: str, unspoken: str
) -> None:
    done = run(server(options=options, push=(push,)))
    assert [step.op for step in done.steps] == LOGGED_IN
    assert done.steps[-1].failure is None
    assert done.steps[-1].detail["unspoken"] == unspoken
