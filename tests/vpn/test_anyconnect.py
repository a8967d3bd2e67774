"""The AnyConnect check against ocserv."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback.servers import Certificates
from support.programs import Running
from support.relay import nothing, tcp_relay
from vpn.asking import SHORT, Asking, ended
from vpn.tls_gateways import NAME, ocserv

pytestmark = pytest.mark.vpn
WHOLE = ["connect", "tls_handshake", "http_request", "http_response", "transfer", "expect"]


@pytest.fixture
def server(tmp_path: Path, certificates: Certificates) -> Iterator[tuple[int, Running]]:
    with ocserv(tmp_path, certificates) as up:
        yield up


@pytest.fixture
def ask(tmp_path: Path, certificates: Certificates) -> Asking:
    return Asking("anyconnect", tmp_path, certificates.ca_file)


async def test_it_answers_with_its_form(server: tuple[int, Running], ask: Asking) -> None:
    steps = await ask(server[0])
    assert [(step.op, step.failure) for step in steps] == [(op, None) for op in WHOLE]
    assert steps[-1].detail["wants"] == "auth-request"
    assert steps[-1].detail["form"] == "/auth"


async def test_without_its_authority_the_chain_is_recorded_and_no_more_is_asked(
    server: tuple[int, Running], ask: Asking
) -> None:
    steps = await ask(server[0], ca_file=None)
    assert ended(steps) == ("tls_handshake", "ssl_unknown_authority")
    leaf = steps[-1].detail["peer_certificates"][0]
    assert steps[-1].detail["leaf"]["subject"] == NAME
    assert ended(await ask(server[0], ca_file=None, pin=leaf)) == ("expect", None)


async def test_it_knows_no_such_group(server: tuple[int, Running], ask: Asking) -> None:
    steps = await ask(server[0], group="nowhere")
    assert ended(steps) == ("expect", "http_unexpected_status_code")


async def test_stopped_it_leaves_a_closed_port(server: tuple[int, Running], ask: Asking) -> None:
    server[1].stop()
    assert ended(await ask(server[0])) == ("connect", "connection_refused")


async def test_what_is_lost_on_the_way_back_is_silence(
    server: tuple[int, Running], ask: Asking
) -> None:
    async with tcp_relay(server[0], back=nothing) as port:
        assert ended(await ask(port, SHORT)) == ("tls_handshake", "generic_timeout_error")
