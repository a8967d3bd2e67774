"""What gateways behind TLS have in common, where something else is behind it."""

from pathlib import Path

import pytest
from loopback.servers import Certificates, Loopback, Peer
from vpn.asking import SHORT, Asking, ended
from vpn.tls_gateways import NAME

pytestmark = pytest.mark.vpn


@pytest.fixture(params=["anyconnect", "sstp", "softether"])
def ask(request: pytest.FixtureRequest, tmp_path: Path, certificates: Certificates) -> Asking:
    return Asking(request.param, tmp_path, certificates.ca_file)


async def garbage(peer: Peer) -> None:
    await peer.receive()
    await peer.send(b"SSH-2.0-garbage\r\n")


async def a_page(peer: Peer) -> None:
    await peer.receive()
    await peer.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


async def mute(peer: Peer) -> None:
    await peer.end("nothing")


async def test_garbage_silence_and_web_servers_are_told_apart(
    certificates: Certificates, ask: Asking
) -> None:
    async with Loopback(certificates) as here:
        steps = await ask(here.listen_tls(garbage, name=NAME))
        assert ended(steps) == ("http_response", "http_request_failed")
        steps = await ask(here.listen_tls(mute, name=NAME), SHORT)
        assert ended(steps) == ("http_response", "generic_timeout_error")
        steps = await ask(here.listen_tls(name=NAME))
        assert ended(steps) == ("http_response", "eof_error")
        steps = await ask(here.listen_tls(a_page, name=NAME))
        assert ended(steps) == ("expect", "http_unexpected_status_code")


async def test_who_speaks_no_tls_is_no_gateway(certificates: Certificates, ask: Asking) -> None:
    async with Loopback(certificates) as here:
        steps = await ask(here.listen(garbage))
        assert ended(steps) == ("tls_handshake", "ssl_failed_handshake")
