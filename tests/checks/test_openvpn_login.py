"""probe.checks.openvpn with credentials: a login, packets through the tunnel, and their ends."""

import itertools
import ssl
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.client_certificate import TunnelAuthority, tunnel_authority
from support.kits import Done, run_check
from support.openvpn_login import PUSH, LoginServer

from probe.checks.openvpn import OpenVpnTcpCheck, OpenVpnUdpCheck
from probe.checks.secret import SecretError
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import parse_target, secrets_of
from probe.wire.openvpn.data import EXIT

AT = Endpoint("192.0.2.7", 1194)
TIMEOUT = "generic_timeout_error"
REFUSED = "unknown_failure: credentials refused"
NO_CIPHER = "unknown_failure: no openvpn cipher in common"
LOGIN = SecretStr("alice\nit's me\n")
LOGGED_IN = ["openvpn_reset", "tls_handshake", "openvpn_key_exchange", "openvpn_push"]


@cache
def user() -> dict[str, str]:
    certificate, key = tunnel_authority()("a user")
    return {"cert_file": certificate, "key_file": key}


@cache
def context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.maximum_version = version
    made.load_cert_chain(*tunnel_authority()("a server", server=True))
    made.load_verify_locations(tunnel_authority().ca_file)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


def server(**options: Any) -> LoginServer:
    return LoginServer(**{"context": context(), **options})


def run(there: LoginServer, *, budget: float = 60.0, timeouts: Any = None, **options: Any) -> Done:
    make = OpenVpnTcpCheck if there.tcp else OpenVpnUdpCheck
    known = {"ca_file": tunnel_authority().ca_file, **user()}
    given = {name: value for name, value in {**known, **options}.items() if value is not None}
    check = make(host=AT.ip, port=AT.port, **given)
    net = FakeNetwork(tcp={AT: there}) if there.tcp else FakeNetwork(udp={AT: there})
    return run_check(check, net, budget=budget, timeouts=timeouts)


def data(there: LoginServer, **options: Any) -> Any:
    return run(there, **options).only("data_exchange")


def up_to(count: int) -> Any:
    return lambda number: number <= count


def nothing(_: int) -> bool:
    return False


# --- a login -------------------------------------------------------------------------------------


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


# --- data ----------------------------------------------------------------------------------------


def test_loss_is_no_failure() -> None:
    lost = {"there": lambda number: number % 3 != 0, "back": lambda number: number % 5 != 0}
    step = data(server(**lost))
    assert step.failure is None
    assert 8 <= step.detail["received"] < step.detail["sent"]


def test_silence_that_outlasts_the_servers_own_pings_is_an_end() -> None:
    step = data(server(back=up_to(6)))
    assert (step.failure, step.detail["stops"], step.detail["received"]) == (TIMEOUT, 6, 6)
    assert step.detail["again"] is True  # the control channel still lives
    assert {"never", "forgotten"}.isdisjoint(step.detail)
    assert 13.0 < step.t - step.t0 < 20.0


def test_that_nothing_ever_came_is_told() -> None:
    step = data(server(back=nothing))
    assert (step.failure, step.detail["never"], step.detail["stops"]) == (TIMEOUT, True, 0)
    assert step.detail["again"] is True


def test_where_nothing_passes_any_more_the_control_channel_is_silent_too() -> None:
    step = data(server(back=up_to(6), deaf=7, there=lambda number: number < 7))
    assert step.detail["again"] is False


def test_a_server_that_forgot_us_answers_another_conversation_and_is_no_filter() -> None:
    step = data(server(deaf=7))
    assert (step.failure, step.detail["received"]) == (TIMEOUT, 6)
    assert (step.detail["again"], step.detail["forgotten"]) == (False, True)
    assert "stops" not in step.detail


@pytest.mark.parametrize("ping", [1, 2, 10, 12])
def test_nobody_inside_who_answers_is_no_failure_because_the_server_pings(ping: int) -> None:
    push = PUSH.replace("ping 10", f"ping {ping}")
    step = data(server(inside=False, pings=ping, push=(push,)))
    assert (step.failure, step.detail["received"]) == (None, 0)
    assert step.detail["keepalives"] >= 1
    assert step.t - step.t0 < ping + 4.0


def test_a_silence_as_long_as_the_promised_pings_is_waited_for() -> None:
    # The last answer comes after about half a second, a ping 12 seconds later.
    push = PUSH.replace("ping 10", "ping 12")
    step = data(server(back=up_to(6), push=(push,)))
    assert step.detail["stops"] == 6
    assert step.t - step.t0 > 15.0


@pytest.mark.parametrize(
    "promised",
    ["ping 20,ping-restart 60", "ping 10", "ping-restart 60", "ping 90,ping-restart 60", "x"],
)
def test_who_promised_nothing_soon_enough_is_not_missed(promised: str) -> None:
    push = PUSH.replace("ping 10,ping-restart 60", promised)
    silent = data(server(inside=False, pings=None, push=(push,)))
    assert (silent.failure, silent.detail["unheard"], silent.detail["again"]) == (None, True, True)
    # Answers that end are a failure, and no end that anybody could be blamed for.
    ended = data(server(back=up_to(6), pings=None, push=(push,)))
    assert (ended.failure, ended.detail["again"]) == (TIMEOUT, True)
    assert {"stops", "unheard"}.isdisjoint(ended.detail)


def test_a_server_that_is_gone_is_missed_all_the_same() -> None:
    push = PUSH.replace("ping 10,ping-restart 60", "x")
    step = data(server(inside=False, pings=None, push=(push,), deaf=1))
    assert (step.failure, step.detail["again"]) == (TIMEOUT, False)
    assert {"stops", "unheard"}.isdisjoint(step.detail)


def test_with_more_time_rarer_pings_can_be_waited_for() -> None:
    push = PUSH.replace("ping 10", "ping 20")
    step = data(server(back=nothing, push=(push,)), timeouts={"transfer": 30.0})
    assert (step.detail["never"], step.detail["stops"]) == (True, 0)
    assert step.t - step.t0 > 23.0


def test_pings_do_not_show_that_ours_arrive() -> None:
    step = data(server(there=up_to(6), pings=2.0))
    assert (step.failure, step.detail["one_way"], step.detail["received"]) == (TIMEOUT, True, 6)
    assert "stops" not in step.detail
    # Where nobody ever answered, it may well be that nobody inside does.
    never = data(server(there=nothing, pings=2.0))
    assert (never.failure, never.detail["received"], never.detail["again"]) == (None, 0, True)


@pytest.mark.parametrize("inside", [True, False])
def test_where_nothing_of_ours_arrives_any_more_pings_are_no_comfort(inside: bool) -> None:
    # What is dropped is the flow, in one direction: data and the control channel alike.
    there = server(inside=inside, there=up_to(6), pings=2.0)
    there.control = lambda _: len(there.got) < 6
    step = data(there)
    assert step.failure == TIMEOUT
    assert (step.detail["one_way"], step.detail["again"]) == (True, False)
    assert (step.detail["received"], step.detail["keepalives"] > 0) == (6 if inside else 0, True)
    assert "stops" not in step.detail


def test_what_the_keys_do_not_open_is_counted() -> None:
    step = data(server(junk=b"\x48" + bytes(60)))
    assert (step.failure, step.detail["strays"], step.detail["received"]) == (None, 20, 20)


@pytest.mark.parametrize(
    ("said", "failure"),
    [(b"RESTART\0", "eof_error"), (b"HALT,x\0", "eof_error"), (b"AUTH_FAILED\0", REFUSED)],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_a_server_may_end_it_by_a_word(said: bytes, failure: str, tcp: bool) -> None:
    step = data(server(tcp=tcp, says=(5, said)))
    assert step.failure == failure
    assert step.detail["received"] <= 5


def test_what_else_it_says_is_acknowledged_and_changes_nothing() -> None:
    there = server(says=(5, b"INFO,hello\0"))
    assert data(there).detail["received"] == 20
    assert there.server.again() == []  # nothing that was not acknowledged


def test_more_packets_or_none_and_to_whom_it_is_told() -> None:
    assert data(server(), data=30).detail["received"] == 30
    assert [step.op for step in run(server(), data=0).steps] == LOGGED_IN
    there = server()
    assert data(there, tunnel_peer="10.98.0.9").detail["received"] == 20
    assert there.got[0][16:20] == bytes([10, 98, 0, 9])


def test_addresses_are_tried_one_after_another() -> None:
    second = Endpoint("192.0.2.8", 1194)
    where = {"host": AT.ip, "port": AT.port, "addresses": (AT.ip, second.ip)}
    check = OpenVpnUdpCheck(**where, ca_file=tunnel_authority().ca_file, **user())
    steps = run_check(check, FakeNetwork(udp={AT: server(), second: server()}), budget=60.0).steps
    assert [step.address for step in steps] == [str(AT)] * 5 + [str(second)] * 5
    assert all(before.t <= after.t0 for before, after in itertools.pairwise(steps))


# --- options -------------------------------------------------------------------------------------


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_credentials_that_cannot_be_used_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    certificate, key = user()["cert_file"], user()["key_file"]
    other = tunnel_authority()("another user")[1]
    locked, older = (
        written(tmp_path / kind, f"-----BEGIN {kind} KEY-----\n{line}-----END {kind} KEY-----\n")
        for kind, line in (
            ("ENCRYPTED PRIVATE", "AAAA\n"),
            ("RSA PRIVATE", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n"),
        )
    )
    ca = {"ca_file": tunnel_authority().ca_file}
    for options, key_at_fault, said in (
        ({"cert_file": certificate}, "key_file", "a certificate needs its key"),
        ({"key_file": key}, "cert_file", "a key needs its certificate"),
        ({"cert_file": certificate, "key_file": other}, "key_file", "is not that of the"),
        ({"cert_file": certificate, "key_file": certificate}, "key_file", "no private key"),
        ({"cert_file": certificate, "key_file": locked}, "key_file", "has a password"),
        ({"cert_file": certificate, "key_file": older}, "key_file", "has a password"),
        ({"cert_file": key, "key_file": key}, "cert_file", "no certificate"),
        ({"cert_file": "/no/such", "key_file": key}, "cert_file", "no such file"),
        ({"cert_file": certificate, "key_env": "NO_SUCH"}, "key_env", "has no NO_SUCH"),
        ({"cert": "x", "cert_file": certificate, "key_file": key}, "cert_file", "not both"),
        ({"auth_user_pass": SecretStr("alice")}, "auth_user_pass", "a password next"),
        ({"auth_user_pass": SecretStr("a" * 600 + "\nb")}, "auth_user_pass", "is longer than"),
        ({"data": 20}, "data", "need credentials"),
        ({"tunnel_peer": "10.0.0.1"}, "tunnel_peer", "need credentials"),
    ):
        check = OpenVpnUdpCheck(host="h.example", port=1194, **ca, **options)
        with pytest.raises(SecretError, match=said) as caught:
            check.require()
        assert caught.value.key == (key_at_fault,)


def test_a_key_may_stand_in_one_file_with_its_certificate(tmp_path: Path) -> None:
    certificate, key = user()["cert_file"], user()["key_file"]
    both = written(tmp_path / "both", Path(key).read_text() + Path(certificate).read_text())
    assert data(server(), cert_file=both, key_file=both).failure is None
    inline = {"cert": Path(certificate).read_text(), "key": SecretStr(Path(key).read_text())}
    assert data(server(), cert_file=None, key_file=None, **inline).failure is None


def test_a_target_with_credentials_is_private_and_they_show_nowhere() -> None:
    key = Path(user()["key_file"]).read_text()
    check = OpenVpnUdpCheck(
        host="h.example", port=1194, cert="x", key=SecretStr(key), auth_user_pass=LOGIN
    )
    assert secrets_of(check) == ("key", "auth_user_pass")
    assert key.splitlines()[1] not in repr(check)
    assert "it's me" not in repr(check)
    credentials = OpenVpnUdpCheck(
        host="h.example",
        port=1194,
        ca_file=tunnel_authority().ca_file,
        auth_user_pass=LOGIN,
        **user(),
    ).own_credentials(proven=True)
    assert key.splitlines()[1] not in repr(credentials)
    assert "it's me" not in repr(credentials)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("openvpn+udp://h?key=abc", "unknown key"),
        ("openvpn+udp://h?auth_user_pass=abc", "unknown key"),
        ("openvpn+udp://h?data=3", "20 to 30 packets"),
        ("openvpn+udp://h?tunnel_peer=ten", "ten"),
    ],
)
def test_a_wrong_option_is_told(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_target(url)


def test_the_plan_says_that_there_is_a_login_and_what_goes_through_the_tunnel() -> None:
    where = {"host": "h.example", "port": 1194, "ca_file": tunnel_authority().ca_file}
    first, second = OpenVpnUdpCheck(**where, **user()).sends()
    assert first.what.endswith("without a server name")
    assert second.what.startswith("OpenVPN login inside that TLS, and data: 20 echo requests")
    assert second.what.endswith("to the server inside")
    assert [s.what for s in OpenVpnUdpCheck(**where, **user(), data=0).sends()][1] == (
        "OpenVPN login inside that TLS"
    )
    (only,) = OpenVpnUdpCheck(**where).sends()
    assert only.what.endswith("without a server name or certificate")
