"""Logs in at real OpenVPN servers and sends packets through their tunnels: run as a program in a
network namespace of its own, whose only devices are loopback and the servers' tunnels. Prints what
each scene left, as JSON.

    python -m vpn.openvpn_data FOLDER
"""

import asyncio
import itertools
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from loopback.probing import Probe
from support.client_certificate import TunnelAuthority
from support.programs import HERE, Running, program, running, says
from support.relay import Passes, everything, nothing, udp_relay
from vpn.ike import prove
from vpn.openvpn import READY

from probe.checks.kit import Timeouts

PATIENT: Final = Timeouts(late_answers=0.05)
SHORT: Final = Timeouts(first_byte=3.0)  # where silence may be what is due
ALL: Final = "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305"
DATA: Final = 9  # the opcode of data
CHECKER: Final = """#!/bin/sh
test "$(sed -n 1p "$1")" = alice && test "$(sed -n 2p "$1")" = "it's me"
"""

# By the servers' names: the transport, and their own words beside those of all.
KEEP: Final = "--keepalive 2 60"
ASKING: Final = "--script-security 2 --auth-user-pass-verify CHECKER via-file"
KINDS: Final[dict[str, tuple[str, str]]] = {
    "any": ("udp", f"--duplicate-cn {KEEP} --data-ciphers {ALL}"),
    "tcp": ("tcp", f"--duplicate-cn {KEEP} --data-ciphers CHACHA20-POLY1305"),
    "aes-128": ("udp", f"{KEEP} --data-ciphers AES-128-GCM"),
    "crypt": ("udp", f"{KEEP} --data-ciphers CHACHA20-POLY1305 --tls-crypt STATIC"),
    "crypt-tcp": ("tcp", f"{KEEP} --tls-crypt STATIC"),
    "old": ("udp", f"--duplicate-cn {KEEP} --tls-version-max 1.2"),
    "once": ("udp", KEEP),  # one tunnel for each certificate
    "user": (
        "udp",
        f"--duplicate-cn {KEEP} --verify-client-cert none {ASKING}",
    ),
    "both": (
        "tcp",
        f"--duplicate-cn {KEEP} {ASKING}",
    ),
    "mute": ("udp", "--duplicate-cn"),  # promises no pings
    "slow": ("udp", "--duplicate-cn --keepalive 60 180"),
    "net30": ("udp", f"{KEEP} --topology net30"),
    "ipv6": ("udp", f"{KEEP} --server-ipv6 fd98:0:0:SUBNET::/64"),
    "lzo": ("udp", f"{KEEP} --allow-compression yes --comp-lzo no --push 'comp-lzo no'"),
    "stub": ("udp", f"{KEEP} --allow-compression yes --compress stub --push 'compress stub'"),
    "stub-v2": (
        "udp",
        f"{KEEP} --allow-compression yes --compress stub-v2 --push 'compress stub-v2'",
    ),
    "cbc": ("udp", f"{KEEP} --data-ciphers AES-256-CBC --cipher AES-256-CBC"),
    "tap": ("udp", KEEP),
    "going": ("udp", KEEP),
    "bye": ("udp", f"{KEEP} --explicit-exit-notify 1"),
}

# What the way does with packets of data, there and back.
PATHS: Final[dict[str, tuple[Passes, Passes]]] = {
    "lossy": (lambda number, _: number % 4 != 0, lambda number, _: number % 5 != 0),
    "stopped there": (lambda number, _: number <= 6, everything),
    "stopped back": (everything, lambda number, _: number <= 6),
    "no data there": (nothing, everything),
    "no data back": (everything, nothing),
}


def data_only(passes: Passes) -> Passes:
    """What this says of packets of data, which are counted; all others pass."""
    count = itertools.count(1)
    return lambda _, data: data[0] >> 3 != DATA or passes(next(count), data)


def flow_until(data_packets: int) -> Passes:
    """Everything passes until so many packets of data have, and then nothing does."""
    count = 0

    def passes(_: int, data: bytes) -> bool:
        nonlocal count
        count += data[0] >> 3 == DATA
        return count <= data_packets

    return passes


class Servers:
    """All of them at once, each with a network of its own inside its tunnel."""

    def __init__(self, folder: Path, authority: TunnelAuthority) -> None:
        self._folder, self._authority = folder, authority
        self._names = list(KINDS)
        self.ca_file = authority.ca_file
        self.static = folder / "static"
        made = [program("openvpn"), "--genkey", "secret", str(self.static)]
        subprocess.run(made, check=True, capture_output=True)
        self._checker = folder / "checker"
        self._checker.write_text(CHECKER)
        self._checker.chmod(0o700)
        self.running: dict[str, Running] = {}
        self._authority("server", server=True)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name in KINDS:
                self.running[name] = stack.enter_context(self._started(name))
            yield

    def port(self, name: str) -> int:
        return 11000 + self._names.index(name)

    def url(self, name: str, port: int | None = None) -> str:
        return f"openvpn+{KINDS[name][0]}://{HERE}:{port or self.port(name)}"

    def nobody(self, name: str) -> str:
        """An address inside the tunnel that nobody has."""
        return f"10.98.{self._names.index(name) + 1}.200"

    async def arrived(self, name: str, count: int) -> None:
        """Wait until so many packets have come out of a server's tunnel."""
        deadline = time.monotonic() + 30.0
        while self._come_out(f"probe{self._names.index(name) + 1}") < count:
            assert time.monotonic() < deadline, name
            await asyncio.sleep(0.02)

    def _come_out(self, device: str) -> int:
        """The third column is what the kernel has received (proc_net(5))."""
        rows = map(str.split, Path("/proc/net/dev").read_text().splitlines())
        return next(int(row[2]) for row in rows if row[0] == f"{device}:")

    @contextmanager
    def _started(self, name: str) -> Iterator[Running]:
        transport, more = KINDS[name]
        subnet = self._names.index(name) + 1
        initial = "--connect-freq-initial 1000 1" if transport == "udp" else ""
        common = f"""--dev probe{subnet} --dev-type {"tap" if name == "tap" else "tun"}
            --server 10.98.{subnet}.0 255.255.255.0 --topology subnet --dh none --verb 3
            --local {HERE} --port {self.port(name)}
            --proto {"udp4" if transport == "udp" else "tcp4-server"} {initial}
            --ca ca.pem --cert server.pem --key server.key"""
        places = {"STATIC": str(self.static), "CHECKER": str(self._checker), "SUBNET": str(subnet)}
        for old, new in places.items():
            more = more.replace(old, new)
        command = [program("openvpn"), *common.split(), *shlex.split(more)]
        log = self._folder / f"{name}.log"
        folder = Path(self._authority.ca_file).parent
        with running(command, log, says(READY), folder=folder) as up:
            yield up


Scene = Callable[..., Coroutine[Any, Any, None]]


async def data_scenes(servers: Servers, scene: Scene) -> None:
    """What passes through tunnels, over every path at once."""

    async def over(name: str, options: dict[str, Any]) -> None:
        there, back = map(data_only, PATHS[name])
        async with udp_relay(servers.port("any"), there=there, back=back) as port:
            await scene(name, "any", port=port, **options)

    async def cut(name: str, **options: Any) -> None:
        """The flow is stopped, in one direction."""
        async with udp_relay(servers.port("any"), there=flow_until(6)) as port:
            await scene(name, "any", port=port, **options)

    async def taken_away() -> None:
        """Somebody logs in with the same certificate, while answers are held up on the way."""
        back = data_only(lambda number, _: number <= 6)
        async with udp_relay(servers.port("once"), back=back) as port:
            first = asyncio.create_task(scene("taken away", "once", port=port))
            await servers.arrived("once", 6)
            await scene("taking away", "once", data=0)
            await first

    async def going(name: str, kind: str) -> None:
        first = asyncio.create_task(scene(name, kind, data=30))
        await servers.arrived(kind, 3)
        servers.running[kind].process.terminate()
        await first

    crypt = {"tls_crypt_file": str(servers.static)}
    await asyncio.gather(
        scene("echo", "any"),
        scene("tcp", "tcp"),
        scene("aes-128", "aes-128"),
        scene("crypt", "crypt", **crypt),
        scene("crypt-tcp", "crypt-tcp", **crypt),
        scene("old", "old"),
        scene("net30", "net30"),
        scene("ipv6", "ipv6", tunnel_peer=f"fd98:0:0:{list(KINDS).index('ipv6') + 1}::1"),
        *(scene(name, name) for name in ("lzo", "stub", "stub-v2", "tap", "cbc")),
    )
    await asyncio.gather(
        scene("nobody inside", "any", tunnel_peer=servers.nobody("any")),
        scene("nobody inside, nothing promised", "mute", tunnel_peer=servers.nobody("mute")),
        scene("nobody inside, pings too rare", "slow", tunnel_peer=servers.nobody("slow")),
        scene("nobody inside tcp", "tcp", tunnel_peer=servers.nobody("tcp")),
        *(over(name, {}) for name in PATHS),
        cut("cut there"),
        cut("cut there, nobody inside", tunnel_peer=servers.nobody("any")),
        taken_away(),
        going("server stopped", "going"),
        going("server says goodbye", "bye"),
    )


async def login_scenes(servers: Servers, scene: Scene, stranger: tuple[str, str]) -> None:
    """Who gets in, and who does not."""
    folder = servers.static.parent
    for name, text in (
        ("right", "alice\nit's me\n"),
        ("wrong", "alice\nit's not me\n"),
    ):
        (folder / name).write_text(text)
    nobody = {"cert_file": None, "key_file": None}
    unknown = {"cert_file": stranger[0], "key_file": stranger[1]}

    def login(name: str) -> dict[str, str]:
        return {"auth_user_pass_file": str(folder / name)}

    await asyncio.gather(
        scene("right password", "user", **nobody, **login("right")),
        scene("wrong password", "user", **nobody, **login("wrong")),
        scene("certificate and password", "both", **login("right")),
        scene("certificate and wrong password", "both", **login("wrong")),
        scene("certificate and no password", "both"),
        scene("password and no certificate", "both", **nobody, **login("right")),
        *(
            scene(f"certificate of another authority {kind}", kind, SHORT, **unknown)
            for kind in ("any", "tcp", "old")
        ),
    )


def profile(servers: Servers, folder: Path, *words: str) -> dict[str, Any]:
    """What the command makes of a profile with everything inside; and where a secret shows."""
    place = folder / "-".join(("profile", *words))
    place.mkdir()
    own = Path(servers.ca_file).parent
    blocks = {"ca": own / "ca.pem", "cert": own / "user.pem", "key": own / "user.key"}
    blocks["auth-user-pass"] = folder / "right"
    inline = "".join(f"<{name}>\n{path.read_text()}</{name}>\n" for name, path in blocks.items())
    text = f"client\nremote {HERE} {servers.port('both')} tcp\n{inline}"
    (place / "client.ovpn").write_text(text)
    command = [sys.executable, "-m", "probe", "check", "client.ovpn", *words]
    done = subprocess.run(
        [*command, "--results", "results", "--format", "json"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    kept = [path for path in (place / "results").rglob("*") if path.is_file()]
    shown = [done.stdout, done.stderr, *(path.read_bytes().decode("latin-1") for path in kept)]
    secrets = ("alice", "it's me", (own / "user.key").read_text().splitlines()[1])
    return {
        "code": done.returncode,
        "said": done.stderr,
        "verdicts": json.loads(done.stdout)["verdicts"],
        "steps": [s["op"] for s in json.loads(done.stdout)["measurements"][0]["steps"]],
        "kept": len(kept),
        "leaks": [secret for secret in secrets for text in shown if secret in text],
    }


async def scenes(folder: Path) -> dict[str, Any]:
    """What is measured in which situation."""
    probe = Probe(folder / "objects")
    found: dict[str, Any] = {}
    authority = TunnelAuthority(folder / "authority")
    certificate, key = authority("user")
    stranger = TunnelAuthority(folder / "stranger")("user")
    servers = Servers(folder, authority)

    async def scene(
        name: str,
        kind: str,
        timeouts: Timeouts = PATIENT,
        port: int | None = None,
        **options: Any,
    ) -> None:
        own = {"ca_file": authority.ca_file, "cert_file": certificate, "key_file": key}
        given = {option: value for option, value in {**own, **options}.items() if value is not None}
        measurement = await probe(servers.url(kind, port), given, timeouts=timeouts)
        assert measurement.invalid is None, (name, measurement.invalid)
        found[name] = [(s.op, s.failure, s.detail) for s in measurement.steps]

    with servers():
        await login_scenes(servers, scene, stranger)
        await data_scenes(servers, scene)
        found["profile"] = profile(servers, folder)
        found["profile of its own"] = profile(servers, folder, "--dedicated-key")
        found["any said"] = servers.running["any"].said()
    return found


if __name__ == "__main__":
    prove()
    print(json.dumps(asyncio.run(scenes(Path(sys.argv[1])))))
