"""The SOCKS5 check against microsocks, the HTTP CONNECT check against tinyproxy."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.programs import HERE, free_ports, listens, program, running
from support.relay import nothing, tcp_answering, tcp_relay
from vpn.outcome import Probe

from probe.checks.kit import Timeouts

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=1.0)  # where silence is what is due
NO, SILENCE, CLOSED = "unknown_failure: refused by the proxy", "generic_timeout_error", "eof_error"


@contextmanager
def microsocks(tmp_path: Path, *login: str) -> Iterator[int]:
    (port,) = free_ports(1)
    command = [program("microsocks"), "-i", HERE, "-p", str(port), *login]
    with running(command, tmp_path / "microsocks.log", listens(port)):
        yield port


@contextmanager
def tinyproxy(tmp_path: Path, *lines: str) -> Iterator[int]:
    (port,) = free_ports(1)
    settings = tmp_path / "tinyproxy.conf"
    told = [f"Port {port}", f"Listen {HERE}", "Timeout 20", "MaxClients 20", *lines]
    settings.write_text("\n".join([*told, ""]))
    command = [program("tinyproxy", "tinyproxy-bin"), "-d", "-c", str(settings)]
    with running(command, tmp_path / "tinyproxy.log", listens(port)):
        yield port


@asynccontextmanager
async def origin() -> AsyncIterator[int]:
    """Somebody to connect to."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), HERE, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def asked(tmp_path: Path, url: str, timeouts: Timeouts | None = None, **options: Any) -> Any:
    more: Any = {"timeouts": timeouts} if timeouts else {}
    measurement = await Probe(tmp_path / "objects")(url, options, **more)
    assert measurement.invalid is None
    return [(step.op, step.failure) for step in measurement.steps]


async def test_a_proxy_connects_where_it_is_asked_to(tmp_path: Path) -> None:
    async with origin() as there:
        (nowhere,) = free_ports(1)
        with microsocks(tmp_path) as port:
            at = f"socks5://{HERE}:{port}"
            greeted = [("connect", None), ("socks5_greeting", None)]
            assert await asked(tmp_path, at) == greeted
            found = await asked(tmp_path, at, to=f"{HERE}:{there}")
            assert found == [*greeted, ("socks5_request", None)]
            found = await asked(tmp_path, at, to=f"{HERE}:{nowhere}")
            assert found == [*greeted, ("socks5_request", NO)]


async def test_a_proxy_with_a_password_lets_in_who_has_it(tmp_path: Path) -> None:
    async with origin() as there:
        with microsocks(tmp_path, "-u", "me", "-P", "of the tests") as port:
            to = f"{HERE}:{there}"
            right = f"socks5://me:of%20the%20tests@{HERE}:{port}"
            assert (await asked(tmp_path, right, to=to))[-1] == ("socks5_request", None)
            wrong = f"socks5://me:another@{HERE}:{port}"
            assert (await asked(tmp_path, wrong, to=to))[-1] == ("socks5_login", NO)
            assert (await asked(tmp_path, f"socks5://{HERE}:{port}", to=to))[-1][1] == NO


async def test_a_tunnel_is_opened_or_refused_by_the_proxy_itself(tmp_path: Path) -> None:
    async with origin() as there:
        (nowhere,) = free_ports(1)
        with tinyproxy(tmp_path) as port:
            at = f"httpconnect://{HERE}:{port}"
            opened = await asked(tmp_path, at, to=f"{HERE}:{there}")
            steps = ("connect", "http_request", "http_response", "expect")
            assert opened == [(op, None) for op in steps]
            assert (await asked(tmp_path, at, to=f"{HERE}:{nowhere}"))[-1] == ("expect", NO)


async def test_without_a_password_the_demand_for_one_is_the_answer(tmp_path: Path) -> None:
    async with origin() as there:
        with tinyproxy(tmp_path, "BasicAuth me secret") as port:
            to = f"{HERE}:{there}"
            plain = f"httpconnect://{HERE}:{port}"
            assert (await asked(tmp_path, plain, to=to))[-1] == ("expect", None)
            right = f"httpconnect://me:secret@{HERE}:{port}"
            assert (await asked(tmp_path, right, to=to))[-1] == ("expect", None)
            wrong = f"httpconnect://me:another@{HERE}:{port}"
            assert (await asked(tmp_path, wrong, to=to))[-1] == ("expect", NO)


@pytest.mark.parametrize(
    ("proxy", "scheme", "op"),
    [(microsocks, "socks5", "socks5_greeting"), (tinyproxy, "httpconnect", "http_response")],
)
async def test_what_is_lost_on_the_way_is_silence_and_stopped_it_leaves_a_closed_port(
    tmp_path: Path, proxy: Any, scheme: str, op: str
) -> None:
    async with origin() as there:
        to = f"{HERE}:{there}"
        with proxy(tmp_path) as port:
            async with tcp_relay(port) as way:
                found = await asked(tmp_path, f"{scheme}://{HERE}:{way}", to=to)
                assert {failure for _, failure in found} == {None}
            async with tcp_relay(port, back=nothing) as way:
                found = await asked(tmp_path, f"{scheme}://{HERE}:{way}", SHORT, to=to)
                assert found[-1] == (op, SILENCE)
        found = await asked(tmp_path, f"{scheme}://{HERE}:{port}", to=to)
        assert found == [("connect", "connection_refused")]


async def test_an_answer_that_is_lost_in_the_middle_is_silence_there(tmp_path: Path) -> None:
    async with origin() as there:
        with microsocks(tmp_path) as port:
            async with tcp_relay(port, back=lambda number, _: number == 1) as way:
                at = f"socks5://{HERE}:{way}"
                later = Timeouts(first_byte=2.0)  # the greeting has to come before that
                found = await asked(tmp_path, at, later, to=f"{HERE}:{there}")
    assert found[1:] == [("socks5_greeting", None), ("socks5_request", SILENCE)]


@pytest.mark.parametrize(
    ("scheme", "op"), [("socks5", "socks5_greeting"), ("httpconnect", "http_response")]
)
async def test_garbage_and_silence_are_told_apart(tmp_path: Path, scheme: str, op: str) -> None:
    async with tcp_answering(lambda _: b"") as port:
        assert (await asked(tmp_path, f"{scheme}://{HERE}:{port}"))[-1] == (op, CLOSED)
    async with tcp_answering(lambda _: b"SSH-2.0-garbage\r\n") as port:
        (*_, (where, failure)) = await asked(tmp_path, f"{scheme}://{HERE}:{port}")
        assert where == op
        assert failure in {"unknown_failure: malformed socks5 reply", "http_request_failed"}
    with socket.create_server((HERE, 0)) as silent:  # takes the connection, and nobody reads it
        port = silent.getsockname()[1]
        assert (await asked(tmp_path, f"{scheme}://{HERE}:{port}", SHORT))[-1] == (op, SILENCE)
