"""The SSTP check against PyPI's sstp-server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback.servers import Certificates
from support.programs import Running
from support.relay import nothing, tcp_relay
from vpn.asking import SHORT, Asking, ended
from vpn.tls_gateways import NAME, sstpd

pytestmark = pytest.mark.vpn
WHOLE = ["connect", "tls_handshake", "http_request", "http_response", "sstp_connect"]


@pytest.fixture
def server(tmp_path: Path, certificates: Certificates) -> Iterator[tuple[int, Running]]:
    with sstpd(tmp_path, certificates) as up:
        yield up


@pytest.fixture
def ask(tmp_path: Path, certificates: Certificates) -> Asking:
    return Asking("sstp", tmp_path, certificates.ca_file)


async def test_it_acknowledges_a_call_and_is_left_in_good_order(
    server: tuple[int, Running], ask: Asking
) -> None:
    *steps, parting = await ask(server[0])
    assert [(step.op, step.failure) for step in steps] == [(op, None) for op in WHOLE]
    assert steps[-1].detail == {"message": "CALL_CONNECT_ACK", "hashes": ["sha1", "sha256"]}
    assert (parting.op, parting.transaction, parting.failure) == ("sstp_disconnect", 2, None)
    # pppd may have left before us: then the server says so first.
    assert parting.detail["message"] in {"CALL_DISCONNECT_ACK", "CALL_DISCONNECT"}


async def test_without_its_authority_the_chain_is_recorded_and_no_more_is_asked(
    server: tuple[int, Running], ask: Asking
) -> None:
    steps = await ask(server[0], ca_file=None)
    assert ended(steps) == ("tls_handshake", "ssl_unknown_authority")
    assert steps[-1].detail["leaf"]["subject"] == NAME
    assert "sstp_connect" in [s.op for s in await ask(server[0], ca_file=None, verify=False)]
    assert "CALL_CONNECT_REQUEST" in server[1].said()


async def test_stopped_it_leaves_a_closed_port(server: tuple[int, Running], ask: Asking) -> None:
    server[1].stop()
    assert ended(await ask(server[0])) == ("connect", "connection_refused")


async def test_what_is_lost_on_the_way_back_is_silence(
    server: tuple[int, Running], ask: Asking
) -> None:
    async with tcp_relay(server[0], back=nothing) as port:
        assert ended(await ask(port, SHORT)) == ("tls_handshake", "generic_timeout_error")
