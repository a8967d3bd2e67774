"""Asks a real pptpd: run as a program in a network namespace of its own, whose only device is
loopback, because pptpd takes no port but 1723. Prints a JSON object of what each scene left.

    python -m vpn.pptpd FOLDER
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopback.probing import Probe
from support.programs import HERE, listens, program, running
from support.relay import nothing, tcp_answering, tcp_relay
from vpn.ike import prove
from vpn.outcome import outcome

from probe.checks.kit import Timeouts

PORT = 1723
SETTINGS = """option {folder}/options
localip 192.0.2.1
remoteip 192.0.2.10-20
listen {here}
"""
PATIENT = Timeouts(first_byte=10.0)
SHORT = Timeouts(first_byte=1.0)  # where silence is what is due


@contextmanager
def pptpd(folder: Path) -> Iterator[None]:
    folder.mkdir()
    (folder / "options").touch()
    settings = folder / "pptpd.conf"
    settings.write_text(SETTINGS.format(folder=folder, here=HERE))
    command = [program("pptpd"), "--fg", "--conf", str(settings), "--pidfile", str(folder / "pid")]
    with running(command, folder / "log", listens(PORT)):
        yield


async def scenes(folder: Path) -> dict[str, Any]:
    """What is measured in which situation."""
    probe = Probe(folder / "objects")
    found: dict[str, Any] = {"outcomes": {}}

    async def scene(name: str, port: int = PORT, timeouts: Timeouts = PATIENT) -> None:
        measurement = await probe(f"pptp://{HERE}:{port}", timeouts=timeouts)
        assert measurement.invalid is None
        found[name] = [(s.op, s.transaction, s.failure, s.detail) for s in measurement.steps]
        found["outcomes"][name] = outcome("pptp", measurement.steps)

    with pptpd(folder / "server"):
        await scene("answered")
        async with tcp_relay(PORT, back=nothing) as port:
            await scene("answers lost", port, SHORT)
        async with tcp_relay(PORT, back=lambda number, _: number == 1) as port:
            await scene("goodbye lost", port, SHORT)
    await scene("stopped")
    async with tcp_answering(lambda _: b"SSH-2.0-garbage\r\n") as port:
        await scene("garbage", port)
    async with tcp_answering(lambda data: data) as port:
        await scene("echo", port)
    return found


if __name__ == "__main__":
    prove()
    print(json.dumps(asyncio.run(scenes(Path(sys.argv[1])))))
