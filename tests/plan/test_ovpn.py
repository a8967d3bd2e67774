"""probe.plan.ovpn: what OpenVPN's profiles say about servers, and what nobody may make them do."""

import contextlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.authority import ca_file
from support.client_certificate import tunnel_authority
from support.fuzzing import sampled
from support.openvpn import OTHER, STATIC, pem

from probe.core.strictyaml import ConfigError
from probe.plan.profile import LARGEST, is_profile, read_profile
from probe.plan.target import Aim, secrets_of
from probe.wire.openvpn.wrapping import Plain, TlsAuth, TlsCrypt

KEY = pem("OpenVPN Static key V1", STATIC).decode()
CA = Path(ca_file()).read_text()
WHOLE = f"""
# A profile as providers hand it out.
client
dev tun
; both ways, one after another
remote vpn.example.net 1194 udp
remote vpn.example.net 443 tcp
remote 192.0.2.7
remote 2001:db8::7 1195
remote-random
nobind
auth SHA512   # of the data channel, and of tls-auth
cipher AES-256-GCM
remote-cert-tls server
verify-x509-name "C=XX, CN=a server" subject
auth-user-pass
key-direction 1
<ca>
{CA}</ca>
<tls-auth>
{KEY}</tls-auth>
"""


def aims(tmp_path: Path, text: str, **options: Any) -> tuple[Aim, ...]:
    path = tmp_path / "client.ovpn"
    path.write_text(text)
    return read_profile(path, options)


def urls(tmp_path: Path, text: str) -> list[str]:
    return [aim.url for aim in aims(tmp_path, text)]


def test_every_remote_is_a_target_with_the_profiles_keys(tmp_path: Path) -> None:
    found = aims(tmp_path, WHOLE)
    assert [aim.url for aim in found] == [
        "openvpn+udp://vpn.example.net",
        "openvpn+tcp://vpn.example.net:443",
        "openvpn+udp://192.0.2.7",
        "openvpn+udp://[2001:db8::7]:1195",
    ]
    for aim in found:
        check: Any = aim.check
        assert (check.digest, check.key_direction) == ("SHA512", 1)
        assert isinstance(check.wrapping(), TlsAuth)
        assert check.ca.count("BEGIN CERTIFICATE") == CA.count("BEGIN CERTIFICATE")
        assert aim.private
        check.require()


def test_what_is_inline_is_in_no_url_no_option_and_no_text(tmp_path: Path) -> None:
    for aim in aims(tmp_path, WHOLE):
        assert secrets_of(aim.check) == ("tls_auth",)
        for shown in (aim.url, repr(aim), str(aim.common), *(s.what for s in aim.check.sends())):
            assert STATIC.hex()[:16] not in shown


def test_files_are_named_from_the_profiles_own_folder(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ta key").write_text(KEY)
    (tmp_path / "ca.crt").write_text(CA)
    text = 'remote h.example\nca ca.crt\ntls-auth "keys/ta key" 0\n'
    (aim,) = aims(tmp_path, text)
    check: Any = aim.check
    assert (check.ca_file, check.tls_auth_file) == (
        str(tmp_path / "ca.crt"),
        str(tmp_path / "keys" / "ta key"),
    )
    assert (check.digest, check.key_direction) == ("SHA1", 0)
    check.require()


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ("remote h.example", "openvpn+udp://h.example"),
        ("remote h.example 443", "openvpn+udp://h.example:443"),
        ("port 443\nremote h.example", "openvpn+udp://h.example:443"),
        ("remote h.example\nrport 443", "openvpn+udp://h.example:443"),
        ("remote h.example\nproto tcp", "openvpn+tcp://h.example"),
        ("proto tcp-client\nremote h.example", "openvpn+tcp://h.example"),
        ("proto udp6\nremote h.example 53 tcp4-client", "openvpn+tcp://h.example:53"),
        ("remote h.example 1194 tcp\nproto-force tcp\nremote h.example", "openvpn+tcp://h.example"),
        ("\ufeffremote H.Example.", "openvpn+udp://h.example"),
        ("--remote h.example", "openvpn+udp://h.example"),
        ("  remote\th.example   443 # here", "openvpn+udp://h.example:443"),
        ("remote 'h.example' \"443\"", "openvpn+udp://h.example:443"),
        ("remote h.example\r\nport 99\r\n", "openvpn+udp://h.example:99"),
        ("remote h.example\nremote h.example", "openvpn+udp://h.example"),
        (
            "remote ignored.example\nproto tcp\n<connection>\nremote h.example 80\n</connection>",
            "openvpn+tcp://h.example:80",
        ),
        (
            "<connection>\nremote h.example\nport 80\nproto tcp\n</connection>\nport 9",
            "openvpn+tcp://h.example:80",
        ),
    ],
)
def test_port_and_protocol_come_from_where_openvpn_takes_them(
    tmp_path: Path, lines: str, url: str
) -> None:
    assert urls(tmp_path, lines) == [url]


def test_a_connection_may_have_a_key_of_its_own(tmp_path: Path) -> None:
    other = pem("OpenVPN Static key V1", OTHER).decode()
    text = (
        f"<connection>\nremote a.example\n</connection>\n"
        f"<connection>\nremote b.example\n<tls-crypt>\n{other}</tls-crypt>\n</connection>\n"
    )
    first, second = aims(tmp_path, text)
    assert isinstance(first.check.wrapping(), Plain)  # type: ignore[attr-defined]
    assert isinstance(second.check.wrapping(), TlsCrypt)  # type: ignore[attr-defined]
    # A key for all connections may stand behind them.
    plain = "<connection>\nremote a.example\n</connection>\n"
    (aim,) = aims(tmp_path, f"{plain}<tls-crypt>\n{KEY}</tls-crypt>\n")
    assert isinstance(aim.check.wrapping(), TlsCrypt)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "."])
def test_what_is_no_file_is_not_opened(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for option in ("ca", "tls-auth", "tls-crypt", "tls-crypt-v2"):
        with pytest.raises(ConfigError, match="is no file"):
            aims(tmp_path, f"remote h.example\n{option} {name}")


def test_a_profile_without_a_key_is_private_too(tmp_path: Path) -> None:
    (aim,) = aims(tmp_path, "remote h.example")
    assert secrets_of(aim.check) == ()
    assert aim.private


def test_the_users_own_options_win(tmp_path: Path) -> None:
    (aim,) = aims(tmp_path, "remote h.example", addresses=["192.0.2.1"])
    assert aim.check.addresses == ("192.0.2.1",)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no server"),
        ("client\ndev tun", "names no server"),
        ("remote", "names no server"),
        ("remote h.example\nproto-force tcp", "names no server"),
        ("remote h.example\nhttp-proxy p.example 3128", "line 2: http-proxy: goes through a proxy"),
        (
            "<connection>\nremote h.example\nsocks-proxy p 1080\n</connection>",
            "line 1: connection: goes through a proxy",
        ),
        ("remote h.example\nsecret static.key", "line 2: secret: static-key mode"),
        ("server 10.8.0.0 255.255.255.0", "line 1: server: is a server's configuration"),
        ("mode server", "line 1: mode: is a server's configuration"),
        ("config other.ovpn", "line 1: config: includes another file"),
        ("remote-random-hostname", "line 1: remote-random-hostname: invents host names"),
        ("remote h.example 70000", "'70000' is no port"),
        ("remote h.example 1194 sctp", "line 1: remote: 'sctp' is no protocol"),
        ("remote 'h.example?tls_auth_file=/etc/shadow'", "is no host name"),
        ("remote u:p@h.example", "is no host name"),
        ("remote 300.1.2.3", "neither an IP address nor a name"),
        ("remote h.example\n<ca>\nabc", "line 2: <ca> has no end"),
        ("remote h.example\ntls-auth a\ntls-crypt b", "tls-auth and tls-crypt: a server has one"),
        ("remote h.example\nca " + "x" * 500, "file name too long"),
        ("remote h.example\ntls-auth a 7", "key_direction: input should be less than"),
        ("remote h.example\ntls-auth a\nauth none", "digest: 'none' is no digest"),
        ("remote h.example " + "x" * 2000, "line 1: longer than"),
        ("\n".join(f"remote h{n}.example" for n in range(80)), "there are more than 64"),
        ("remote h.example\0", "is no text file"),
    ],
)
def test_what_cannot_be_measured_is_one_line_that_says_why(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        aims(tmp_path, text)
    (line,) = caught.value.lines
    assert line.startswith(f"{tmp_path}/client.ovpn:")
    assert said in line
    assert len(line.replace(str(tmp_path), "")) < 200


def test_a_file_that_is_too_large_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "client.ovpn"
    with pytest.raises(ConfigError, match="no such file"):
        read_profile(path)
    path.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        read_profile(path)
    assert is_profile(Path("Client.OVPN"))
    assert not is_profile(Path("client.yaml"))


SCRAPS = (
    *("remote", "h.example", "1194", "udp", "proto", "port", "key-direction", "0", "tls-auth"),
    *("<ca>", "</ca>", "<connection>", "</connection>", "<tls-auth>", "[inline]"),
    *('"', "'", "\\", "#", ";"),
)
words = st.sampled_from([*SCRAPS, "\n", "\n", ""])


@sampled
@given(st.one_of(st.text(max_size=200), st.lists(words, max_size=40).map(" ".join)))
def test_nothing_but_its_own_error_comes_of_any_text(tmp_path_factory: Any, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ovpn"
    path.write_text(text, errors="surrogatepass")
    with contextlib.suppress(ConfigError):
        for aim in read_profile(path):
            assert aim.url.startswith("openvpn+")


# --- credentials ---------------------------------------------------------------------------------


@cache
def someone() -> tuple[str, str]:
    """A user's certificate and key."""
    return tunnel_authority()("someone")


def credited(text: str = "") -> str:
    """A profile with a user's certificate and key in it, and more."""
    certificate, key = (Path(name).read_text() for name in someone())
    own = f"<cert>\n{certificate}</cert>\n<key>\n{key}</key>\n"
    return f"remote h.example\n<ca>\n{CA}</ca>\n{own}{text}"


def test_what_is_somebodys_is_used_only_where_nothing_else_uses_it(tmp_path: Path) -> None:
    text = credited("<auth-user-pass>\nalice\nsecret word\n</auth-user-pass>\n")
    (plain,) = aims(tmp_path, text)
    check: Any = plain.check
    assert not check.credited()
    assert secrets_of(check) == ()
    assert check.own_credentials(proven=True) is None
    (aim,) = aims(tmp_path, text, dedicated_key=True)
    check = aim.check
    found = check.own_credentials(proven=True)
    assert (found.username, found.password) == ("alice", "secret word")
    assert found.identity.key.strip() == Path(someone()[1]).read_text().strip()
    check.require()
    assert secrets_of(check) == ("key", "auth_user_pass")
    for shown in (aim.url, repr(aim), str(aim.common), *(s.what for s in check.sends())):
        assert "secret word" not in shown
        assert found.identity.key.splitlines()[1] not in shown


def test_credentials_in_files_are_named_from_the_profiles_folder(tmp_path: Path) -> None:
    for name, path in zip(("me.crt", "me.key"), someone(), strict=True):
        (tmp_path / name).write_bytes(Path(path).read_bytes())
    (tmp_path / "login").write_text("alice\nsecret word\n")
    (tmp_path / "ca.crt").write_text(CA)
    text = "remote h.example\nca ca.crt\ncert me.crt\nkey me.key\nauth-user-pass login\n"
    (aim,) = aims(tmp_path, text, dedicated_key=True)
    check: Any = aim.check
    assert (check.cert_file, check.key_file, check.auth_user_pass_file) == tuple(
        str(tmp_path / name) for name in ("me.crt", "me.key", "login")
    )
    check.require()


def test_a_profile_without_credentials_is_one_with_the_flag_too(tmp_path: Path) -> None:
    (aim,) = aims(tmp_path, "remote h.example\n", dedicated_key=True)
    check: Any = aim.check
    assert not check.credited()


def test_a_password_that_the_client_would_ask_for_has_to_be_given(tmp_path: Path) -> None:
    for text in ("auth-user-pass\n", "auth-user-pass # asks\n"):
        with pytest.raises(ConfigError, match="auth-user-pass: names no file: give auth_user_pass"):
            aims(tmp_path, credited(text), dedicated_key=True)
        assert aims(tmp_path, credited(text))
    (tmp_path / "login").write_text("bob\nother word\n")
    given = {"dedicated_key": True, "auth_user_pass_file": str(tmp_path / "login")}
    for text in ("auth-user-pass\n", "<auth-user-pass>\nalice\nsecret word\n</auth-user-pass>\n"):
        (aim,) = aims(tmp_path, credited(text), **given)
        check: Any = aim.check
        assert check.own_credentials(proven=True).username == "bob"


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "."])
@pytest.mark.parametrize("option", ["cert", "key", "auth-user-pass"])
def test_what_is_no_file_is_not_opened_for_credentials_either(
    tmp_path: Path, option: str, name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is no file"):
        aims(tmp_path, f"remote h.example\n{option} {name}\n", dedicated_key=True)


def test_whether_nothing_else_uses_it_is_a_matter_of_yes_or_no(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dedicated_key: say true or false"):
        aims(tmp_path, "remote h.example\n", dedicated_key="yes")
