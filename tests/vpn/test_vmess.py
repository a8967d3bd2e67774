"""The VMess check against v2ray."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.origins import web_origin
from support.programs import HERE, free_ports, listens, program, running
from support.relay import nothing, tcp_answering, tcp_relay
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Step
from probe.wire.vmess import Client

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=1.0)  # where silence is what is due
USER = "0b7b1c5e-6d3f-4f0a-9d57-0d3c2c1f9a11"
OTHER = "9b7b1c5e-6d3f-4f0a-9d57-0d3c2c1f9a12"
ASKED = "vmess_request"
SILENCE, CLOSED = "generic_timeout_error", "eof_error"


@contextmanager
def v2ray(tmp_path: Path) -> Iterator[int]:
    (port,) = free_ports(1)
    clients = {"clients": [{"id": USER, "alterId": 0}]}
    inbound = {"listen": HERE, "port": port, "protocol": "vmess", "settings": clients}
    settings = {"inbounds": [inbound], "outbounds": [{"protocol": "freedom", "settings": {}}]}
    (tmp_path / "v2ray.json").write_text(json.dumps(settings))
    command = [program("v2ray"), "-config", str(tmp_path / "v2ray.json")]
    with running(command, tmp_path / "v2ray.log", listens(port)):
        yield port


async def asked(
    tmp_path: Path, port: int, *, user: str | None = USER, silent: bool = False, **options: Any
) -> Step:
    """The last step of a check with this id."""
    if user is not None:
        (tmp_path / "user").write_text(f"{user}\n")
        options["uuid_file"] = str(tmp_path / "user")
    more: Any = {"timeouts": SHORT} if silent else {}
    measurement = await Probe(tmp_path / "objects")(f"vmess://{HERE}:{port}", options, **more)
    assert measurement.invalid is None
    assert USER not in str(measurement)
    return measurement.steps[-1]


async def test_it_answers_to_the_id_whether_the_place_answers_or_not(tmp_path: Path) -> None:
    seen: list[bytes] = []
    (nowhere,) = free_ports(1)
    async with web_origin(seen) as web:
        with v2ray(tmp_path) as port:
            for to in (f"{HERE}:{web}", f"localhost:{web}", f"{HERE}:{nowhere}"):
                step = await asked(tmp_path, port, to=to)
                assert (step.op, step.failure, step.detail["authenticated"]) == (ASKED, None, True)
    assert [request[:17] for request in seen] == [b"HEAD / HTTP/1.1\r\n"] * 2


async def test_it_is_silent_to_another_id_and_to_none(tmp_path: Path) -> None:
    async with web_origin() as web:
        with v2ray(tmp_path) as port:
            to = {"to": f"{HERE}:{web}", "silent": True}
            step = await asked(tmp_path, port, user=OTHER, **to)
            assert (step.failure, step.detail["authenticated"]) == (SILENCE, False)
            assert step.detail["dated"]
            assert "keyed" not in step.detail
            step = await asked(tmp_path, port, user=None, **to)
            assert (step.failure, step.detail["keyed"]) == (SILENCE, True)


async def test_it_is_silent_to_a_clock_that_is_far_off(tmp_path: Path) -> None:
    async with web_origin() as web:
        with v2ray(tmp_path) as port:
            for minutes, answers in ((0, True), (-10, False)):
                client = Client(UUID(USER))
                reader, writer = await asyncio.open_connection(HERE, port)
                now = datetime.now(UTC) + timedelta(minutes=minutes)
                writer.write(client.request(now, HERE, web, b"HEAD / HTTP/1.1\r\n\r\n"))
                try:
                    async with asyncio.timeout(20.0 if answers else 1.0):
                        said = client.feed(await reader.read(65536))
                except TimeoutError:
                    said = None
                assert (said is not None) is answers
                writer.close()
                await writer.wait_closed()


async def test_a_stopped_server_garbage_and_losses_are_told_apart(tmp_path: Path) -> None:
    async with web_origin() as web:
        to = {"to": f"{HERE}:{web}"}
        with v2ray(tmp_path) as port:
            async with tcp_relay(port) as way:
                assert (await asked(tmp_path, way, **to)).failure is None
            async with tcp_relay(port, back=nothing) as way:
                assert (await asked(tmp_path, way, silent=True, **to)).failure == SILENCE
        step = await asked(tmp_path, port, **to)
        assert (step.op, step.failure) == ("connect", "connection_refused")
        for answer in (lambda _: b"x" * 100, lambda data: data):
            async with tcp_answering(answer) as port:
                step = await asked(tmp_path, port, **to)
                assert step.failure == "unknown_failure: malformed vmess reply"
        async with tcp_answering(lambda _: b"") as port:
            assert (await asked(tmp_path, port, **to)).failure == CLOSED
