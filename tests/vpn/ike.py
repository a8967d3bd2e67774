"""Asks a real charon: run as a program in a network namespace of its own, whose only device is
loopback, because charon wants the ports 500 and 4500. Prints a JSON object of what each scene left.

    python -m vpn.ike FOLDER
"""

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopback.probing import Probe
from support.programs import HERE, charon, exists, running
from support.relay import all_but_first, nothing, udp_answering, udp_relay
from vpn.outcome import outcome

from probe.checks.kit import Timeouts

SETTINGS = """charon {{
  load_modular = no
  load = random nonce openssl aes sha1 sha2 hmac gmp curve25519 kernel-netlink socket-default vici
  plugins {{ vici {{ socket = unix://{folder}/vici }} }}
  interfaces_use = lo
}}
"""
CONNECTION = """connections {
  any {
    version = 0
    proposals = aes128-sha256-modp2048,aes128-sha256-x25519,aes128-sha1-modp2048
    local {
      auth = psk
    }
    remote {
      auth = psk
    }
  }
}
secrets {
  ike-1 {
    secret = "of the tests"
  }
}
"""
EXCHANGES = ("version", "sa_init", "main_mode")
PATIENT = Timeouts(first_byte=10.0)
SHORT = Timeouts(first_byte=2.0)  # where silence is what is due


def prove() -> None:
    """Nothing can leave: there is no device but loopback."""
    devices = {name for _, name in socket.if_nameindex()}
    assert devices == {"lo"}, devices


@contextmanager
def daemon(folder: Path, *, connection: bool = True) -> Any:
    folder.mkdir()
    (folder / "strongswan.conf").write_text(SETTINGS.format(folder=folder))
    (folder / "swanctl.conf").write_text(CONNECTION if connection else "")
    environment = {"STRONGSWAN_CONF": str(folder / "strongswan.conf")}
    with running(
        charon(), folder / "log", exists(folder / "vici"), environment=environment
    ) as server:
        uri = ["--uri", f"unix://{folder}/vici", "--file", str(folder / "swanctl.conf")]
        subprocess.run(["swanctl", "--load-all", *uri], check=True, capture_output=True)
        yield server


async def scenes(folder: Path) -> dict[str, Any]:
    """What is measured in which situation."""
    probe = Probe(folder / "objects")
    found: dict[str, Any] = {"outcomes": {}}

    async def scene(name: str, port: int, timeouts: Timeouts = PATIENT, **options: Any) -> None:
        url = f"ikev2://{HERE}:{port}"
        measurement = await probe(url, options, timeouts=timeouts)
        found[name] = [(s.op, s.failure, s.detail) for s in measurement.steps]
        found["outcomes"][name] = outcome("ikev2", measurement.steps)

    async def of_each(name: str, port: int, timeouts: Timeouts = PATIENT) -> None:
        """The same for every kind of question."""
        asked = [scene(f"{name}, {e}", port, timeouts, exchange=e) for e in EXCHANGES]
        await asyncio.gather(*asked)

    async def lossy(exchange: str) -> None:
        for way in ("there", "back"):
            first: Any = {way: all_but_first(1)}
            async with udp_relay(4500, **first) as port:
                await scene(f"first lost {way}, {exchange}", port, exchange=exchange)

    with daemon(folder / "any"):
        for port in (500, 4500):
            await scene(f"version {port}", port)
            await scene(f"main mode {port}", port, exchange="main_mode")
        await scene("modp2048", 500, exchange="sa_init")
        await scene("x25519", 4500, exchange="sa_init", group="x25519")
        for number in range(6):  # until it wants a cookie, and until it has had enough
            await scene(f"often {number}", 500, SHORT, exchange="sa_init")
        await scene("version after that", 500)
    with daemon(folder / "none", connection=False):  # it keeps nothing of whom it refuses
        for exchange in EXCHANGES:
            await scene(f"no connection, {exchange}", 500, exchange=exchange)
        async with udp_relay(4500, back=nothing) as port:
            await of_each("answers lost", port, SHORT)
        await asyncio.gather(*(lossy(exchange) for exchange in EXCHANGES))
    await of_each("stopped", 500)
    async with udp_answering(lambda _: b"garbage") as port:
        await of_each("garbage", port, SHORT)
    async with udp_answering(lambda data: data) as port:
        await of_each("echo", port)
    return found


if __name__ == "__main__":
    prove()
    print(json.dumps(asyncio.run(scenes(Path(sys.argv[1])))))
