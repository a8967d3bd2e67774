"""The STUN check against coturn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.programs import HERE, Running, free_ports, listens, program, running
from support.relay import all_but_first, nothing, udp_answering, udp_relay
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Measurement

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=2.0)  # where silence is what is due


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Running]]:
    """A server that anybody may ask, and its port."""
    (port,) = free_ports(1)
    command = [
        program("turnserver", "coturn"),
        *("--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout"),
        *("--simple-log", "--listening-ip", HERE, "--relay-ip", HERE),
        *("--listening-port", str(port), "--pidfile", str(tmp_path / "pid")),
        *("--userdb", str(tmp_path / "users"), "-c", "/dev/null"),
    ]
    with running(command, tmp_path / "log", listens(port), folder=tmp_path) as up:
        yield port, up


async def asked(tmp_path: Path, port: int, timeouts: Timeouts | None = None) -> Measurement:
    more: Any = {"timeouts": timeouts} if timeouts else {}
    return await Probe(tmp_path / "objects")(f"stun://{HERE}:{port}", **more)


async def test_it_answers_and_our_address_stays_out_of_the_results(
    server: tuple[int, Running], tmp_path: Path
) -> None:
    (step,) = (await asked(tmp_path, server[0])).steps
    assert (step.op, step.failure, step.detail["mapped"]) == ("stun_binding", None, True)


async def test_a_lost_packet_is_followed_by_a_new_one(
    server: tuple[int, Running], tmp_path: Path
) -> None:
    async with udp_relay(server[0], there=all_but_first(1)) as port:
        (step,) = (await asked(tmp_path, port)).steps
    assert (step.failure, step.detail["packets"] > 1) == (None, True)
    async with udp_relay(server[0], back=nothing) as port:
        (step,) = (await asked(tmp_path, port, SHORT)).steps
    assert step.failure == "generic_timeout_error"


async def test_stopped_it_leaves_a_closed_port(server: tuple[int, Running], tmp_path: Path) -> None:
    server[1].stop()
    (step,) = (await asked(tmp_path, server[0])).steps
    assert (step.op, step.failure) == ("stun_binding", "connection_refused")


async def test_garbage_is_told_from_an_answer(tmp_path: Path) -> None:
    async with udp_answering(lambda _: b"garbage") as port:
        (step,) = (await asked(tmp_path, port, SHORT)).steps
    assert (step.failure, step.detail["strays"] > 0) == ("generic_timeout_error", True)
    async with udp_answering(lambda data: data) as port:
        (step,) = (await asked(tmp_path, port)).steps
    assert step.failure == "unknown_failure: malformed stun reply"
