"""probe.checks.openvpn_credentials: which are taken, and that they show nowhere."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from support.client_certificate import tunnel_authority
from support.openvpn_login_checks import LOGIN, data, server, user

from probe.checks.openvpn import OpenVpnUdpCheck
from probe.checks.secret import SecretError
from probe.plan.target import parse_target, secrets_of


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
