"""The DTLS check against OpenSSL's server, with and without cookies, and against GnuTLS'."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.authority import pem
from support.programs import HERE, Running, free_ports, program, running, says
from support.relay import all_but_first, nothing, udp_answering, udp_relay
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Measurement

pytestmark = pytest.mark.vpn
FIRST, AGAIN, SILENCE = "dtls_client_hello", "dtls_cookie", "generic_timeout_error"
SHORT = Timeouts(first_byte=2.0)  # where silence is what is due


@contextmanager
def openssl(folder: Path, *more: str) -> Iterator[tuple[int, Running]]:
    """OpenSSL's test server. It ends with its input, so that it gets one that never does."""
    (port,) = free_ports(1)
    endless = folder / f"endless-{port}"
    os.mkfifo(endless)
    command = [
        *("sh", "-c", f'exec "$@" <>{endless}', "sh"),
        *(program("openssl"), "s_server", "-dtls1_2", "-accept", f"{HERE}:{port}"),
        *("-cert", str(pem("a.example")), "-key", str(pem("a.example")), *more),
    ]
    with running(command, folder / "log", says("ACCEPT")) as server:
        yield port, server


@contextmanager
def gnutls(folder: Path, *more: str) -> Iterator[tuple[int, Running]]:
    (port,) = free_ports(1)
    command = [
        *(program("gnutls-serv", "gnutls-bin"), "--udp", "--port", str(port)),
        *("--x509certfile", str(pem("a.example")), "--x509keyfile", str(pem("a.example")), *more),
    ]
    with running(command, folder / "log", says("listening on IPv4")) as server:
        yield port, server


async def asked(tmp_path: Path, port: int, timeouts: Timeouts | None = None) -> Measurement:
    more: Any = {"timeouts": timeouts} if timeouts else {}
    return await Probe(tmp_path / "objects")(f"dtls://{HERE}:{port}", **more)


@pytest.mark.parametrize(
    "server", [openssl, lambda folder: openssl(folder, "-listen"), gnutls],
    ids=["openssl", "openssl -listen", "gnutls"],
)  # fmt: skip
async def test_it_answers_with_a_cookie_and_takes_it_back(tmp_path: Path, server: Any) -> None:
    serving: AbstractContextManager[tuple[int, Running]] = server(tmp_path)
    with serving as (port, _):
        first, second = (await asked(tmp_path, port)).steps
    assert (first.op, first.failure, first.detail["answer"]) == (FIRST, None, "hello_verify")
    assert (second.op, second.failure, second.detail["answer"]) == (AGAIN, None, "server_hello")
    assert second.detail["version"] == "DTLS 1.2"


async def test_a_server_that_likes_none_of_our_suites_says_so(tmp_path: Path) -> None:
    with openssl(tmp_path, "-cipher", "PSK-AES128-CBC-SHA256") as (port, _):
        _, second = (await asked(tmp_path, port)).steps
    assert (second.detail["answer"], second.detail["alert"]) == ("alert", "handshake_failure")


async def test_a_lost_packet_is_followed_by_another(tmp_path: Path) -> None:
    with openssl(tmp_path) as (server, _):
        for way in ("there", "back"):
            async with udp_relay(server, **{way: all_but_first(1)}) as port:
                first, second = (await asked(tmp_path, port)).steps
            assert (first.failure, first.detail["packets"] > 1) == (None, True)
            assert second.failure is None
        async with udp_relay(server, back=nothing) as port:
            (step,) = (await asked(tmp_path, port, SHORT)).steps
        assert (step.op, step.failure) == (FIRST, SILENCE)


async def test_a_server_that_is_stopped_leaves_a_closed_port(tmp_path: Path) -> None:
    with gnutls(tmp_path) as (port, server):
        server.stop()
        (step,) = (await asked(tmp_path, port)).steps
    assert (step.op, step.failure) == (FIRST, "connection_refused")


async def test_garbage_is_told_from_an_answer(tmp_path: Path) -> None:
    async with udp_answering(lambda _: b"garbage") as port:
        (step,) = (await asked(tmp_path, port, SHORT)).steps
    assert (step.failure, step.detail["strays"] > 0) == (SILENCE, True)
    async with udp_answering(lambda data: data) as port:
        (step,) = (await asked(tmp_path, port)).steps
    assert step.failure == "unknown_failure: malformed dtls reply"
