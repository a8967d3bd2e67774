"""The AnyConnect check against ocserv."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback.probing import Probe
from loopback.servers import Certificates, Loopback, Peer
from support.programs import HERE, Running
from support.relay import nothing, tcp_relay
from vpn.tls_gateways import NAME, ocserv

from probe.checks.kit import Timeouts
from probe.core.model import Step

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=1.0, tls=1.0)  # where silence is what is due
WHOLE = ["connect", "tls_handshake", "http_request", "http_response", "transfer", "expect"]


@pytest.fixture
def server(tmp_path: Path, certificates: Certificates) -> Iterator[tuple[int, Running]]:
    with ocserv(tmp_path, certificates) as up:
        yield up


class Asking:
    def __init__(self, folder: Path, ca_file: str) -> None:
        self._probe, self._ca_file = Probe(folder / "objects"), ca_file

    async def __call__(
        self, port: int, timeouts: Timeouts | None = None, **options: Any
    ) -> tuple[Step, ...]:
        more: Any = {"timeouts": timeouts} if timeouts else {}
        given = {"sni": NAME, "ca_file": self._ca_file, **options}
        measurement = await self._probe(f"anyconnect://{HERE}:{port}", given, **more)
        assert measurement.invalid is None
        return measurement.steps


@pytest.fixture
def ask(tmp_path: Path, certificates: Certificates) -> Asking:
    return Asking(tmp_path, certificates.ca_file)


async def test_it_answers_with_its_form(server: tuple[int, Running], ask: Asking) -> None:
    steps = await ask(server[0])
    assert [(step.op, step.failure) for step in steps] == [(op, None) for op in WHOLE]
    assert steps[-1].detail["wants"] == "auth-request"
    assert steps[-1].detail["form"] == "/auth"


async def test_without_its_authority_the_chain_is_recorded_and_no_more_is_asked(
    server: tuple[int, Running], ask: Asking
) -> None:
    steps = await ask(server[0], ca_file=None)
    assert (steps[-1].op, steps[-1].failure) == ("tls_handshake", "ssl_unknown_authority")
    leaf = steps[-1].detail["peer_certificates"][0]
    assert steps[-1].detail["leaf"]["subject"] == NAME
    pinned = await ask(server[0], ca_file=None, pin=leaf)
    assert (pinned[-1].op, pinned[-1].failure) == ("expect", None)


async def test_it_knows_no_such_group(server: tuple[int, Running], ask: Asking) -> None:
    steps = await ask(server[0], group="nowhere")
    assert (steps[-1].op, steps[-1].failure) == ("expect", "http_unexpected_status_code")


async def test_stopped_it_leaves_a_closed_port(server: tuple[int, Running], ask: Asking) -> None:
    server[1].stop()
    (step,) = await ask(server[0])
    assert (step.op, step.failure) == ("connect", "connection_refused")


async def test_what_is_lost_on_the_way_back_is_silence(
    server: tuple[int, Running], ask: Asking
) -> None:
    async with tcp_relay(server[0], back=nothing) as port:
        steps = await ask(port, SHORT)
    assert (steps[-1].op, steps[-1].failure) == ("tls_handshake", "generic_timeout_error")


async def test_garbage_and_silence_inside_tls_are_told_apart(
    certificates: Certificates, ask: Asking
) -> None:
    async def garbage(peer: Peer) -> None:
        await peer.receive()
        await peer.send(b"SSH-2.0-garbage\r\n")

    async with Loopback(certificates) as loopback:
        steps = await ask(loopback.listen_tls(garbage, name=NAME))
        assert (steps[-1].op, steps[-1].failure) == ("http_response", "http_request_failed")
        steps = await ask(loopback.listen_tls(lambda peer: peer.end("nothing"), name=NAME), SHORT)
        assert (steps[-1].op, steps[-1].failure) == ("http_response", "generic_timeout_error")
        steps = await ask(loopback.listen_tls(name=NAME))
        assert (steps[-1].op, steps[-1].failure) == ("http_response", "eof_error")
