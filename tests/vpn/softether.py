"""Asks a real SoftEther server: run as a program in namespaces of its own, whose only device is
loopback, because its ports and its folders are compiled in. Prints a JSON object of what each
scene left.

    python -m vpn.softether FOLDER
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopback.probing import Probe
from support.programs import HERE, STARTING, listens, running
from support.relay import nothing, tcp_relay
from vpn.asking import SHORT
from vpn.ike import prove
from vpn.outcome import outcome

from probe.checks.kit import Timeouts

VPNSERVER = "/usr/libexec/softether/vpnserver/vpnserver"
PLACES = (Path("/run"), Path("/var/lib"), Path("/var/log"))  # a tmpfs over each is needed
PORTS = (443, 5555)


@contextmanager
def vpnserver(folder: Path) -> Iterator[None]:
    for place in PLACES:
        assert place.is_mount(), f"{place} is not ours"
        (place / "softether").mkdir()
    with running([VPNSERVER, "execsvc"], folder / "log", listens(*PORTS)):
        try:
            yield
        finally:  # what serves is a child of what was started, and outlives it
            subprocess.run([VPNSERVER, "stop"], check=True, stdout=sys.stderr, timeout=STARTING)


async def scenes(folder: Path) -> dict[str, Any]:
    """What is measured in which situation."""
    probe = Probe(folder / "objects")
    found: dict[str, Any] = {"outcomes": {}}

    async def scene(
        name: str, port: int = PORTS[0], timeouts: Timeouts | None = None, **options: Any
    ) -> Any:
        more: Any = {"timeouts": timeouts} if timeouts else {}
        measurement = await probe(f"softether://{HERE}:{port}", options, **more)
        assert measurement.invalid is None
        found[name] = [(s.op, s.failure, s.detail) for s in measurement.steps]
        found["outcomes"][name] = outcome("softether", measurement.steps)
        return found[name]

    with vpnserver(folder):
        steps = await scene("as it is")
        leaf = steps[-1][2]["peer_certificates"][0]
        await scene("pinned", pin=leaf)
        await scene("unverified", PORTS[1], verify=False)
        await scene("another one pinned", pin="0" * 64)
        async with tcp_relay(PORTS[0], back=nothing) as port:
            await scene("answers lost", port, SHORT, verify=False)
    await scene("stopped")
    return found


if __name__ == "__main__":
    prove()
    print(json.dumps(asyncio.run(scenes(Path(sys.argv[1])))))
