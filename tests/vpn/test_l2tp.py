"""The L2TP check against xl2tpd."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.programs import HERE, Running, free_ports, program, running, says
from support.relay import all_but_first, nothing, udp_answering, udp_relay
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Step

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=2.0)  # where silence is what is due
SETTINGS = """[global]
port = {port}
listen-addr = {here}
access control = no
debug tunnel = yes
[lns default]
ip range = 192.0.2.10-192.0.2.20
local ip = 192.0.2.1
{more}
"""


def settings(folder: Path, port: int, more: str = "") -> list[str]:
    (folder / "xl2tpd.conf").write_text(SETTINGS.format(port=port, here=HERE, more=more))
    (folder / "secrets").write_text("* * of-the-tests\n")
    files = {"-c": "xl2tpd.conf", "-s": "secrets", "-p": "pid", "-C": "control"}
    return [word for flag, name in files.items() for word in (flag, str(folder / name))]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Running]]:
    (port,) = free_ports(1)
    command = [program("xl2tpd"), "-D", *settings(tmp_path, port)]
    with running(command, tmp_path / "log", says("Listening on")) as up:
        yield port, up


async def asked(tmp_path: Path, port: int, timeouts: Timeouts | None = None) -> tuple[Step, ...]:
    more: Any = {"timeouts": timeouts} if timeouts else {}
    measurement = await Probe(tmp_path / "objects")(f"l2tp://{HERE}:{port}", **more)
    assert measurement.invalid is None
    return measurement.steps


async def test_it_answers_and_the_tunnel_is_given_up(
    server: tuple[int, Running], tmp_path: Path
) -> None:
    answered, parting = await asked(tmp_path, server[0])
    assert (answered.op, answered.failure, answered.transaction) == ("l2tp_sccrq", None, 1)
    assert answered.detail["message"] == "SCCRP"
    assert answered.detail["vendor"] == "xelerance.com"
    assert (answered.detail["packets"], answered.detail["strays"]) == (1, 0)
    assert (parting.op, parting.failure, parting.transaction) == ("l2tp_stopccn", None, 2)
    assert "Connection closed to" in server[1].said()


async def test_a_server_that_wants_a_secret_answers_without_it(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    command = [program("xl2tpd"), "-D", *settings(tmp_path, port, "challenge = yes")]
    with running(command, tmp_path / "log", says("Listening on")):
        answered, _ = await asked(tmp_path, port)
    assert (answered.failure, answered.detail["challenge"]) == (None, True)


async def test_lost_packets_are_sent_again_and_are_no_second_tunnel(
    server: tuple[int, Running], tmp_path: Path
) -> None:
    async with udp_relay(server[0], there=all_but_first(1)) as port:
        answered, parting = await asked(tmp_path, port)
    assert (answered.failure, answered.detail["packets"]) == (None, 2)
    assert parting.failure is None
    # The answer is lost: to the same request the server only says that it has it already.
    async with udp_relay(server[0], back=all_but_first(1)) as port:
        answered, parting = await asked(tmp_path, port)
    assert (answered.failure, parting.failure) == (None, None)
    assert answered.detail["message"] in {"ZLB", "SCCRP"}
    assert server[1].said().count("Connection closed to") == 2


async def test_where_every_answer_is_lost_there_is_silence(
    server: tuple[int, Running], tmp_path: Path
) -> None:
    async with udp_relay(server[0], back=nothing) as port:
        (step,) = await asked(tmp_path, port, SHORT)
    assert step.failure == "generic_timeout_error"
    assert step.detail["packets"] > 1


async def test_stopped_it_leaves_a_closed_port(server: tuple[int, Running], tmp_path: Path) -> None:
    server[1].stop()
    (step,) = await asked(tmp_path, server[0])
    assert step.failure == "connection_refused"


@pytest.mark.parametrize("answer", [lambda _: b"garbage", lambda data: data])
async def test_garbage_and_an_echo_are_no_answers(answer: Any, tmp_path: Path) -> None:
    async with udp_answering(answer) as port:
        (step,) = await asked(tmp_path, port, SHORT)
    assert step.failure == "generic_timeout_error"
    assert step.detail["strays"] > 0
