"""The obfs4 check against obfs4proxy."""

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.programs import HERE, Running, free_ports, program, running, says
from support.relay import nothing, tcp_answering, tcp_relay, tcp_serving
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Step

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=1.0)  # where silence is what is due
ASKED, SILENCE = "obfs4_handshake", "generic_timeout_error"


@contextmanager
def obfs4proxy(tmp_path: Path, behind: int) -> Iterator[tuple[int, str]]:
    """Its port and its cert; what it lets in goes to a port of loopback."""
    (port,) = free_ports(1)
    told = {
        "TOR_PT_MANAGED_TRANSPORT_VER": "1",
        "TOR_PT_STATE_LOCATION": str(tmp_path / "state"),
        "TOR_PT_SERVER_TRANSPORTS": "obfs4",
        "TOR_PT_SERVER_BINDADDR": f"obfs4-{HERE}:{port}",
        "TOR_PT_ORPORT": f"{HERE}:{behind}",
    }
    log = tmp_path / "obfs4proxy.log"
    with running([program("obfs4proxy")], log, says("SMETHODS DONE"), environment=told) as server:
        yield port, _cert(server)


def _cert(server: Running) -> str:
    found = re.search(r"cert=([^,\s]+)", server.said())
    assert found
    return found[1]


async def asked(
    tmp_path: Path, port: int, cert: str | None, *, silent: bool = False, **options: Any
) -> Step:
    if cert is not None:
        line = f"obfs4 {HERE}:{port} 0123456789ABCDEF cert={cert} iat-mode=0\n"
        (tmp_path / "bridge").write_text(line)
        options["bridge_file"] = str(tmp_path / "bridge")
    more: Any = {"timeouts": SHORT} if silent else {}
    measurement = await Probe(tmp_path / "objects")(f"obfs4://{HERE}:{port}", options, **more)
    assert measurement.invalid is None
    assert cert is None or cert not in str(measurement)
    return measurement.steps[-1]


async def quiet(reader: Any, _: Any) -> None:
    """The relay behind a bridge, which says nothing until it is spoken to."""
    await reader.read()


async def test_it_proves_itself_to_who_has_the_bridge_line(tmp_path: Path) -> None:
    async with tcp_serving(quiet) as behind:
        with obfs4proxy(tmp_path, behind) as (port, cert):
            for _ in range(3):
                step = await asked(tmp_path, port, cert)
                assert (step.op, step.failure, step.detail["authenticated"]) == (ASKED, None, True)
            async with tcp_relay(port) as way:
                assert (await asked(tmp_path, way, cert)).failure is None
            async with tcp_relay(port, back=nothing) as way:
                assert (await asked(tmp_path, way, cert, silent=True)).failure == SILENCE
        step = await asked(tmp_path, port, cert)  # it is stopped
        assert (step.op, step.failure) == ("connect", "connection_refused")


async def test_it_is_silent_to_another_line_and_to_none(tmp_path: Path) -> None:
    other = base64.b64encode(os.urandom(52)).decode().rstrip("=")
    async with tcp_serving(quiet) as behind:
        with obfs4proxy(tmp_path, behind) as (port, _):
            step = await asked(tmp_path, port, other, silent=True)
            assert (step.failure, step.detail["authenticated"]) == (SILENCE, False)
            assert "keyed" not in step.detail
            step = await asked(tmp_path, port, None, silent=True)
            assert (step.failure, step.detail["keyed"]) == (SILENCE, True)


async def test_garbage_is_no_answer(tmp_path: Path) -> None:
    cert = base64.b64encode(os.urandom(52)).decode()
    async with tcp_answering(lambda _: b"x" * 9000) as port:
        step = await asked(tmp_path, port, cert)
        assert step.failure == "unknown_failure: malformed obfs4 reply"
    async with tcp_answering(lambda _: b"") as port:
        assert (await asked(tmp_path, port, cert)).failure in {"eof_error", "connection_reset"}
