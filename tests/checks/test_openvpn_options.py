"""probe.checks.openvpn: its options, its keys, and what it says of itself beforehand."""

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.authority import ca_file
from support.kits import run_check
from support.openvpn import CLIENT, STATIC, pem
from support.openvpn_checks import AT, KIND, measured, static_key, tcp, udp, vpn
from support.records import measured as record
from support.virtual import DAY

from probe.checks import BUILT_IN, Imitable
from probe.checks.openvpn import OpenVpnUdpCheck
from probe.checks.secret import SecretError
from probe.core.address import Endpoint
from probe.judge.deciding import deciding
from probe.net.fake import FakeNetwork
from probe.plan.target import parse_target, secrets_of
from probe.wire.openvpn.wrapping import TlsAuth


@pytest.fixture
def static(tmp_path: Path) -> str:
    return static_key(tmp_path)


def test_every_address_is_asked_with_a_session_of_its_own() -> None:
    seen: list[bytes] = []

    async def noting(peer: Any) -> None:
        seen.append(await peer.receive())

    others = ("192.0.2.8", "192.0.2.9")
    net = FakeNetwork(udp={Endpoint(ip, 1194): noting for ip in others})
    check = OpenVpnUdpCheck(host="vpn.example", port=1194, addresses=others)
    done = run_check(check, net)
    assert {step.address for step in done.steps if step.address} == {f"{ip}:1194" for ip in others}
    assert len({data[1:9] for data in seen}) == len(others)


def test_a_replay_id_holds_the_date(static: str) -> None:
    seen: list[bytes] = []

    async def noting(peer: Any) -> None:
        seen.append(await peer.receive())

    measured(udp(tls_crypt_file=static), noting)
    assert int.from_bytes(seen[0][13:17], "big") == int(DAY.timestamp())


def test_what_is_recorded_decides() -> None:
    done = measured(udp(), vpn())
    whole = record("openvpn+udp", done.steps)
    assert deciding(whole).succeeded
    cut_off = record("openvpn+udp", done.steps[:1])
    assert not deciding(cut_off).succeeded


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("openvpn+udp://h?digest=SHA9", "'SHA9' is no digest"),
        ("openvpn+udp://h?key_direction=2", "less than or equal to 1"),
        ("openvpn+udp://h?tls_auth=abc", "unknown key"),
        ("openvpn+udp://h?tls_auth_file=a&tls_crypt_env=B", "give one of tls_auth and tls_crypt"),
        ("openvpn+tcp://u:p@h", "takes no user name or password"),
        ("openvpn://h", "did you mean openvpn+"),
        ("openvpn+udp://h/path", "takes no path"),
    ],
)
def test_a_wrong_option_is_told(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        parse_target(url)


def test_options_may_be_written_as_openvpn_writes_them() -> None:
    check: Any = parse_target("openvpn+udp://h?digest=RSA-SHA256&key_direction=none").check
    assert (check.port, check.digest, check.key_direction) == (1194, "SHA256", None)
    check = parse_target("openvpn+tcp://h:443?key_direction=1").check
    assert (check.port, check.key_direction) == (443, 1)


def test_a_key_that_is_not_there_or_none_is_told_before_anything_is_sent(
    static: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    udp(tls_auth_file=static).require()
    monkeypatch.setenv("KEY", pem(KIND, STATIC).decode())
    udp(tls_crypt_env="KEY").require()
    broken = tmp_path / "broken"
    broken.write_bytes(pem(KIND, STATIC[:8]))
    for options, said in (
        ({"tls_auth_file": f"{static}x"}, "no such file"),
        ({"tls_auth_file": str(broken)}, "the key holds 8 bytes in place of 256"),
        ({"tls_crypt_v2_file": static}, "the key is a 'OpenVPN Static key V1', not a"),
        ({"tls_crypt_env": "NO_SUCH"}, "the environment has no NO_SUCH"),
        ({"ca_file": static}, "no certificates in PEM form"),
        ({"ca_file": f"{static}x"}, "no such file"),
        ({"ca": "none", "ca_file": static}, "give ca or ca_file, not both"),
    ):
        with pytest.raises(SecretError, match=said) as caught:
            udp(**options).require()
        assert caught.value.key[0] in options


def test_a_target_with_a_key_is_private_and_its_key_shows_nowhere(static: str) -> None:
    check = udp(tls_auth_file=static, ca_file=ca_file())
    assert secrets_of(check) == ("tls_auth_file",)
    assert secrets_of(udp(ca_file=ca_file())) == ()
    inline = udp(tls_crypt=SecretStr(pem(KIND, STATIC).decode()))
    inline.require()
    assert secrets_of(inline) == ("tls_crypt",)
    assert STATIC.hex()[:16] not in repr(inline)


@pytest.mark.parametrize("kind", ["none", "tls-auth-1", "tls-crypt", "tls-crypt-v2"])
@pytest.mark.parametrize("make", [udp, tcp])
def test_the_first_packet_has_the_shape_of_the_real_one_and_nothing_of_it(
    tmp_path: Path, make: Any, kind: str
) -> None:
    key = tmp_path / "key"
    options: dict[str, Any] = {}
    if kind == "tls-crypt-v2":
        text = base64.encodebytes(CLIENT.key + CLIENT.wrapped).decode()
        name = "OpenVPN tls-crypt-v2 client key"
        key.write_text(f"-----BEGIN {name}-----\n{text}-----END {name}-----\n")
        options = {"tls_crypt_v2_file": str(key)}
    elif kind != "none":
        key.write_bytes(pem(KIND, STATIC))
        options = {f"{kind.removesuffix('-1').replace('-', '_')}_file": str(key)}
        options |= {"digest": "SHA256", "key_direction": 1} if kind == "tls-auth-1" else {}
    check = make(**options)
    assert isinstance(check, Imitable)
    seen: list[bytes] = []

    async def noting(peer: Any) -> None:
        seen.append(await peer.receive())

    measured(check, noting)
    first, second = check.first_packet(), check.first_packet()
    assert first.transport == ("tcp" if make is tcp else "udp")
    assert len(first.payload) == len(seen[0])
    start = 2 if make is tcp else 0
    assert first.payload[: start + 1] == seen[0][: start + 1]
    assert first.payload != second.payload
    if kind == "tls-auth-1":
        with pytest.raises(Exception, match="HMAC"):
            TlsAuth(STATIC, "SHA256", 0).open(first.payload[start:])
    if kind == "tls-crypt-v2":
        assert CLIENT.wrapped[:-2] not in first.payload
        assert first.payload[-2:] == CLIENT.wrapped[-2:]


def test_the_plan_says_what_is_readable_on_the_way(static: str) -> None:
    (sending,) = udp(tls_auth_file=static).sends()
    assert (sending.host, sending.port, sending.transport) == (AT.ip, AT.port, "udp")
    assert sending.what.startswith("OpenVPN reset over UDP (tls-auth), then TLS")
    (sending,) = tcp().sends()
    assert (sending.transport, "(without a key)" in sending.what) == ("tcp", True)
    assert {"openvpn+udp", "openvpn+tcp"} <= BUILT_IN.keys()
