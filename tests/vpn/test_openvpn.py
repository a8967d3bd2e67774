"""probe.checks.openvpn against the server that everybody runs: OpenVPN, from Debian."""

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from loopback.probing import Probe, failures
from loopback.servers import Certificates
from support.relay import all_but_first, nothing, tcp_answering, udp_answering, udp_relay
from vpn.openvpn import NAME, Servers

from probe.checks.kit import Timeouts
from probe.core.model import Measurement, Step

pytestmark = pytest.mark.vpn

KINDS: Final = (
    "plain", "old", "lenient", "auth", "auth-0", "auth-1", "auth-sha256", "auth-sha512",
    "crypt", "crypt-v2", "crypt-v2-cookie",
)  # fmt: skip
KEYED: Final = ("auth-0", "auth-sha256", "crypt", "crypt-v2", "crypt-v2-cookie")
# Silence is the point.
IMPATIENT: Final = Timeouts(first_byte=0.4, tls=0.4, late_answers=0.05)
UNAUTHENTICATED: Final = "unknown_failure: unauthenticated openvpn reply"
MALFORMED: Final = "unknown_failure: malformed openvpn reply"


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Servers]:
    started = Servers(tmp_path_factory.mktemp("openvpn"), certificates)
    yield started
    started.close()


def only(measurement: Measurement, op: str) -> Step:
    assert measurement.invalid is None
    (step,) = [step for step in measurement.steps if step.op == op]
    return step


def trusting(certificates: Certificates) -> dict[str, Any]:
    return {"ca_file": certificates.ca_file}


# --- the right key -------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("kind", KINDS)
async def test_the_right_key_leads_to_the_servers_certificate(
    servers: Servers, certificates: Certificates, probe: Probe, kind: str, transport: str
) -> None:
    server = servers(kind, transport)
    measurement = await probe(server.url, {**server.options, **trusting(certificates)})
    assert measurement.invalid is None
    assert failures(measurement) == []
    assert measurement.covered == "handshake"
    reset, tls = only(measurement, "openvpn_reset"), only(measurement, "tls_handshake")
    keyed = kind.startswith(("auth", "crypt"))
    assert reset.detail["authenticated"] is keyed
    assert reset.detail["keyed"] is False
    cookie = transport == "udp" if kind.startswith("crypt-v2") else None
    assert reset.detail.get("cookie") is cookie
    assert tls.detail["verify"] is True
    assert tls.detail["leaf"]["subject"] == NAME
    assert tls.detail["tls_version"] == (None if kind == "old" else "TLSv1.3")
    assert "private_root" not in tls.detail
    assert len(tls.detail["peer_certificates"]) >= 1


async def test_without_an_authority_the_certificate_is_recorded_and_not_judged(
    servers: Servers, probe: Probe
) -> None:
    measurement = await probe(servers("plain").url)
    assert failures(measurement) == []
    tls = only(measurement, "tls_handshake")
    assert tls.detail["verify"] is False
    assert tls.detail["leaf"]["subject"] == NAME


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("kind", ["plain", "old", "crypt-v2-cookie"])
async def test_the_wrong_authority_is_told_with_the_certificate(
    servers: Servers, tmp_path: Path, probe: Probe, kind: str, transport: str
) -> None:
    stranger = Certificates(tmp_path)
    server = servers(kind, transport)
    measurement = await probe(server.url, {**server.options, "ca_file": stranger.ca_file})
    assert failures(measurement) == [("tls_handshake", "ssl_unknown_authority")]
    assert only(measurement, "tls_handshake").detail["leaf"]["subject"] == NAME


# --- the wrong key, and none ---------------------------------------------------------------------


def wrong(servers: Servers, kind: str) -> dict[str, Any]:
    """The options of a probe that has another server's key."""
    options = dict(servers(kind).options)
    for name, other in (
        ("tls_auth_file", "static-2"),
        ("tls_crypt_file", "static-2"),
        ("tls_crypt_v2_file", "client-2"),
    ):
        if name in options:
            options[name] = servers.keys(other)
    return options


@pytest.mark.parametrize("kind", KEYED)
@pytest.mark.parametrize("given", ["wrong", "none"])
async def test_a_server_with_a_key_is_silent_to_everybody_else(
    servers: Servers, probe: Probe, kind: str, given: str
) -> None:
    options = wrong(servers, kind) if given == "wrong" else {}
    measurement = await probe(servers(kind).url, options, timeouts=IMPATIENT)
    assert failures(measurement) == [("openvpn_reset", "generic_timeout_error")]
    step = only(measurement, "openvpn_reset")
    assert step.detail["strays"] == 0
    assert step.detail["keyed"] is (given == "none")


@pytest.mark.parametrize("kind", KEYED)
@pytest.mark.parametrize("given", ["wrong", "none"])
async def test_over_tcp_it_closes(servers: Servers, probe: Probe, kind: str, given: str) -> None:
    options = wrong(servers, kind) if given == "wrong" else {}
    measurement = await probe(servers(kind, "tcp").url, options)
    assert failures(measurement) == [("openvpn_reset", "eof_error")]
    assert only(measurement, "openvpn_reset").detail["keyed"] is (given == "none")


@pytest.mark.parametrize(
    "change", [{"digest": "SHA1"}, {"key_direction": 0}, {"key_direction": "none"}]
)
async def test_a_wrong_digest_or_direction_is_met_with_silence(
    servers: Servers, probe: Probe, change: dict[str, Any]
) -> None:
    server = servers("auth-sha256")
    measurement = await probe(server.url, {**server.options, **change}, timeouts=IMPATIENT)
    assert failures(measurement) == [("openvpn_reset", "generic_timeout_error")]


@pytest.mark.parametrize("kind", ["auth-0", "crypt"])
async def test_a_server_without_a_key_answers_in_plain_whatever_it_is_asked(
    servers: Servers, probe: Probe, kind: str
) -> None:
    options = servers(kind).options
    measurement = await probe(servers("plain").url, options)
    assert failures(measurement) == [("openvpn_reset", UNAUTHENTICATED)]
    step = only(measurement, "openvpn_reset")
    assert step.detail["plain"] is True
    assert step.detail["strays"] >= 1


async def test_over_tcp_it_closes_on_a_key_that_it_does_not_have(
    servers: Servers, probe: Probe
) -> None:
    options = servers("auth-0").options
    measurement = await probe(servers("plain", "tcp").url, options)
    assert failures(measurement) == [("openvpn_reset", "eof_error")]


# --- no server, another one, and a path that loses packets ---------------------------------------


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_server_that_was_stopped_refuses(
    servers: Servers, probe: Probe, transport: str
) -> None:
    with servers.started("crypt", transport) as server:
        assert failures(await probe(server.url, server.options)) == []
    refused = ("connect" if transport == "tcp" else "openvpn_reset", "connection_refused")
    assert failures(await probe(server.url, server.options)) == [refused]


async def test_garbage_over_udp_is_no_answer_and_no_silence(probe: Probe) -> None:
    async with udp_answering(lambda _: secrets.token_bytes(40)) as port:
        measurement = await probe(f"openvpn+udp://127.0.0.1:{port}", timeouts=IMPATIENT)
    assert failures(measurement) == [("openvpn_reset", MALFORMED)]
    assert only(measurement, "openvpn_reset").detail["strays"] == 1


async def test_what_is_sent_back_as_it_came_is_no_answer(probe: Probe) -> None:
    async with udp_answering(lambda data: data) as port:
        measurement = await probe(f"openvpn+udp://127.0.0.1:{port}", timeouts=IMPATIENT)
    assert failures(measurement) == [("openvpn_reset", MALFORMED)]


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", bytes(64), b"\x00\x0eplease go away"],
)
async def test_garbage_over_tcp_is_told_at_once(probe: Probe, garbage: bytes) -> None:
    async with tcp_answering(lambda _: garbage) as port:
        measurement = await probe(f"openvpn+tcp://127.0.0.1:{port}")
    assert failures(measurement) == [("openvpn_reset", MALFORMED)]


async def test_a_lost_reset_is_followed_by_another(servers: Servers, probe: Probe) -> None:
    server = servers("crypt")
    async with udp_relay(server.port, there=all_but_first(1)) as port:
        measurement = await probe(f"openvpn+udp://127.0.0.1:{port}", server.options)
    assert failures(measurement) == []
    assert only(measurement, "openvpn_reset").detail["packets"] == 2


@pytest.mark.parametrize("kind", ["plain", "crypt-v2-cookie"])
@pytest.mark.parametrize("way", ["there", "back"])
async def test_what_is_lost_in_the_handshake_is_sent_again(
    servers: Servers, probe: Probe, kind: str, way: str
) -> None:
    server = servers(kind)
    async with udp_relay(server.port, **{way: lambda number, _: number != 2}) as port:
        measurement = await probe(f"openvpn+udp://127.0.0.1:{port}", server.options)
    assert failures(measurement) == []
    assert only(measurement, "tls_handshake").detail["leaf"]["subject"] == NAME


@pytest.mark.parametrize("way", ["there", "back"])
async def test_packets_that_are_dropped_on_the_way_are_silence(
    servers: Servers, probe: Probe, way: str
) -> None:
    server = servers("crypt")
    async with udp_relay(server.port, **{way: nothing}) as port:
        url = f"openvpn+udp://127.0.0.1:{port}"
        measurement = await probe(url, server.options, timeouts=IMPATIENT)
    assert failures(measurement) == [("openvpn_reset", "generic_timeout_error")]
    assert only(measurement, "openvpn_reset").detail["keyed"] is False


async def test_a_path_that_lets_only_the_reset_through_fails_in_the_handshake(
    servers: Servers, probe: Probe
) -> None:
    server = servers("crypt")
    async with udp_relay(server.port, there=lambda _, data: data[0] >> 3 == 7) as port:
        url = f"openvpn+udp://127.0.0.1:{port}"
        measurement = await probe(url, server.options, timeouts=IMPATIENT)
    assert failures(measurement) == [("tls_handshake", "generic_timeout_error")]


# --- manners -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        # It wants a certificate, which ends the session by itself.
        ("plain", "client-instance restarting"),
        ("lenient", "Received warning SSL alert: close notify"),
    ],
)
async def test_the_server_is_told_that_it_is_over(
    servers: Servers, probe: Probe, kind: str, said: str
) -> None:
    with servers.started(kind) as server:
        assert failures(await probe(server.url)) == []
        deadline = time.monotonic() + 10.0
        while said not in server.program.said():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


# --- a profile -----------------------------------------------------------------------------------


def test_a_profile_is_checked_and_its_keys_are_written_nowhere(
    servers: Servers, certificates: Certificates, tmp_path: Path
) -> None:
    over_udp, over_tcp = servers("auth-sha256"), servers("auth-sha256", "tcp")
    key = Path(servers.keys("static")).read_text()
    profile = tmp_path / "client.ovpn"
    profile.write_text(
        f"client\nauth SHA256\nkey-direction 1\n"
        f"remote 127.0.0.1 {over_udp.port} udp\nremote 127.0.0.1 {over_tcp.port} tcp\n"
        f"<ca>\n{Path(certificates.ca_file).read_text()}</ca>\n<tls-auth>\n{key}</tls-auth>\n"
    )
    words = ["check", str(profile), "--results", str(tmp_path / "results"), "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "probe", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    verdicts = {v["url"]: v for v in json.loads(done.stdout)["verdicts"]}
    assert set(verdicts) == {over_udp.url, over_tcp.url}
    for verdict in verdicts.values():
        found = [verdict[name] for name in ("outcome", "rule", "covered", "feature")]
        assert found == ["ok", "answered", "handshake", "tunnel"]
    secret = key.split("-----BEGIN OpenVPN Static key V1-----\n")[1][:32]
    written = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert written
    for text in (done.stdout, done.stderr, *(p.read_bytes().decode("latin-1") for p in written)):
        assert secret not in text


def test_silence_without_the_key_is_inconclusive(servers: Servers, tmp_path: Path) -> None:
    url = servers("crypt", "tcp").url
    words = ["check", url, "--results", str(tmp_path), "--quick", "--format", "jsonl"]
    done = subprocess.run(
        [sys.executable, "-m", "probe", *words], capture_output=True, text=True, check=False
    )
    verdict = json.loads(done.stdout)
    assert (verdict["outcome"], verdict["rule"]) == ("inconclusive", "keyed-silence")
    assert done.returncode == 1
