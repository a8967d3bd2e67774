"""Asks a real wireguard-go: run as a program in a network namespace of its own, whose only devices
are loopback and the tunnels that wireguard-go makes. Prints what each scene left, as JSON.

    python -m vpn.wg FOLDER
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loopback.probing import Probe
from support.programs import HERE, exists, running
from support.relay import Passes, all_but_first, everything, nothing, udp_answering, udp_relay
from vpn.ike import prove
from vpn.outcome import outcome

from probe.checks.kit import Timeouts
from probe.checks.wireguard import decode_key
from probe.core.model import Step
from probe.wire.wireguard import Initiator

PORT = 51820
PATIENT = Timeouts(first_byte=10.0)
SHORT = Timeouts(first_byte=2.0)  # where silence is what is due


def wg(*arguments: str, given: str = "") -> str:
    done = subprocess.run(
        ["wg", *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def key(folder: Path, name: str) -> tuple[str, str]:
    """A new private key in a file, and its public one."""
    private = wg("genkey")
    path = folder / name
    path.write_text(private + "\n")
    return str(path), wg("pubkey", given=private)


FLOOD = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect(("127.0.0.1", int(sys.argv[1])))
packet = bytes.fromhex(sys.argv[2])
for _ in range(2_000_000):
    try:
        sock.send(packet)
    except OSError:
        pass
"""


@contextmanager
def flood(packet: bytes) -> Iterator[None]:
    """Keep the server busy with one initiation after another, whose mac1 is right."""
    command = [sys.executable, "-c", FLOOD, str(PORT), packet.hex()]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


# What is sent through the tunnel, and what the way does with messages of data, there and back.
PATHS: dict[str, tuple[Passes, Passes]] = {
    "echo": (everything, everything),
    "echo by IPv6": (everything, everything),
    "nobody inside": (everything, everything),
    "address of another peer": (everything, everything),
    "lossy": (lambda number, _: number % 4 != 0, lambda number, _: number % 5 != 0),
    "stopped there": (lambda number, _: number <= 6, everything),
    "stopped back": (everything, lambda number, _: number <= 6),
    "stopped both ways": (lambda number, _: number <= 9, lambda number, _: number <= 9),
    "no data there": (nothing, everything),
    "no data back": (everything, nothing),
}


def data_only(passes: Passes) -> Passes:
    """What this says of messages of data, which are counted; all others pass."""
    count = itertools.count(1)
    return lambda _, data: data[0] != 4 or passes(next(count), data)


@contextmanager
def server(folder: Path, private: str, *peers: tuple[str, ...]) -> Iterator[None]:
    socket = Path("/var/run/wireguard/probe0.sock")
    environment = {"WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "error"}
    command = ["wireguard-go", "-f", "probe0"]
    with running(command, folder / "log", exists(socket), environment=environment):
        told = ["set", "probe0", "listen-port", str(PORT), "private-key", private]
        for number, peer in enumerate(peers, 2):
            allowed = f"10.99.0.{number}/32,fd99::{number}/128"
            told += ["peer", peer[0], "allowed-ips", allowed, *peer[1:]]
        wg(*told)
        for words in (
            ["address", "add", "10.99.0.1/24", "dev", "probe0"],
            ["address", "add", "fd99::1/64", "dev", "probe0", "nodad"],
            ["link", "set", "probe0", "up"],
        ):
            subprocess.run(["ip", *words], check=True)
        yield
    socket.unlink(missing_ok=True)


async def data_scenes(folder: Path, server_key: str, scene: Callable[..., Any]) -> None:
    """The same with packets through the tunnel, over every path at once: a peer for each."""
    peers = [key(folder, f"peer{number}") for number in range(len(PATHS))]

    async def over(number: int, name: str) -> None:
        ours, theirs = f"10.99.0.{number}", "10.99.0.1"
        if name == "echo by IPv6":
            ours, theirs = f"fd99::{number}", "fd99::1"
        elif name == "nobody inside":
            theirs = "10.99.0.200"
        elif name == "address of another peer":
            ours = "10.99.0.2"
        there, back = map(data_only, PATHS[name])
        options = {"private_key_file": peers[number - 2][0]}
        async with udp_relay(PORT, there=there, back=back) as port:
            inside = {"tunnel_address": ours, "tunnel_peer": theirs}
            await scene(name, port=port, **options, **inside)

    with server(folder, server_key, *((public,) for _, public in peers)):
        await asyncio.gather(*(over(number, name) for number, name in enumerate(PATHS, 2)))


async def scenes(folder: Path) -> dict[str, Any]:
    """What is measured in which situation."""
    probe = Probe(folder / "objects")
    found: dict[str, Any] = {}
    steps: dict[str, tuple[Step, ...]] = {}
    server_key, server_public = key(folder, "server")
    ours, ours_public = key(folder, "ours")
    other, _ = key(folder, "other")
    psk = folder / "psk"
    psk.write_text(wg("genpsk"))

    async def scene(
        name: str, timeouts: Timeouts = PATIENT, port: int = PORT, **options: Any
    ) -> None:
        given = {"public_key": server_public, "private_key_file": ours, **options}
        given = {option: value for option, value in given.items() if value}
        measurement = await probe(f"wireguard://{HERE}:{port}", given, timeouts=timeouts)
        assert measurement.invalid is None, measurement.invalid
        found[name] = [(s.op, s.failure, s.detail) for s in measurement.steps]
        steps[name] = measurement.steps

    with server(folder, server_key, (ours_public,)):
        await scene("right key")
        await scene("again")
        await scene("wrong key", SHORT, private_key_file=other)
        await scene("no key", SHORT, private_key_file=None)
        await scene("wrong server key", SHORT, public_key=ours_public)
        async with udp_relay(PORT, there=all_but_first(1)) as port:
            await scene("first packet lost", port=port)
        async with udp_relay(PORT, back=nothing) as port:
            await scene("answers lost", SHORT, port=port)
        # Not at once after an answer: for 20 ms the server passes over whatever the same peer asks.
        async with udp_relay(PORT, back=all_but_first(1)) as port:
            await scene("first answer lost", port=port)
        stranger = Initiator(os.urandom(32), decode_key(server_public))
        with flood(stranger.initiation(datetime.now(UTC))):
            for _ in range(40):
                await scene("under load", SHORT)
                if found["under load"][0][2].get("answer") == "cookie":
                    break
    with server(folder, server_key, (ours_public, "preshared-key", str(psk))):
        await scene("psk", psk_file=str(psk))
        await scene("psk missing")
    await data_scenes(folder, server_key, scene)
    await scene("stopped")
    async with udp_answering(lambda _: os.urandom(92)) as port:
        await scene("garbage", SHORT, port=port)
    async with udp_answering(lambda data: b"\2\0\0\0" + bytes(4) + data[4:8] + bytes(80)) as port:
        await scene("forged", port=port)
    found["outcomes"] = {name: outcome("wireguard", left) for name, left in steps.items()}
    found["with a control"] = {
        name: outcome("wireguard", left, there=steps["echo"]) for name, left in steps.items()
    }
    return found


if __name__ == "__main__":
    prove()
    print(json.dumps(asyncio.run(scenes(Path(sys.argv[1])))))
