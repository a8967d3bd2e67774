"""The Shadowsocks check against shadowsocks-libev."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.origins import name_origin, web_origin
from support.programs import HERE, free_ports, listens, program, running
from support.relay import (
    all_but_first,
    nothing,
    tcp_answering,
    tcp_relay,
    udp_answering,
    udp_relay,
)
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Step

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=1.0)  # where silence is what is due
WORD = "of the tests"
TCP, UDP = "shadowsocks_relay", "shadowsocks_datagram"
SILENCE, CLOSED, REFUSED = "generic_timeout_error", "eof_error", "connection_refused"
METHODS = ("chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm")


@contextmanager
def ss_server(tmp_path: Path, method: str = METHODS[0]) -> Iterator[int]:
    (port,) = free_ports(1)
    command = [program("ss-server", "shadowsocks-libev"), "-u", "-s", HERE, "-p", str(port)]
    command += ["-k", WORD, "-m", method, "-t", "15"]
    with running(command, tmp_path / "ss-server.log", listens(port)):
        yield port


async def asked(
    tmp_path: Path, port: int, *, word: str | None = WORD, silent: bool = False, **options: Any
) -> Step:
    """The last step of a check with this password."""
    if word is not None:
        (tmp_path / "word").write_text(word)
        options["password_file"] = str(tmp_path / "word")
    more: Any = {"timeouts": SHORT} if silent else {}
    at = f"shadowsocks://{HERE}:{port}"
    measurement = await Probe(tmp_path / "objects")(at, options, **more)
    assert measurement.invalid is None
    assert WORD not in str(measurement)
    return measurement.steps[-1]


@pytest.mark.parametrize("method", METHODS)
async def test_with_the_password_it_relays_over_both_transports(
    tmp_path: Path, method: str
) -> None:
    seen: list[bytes] = []
    async with web_origin(seen) as web, name_origin() as names:
        to = {"to": f"{HERE}:{web}", "to_dns": f"{HERE}:{names}", "method": method}
        with ss_server(tmp_path, method) as port:
            step = await asked(tmp_path, port, **to)
            assert (step.op, step.failure) == (TCP, None)
            assert (step.detail["authenticated"], step.detail["status"]) == (True, 200)
            step = await asked(tmp_path, port, transport="udp", **to)
            assert (step.op, step.failure) == (UDP, None)
            assert (step.detail["authenticated"], step.detail["rcode"]) == (True, "NXDOMAIN")
            step = await asked(tmp_path, port, transport="both", **to)
            assert (step.op, step.failure) == (UDP, None)
    assert seen[0].startswith(b"HEAD / HTTP/1.1\r\n")


async def test_a_wrong_password_another_method_and_none_are_met_with_silence(
    tmp_path: Path,
) -> None:
    async with web_origin() as web, name_origin() as names:
        to = {"to": f"{HERE}:{web}", "to_dns": f"{HERE}:{names}", "silent": True}
        with ss_server(tmp_path) as port:
            found = await asyncio.gather(
                asked(tmp_path, port, word=None, **to),
                asked(tmp_path, port, word=None, transport="udp", **to),
            )
            for step in found:
                assert (step.failure, step.detail["keyed"]) == (SILENCE, True)
            for options in ({"word": "another"}, {"method": "aes-256-gcm"}):
                for transport in ("tcp", "udp"):
                    step = await asked(tmp_path, port, transport=transport, **to, **options)
                    assert step.failure == SILENCE
                    assert step.detail["authenticated"] is False
                    assert "keyed" not in step.detail


async def test_where_the_target_is_closed_it_closes_too_which_proves_nothing(
    tmp_path: Path,
) -> None:
    (nowhere,) = free_ports(1)
    with ss_server(tmp_path) as port:
        step = await asked(tmp_path, port, to=f"{HERE}:{nowhere}")
    assert (step.op, step.failure) == (TCP, CLOSED)
    assert (step.detail["authenticated"], step.detail["bytes"]) == (False, 0)


async def test_a_server_that_is_stopped_leaves_closed_ports(tmp_path: Path) -> None:
    with ss_server(tmp_path) as port:
        pass
    step = await asked(tmp_path, port)
    assert (step.op, step.failure) == ("connect", REFUSED)
    step = await asked(tmp_path, port, transport="udp")
    assert (step.op, step.failure) == (UDP, REFUSED)


async def test_garbage_and_our_own_bytes_are_no_answer(tmp_path: Path) -> None:
    malformed = "unknown_failure: malformed shadowsocks reply"
    for answer in (lambda _: b"x" * 100, lambda data: data):
        async with tcp_answering(answer) as port:
            assert (await asked(tmp_path, port)).failure == malformed
        async with udp_answering(answer) as port:
            step = await asked(tmp_path, port, transport="udp", silent=True)
            assert (step.failure, step.detail["strays"] > 0) == (SILENCE, True)


async def test_what_is_lost_on_the_way_is_silence(tmp_path: Path) -> None:
    async with web_origin() as web, name_origin() as names:
        to = {"to": f"{HERE}:{web}", "to_dns": f"{HERE}:{names}"}
        with ss_server(tmp_path) as port:
            async with tcp_relay(port) as way:
                assert (await asked(tmp_path, way, **to)).failure is None
            async with tcp_relay(port, back=nothing) as way:
                step = await asked(tmp_path, way, silent=True, **to)
                assert (step.op, step.failure, step.detail["bytes"]) == (TCP, SILENCE, 0)
            async with udp_relay(port, back=nothing) as way:
                step = await asked(tmp_path, way, silent=True, transport="udp", **to)
                assert (step.op, step.failure) == (UDP, SILENCE)
            for first in ({"there": all_but_first(1)}, {"back": all_but_first(1)}):
                async with udp_relay(port, **first) as way:
                    step = await asked(tmp_path, way, transport="udp", **to)
                    assert (step.failure, step.detail["packets"] > 1) == (None, True)
