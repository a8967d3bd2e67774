"""The laboratory's network: namespaces joined by veth pairs, from which nothing can leave.

``with Lab(folder) as lab:`` builds it, proves that it is closed, and starts the line and the
censor; leaving it, or dying in it, takes everything away again. Needs root.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from lab.latency import Line
from lab.places import LINKS, NAMESPACES, RESOLVER, ROUTES
from lab.rules import Rule, encode
from lab.running import STARTING, Program, environment, python

_SERIAL: Final = count()
_OURS: Final = re.compile(r"plab(\d+)x\d+-[a-z]+")
_NAMED: Final = Path("/run/netns")
_SETTINGS: Final = Path("/etc/netns")  # what `ip netns exec` mounts over /etc
_KERNEL: Final = {
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv6.conf.all.accept_ra": 0,
    # Every probe of a trace is to be answered.
    "net.ipv4.icmp_ratelimit": 0,
    "net.ipv6.icmp.ratelimit": 0,
}
_FORWARDS: Final = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}
_SERVES: Final = {"net.ipv6.ip_nonlocal_bind": 1, "net.ipv4.ip_nonlocal_bind": 1}


class NotInside(RuntimeError):  # noqa: N818
    """The process or the network is not what the laboratory needs: nothing must be sent."""


def prove_inside(name: str) -> None:
    """Raise NotInside unless this process is in the laboratory's namespace of this name, which has
    no device but loopback and those that lead to the laboratory's other namespaces."""
    ours = Path("/proc/self/ns/net").stat().st_ino
    theirs = (_NAMED / name).stat().st_ino
    if _OURS.fullmatch(name) is None or ours != theirs:
        raise NotInside(f"this process is not in the network namespace {name}")
    strange = {device for _, device in socket.if_nameindex()} - devices(name)
    if strange:
        raise NotInside(f"{name} has a way out: {sorted(strange)}")


def devices(name: str) -> set[str]:
    """The devices that this namespace may have."""
    space = name.rpartition("-")[2]
    near = {link.near_device for link in LINKS if link.near == space}
    return {"lo"} | near | {link.far_device for link in LINKS if link.far == space}


def _run(*command: str, given: str | None = None) -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def clear_up(belongs: Callable[[int], bool]) -> None:
    """Remove the namespaces of those owners (process ids), and end what still runs in them."""
    spaces = [path.name for path in _NAMED.glob("plab*")] if _NAMED.exists() else []
    for name in spaces:
        found = _OURS.fullmatch(name)
        if found is None or not belongs(int(found[1])):
            continue
        with suppress(RuntimeError):
            for pid in _run("ip", "netns", "pids", name).split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            _run("ip", "netns", "delete", name)
        shutil.rmtree(_SETTINGS / name, ignore_errors=True)


def _dead(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


class Lab:
    """The network, and the programs in it. ``folder`` keeps their files and logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._prefix = f"plab{os.getpid()}x{next(_SERIAL)}"
        self._drivers: dict[str, Program] = {}

    def __enter__(self) -> Self:
        clear_up(_dead)
        self._stack.callback(self._remove)
        with ExitStack() as failing:
            failing.callback(self._stack.close)
            self._build()
            self.prove()
            self._line = self.program("transit", *python("lab.latency"))
            self._censor = self.program("router", *python("lab.censor"))
            middle = python("lab.middle", str(self.folder))
            self._middle = self.program("router", *middle)
            for started in (self._line, self._censor, self._middle):
                started.hear()
            failing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def name(self, space: str) -> str:
        """What the kernel calls one of ``places.NAMESPACES``."""
        return f"{self._prefix}-{space}"

    # --- what happens on the path ----------------------------------------------------------------

    def line(self, line: Line) -> None:
        """How the line behind the censor is from now on."""
        self._line.tell(msgspec.json.encode(line).decode())

    def censor(self, *rules: Rule) -> None:
        """What the censor does from now on; it forgets everything else, residual blocks too."""
        self._censor.tell(encode(rules))
        self._middle.tell(encode(rules))

    # --- running things --------------------------------------------------------------------------

    def inside(self, space: str) -> list[str]:
        """The words that run a command in a namespace."""
        return ["ip", "netns", "exec", self.name(space)]

    def popen(self, space: str, command: Sequence[str], **how: Any) -> "subprocess.Popen[Any]":
        """Start any command there. Its end is the caller's, at the latest the laboratory's."""
        words = ["setpriv", "--pdeathsig", "KILL", *self.inside(space), *command]
        return subprocess.Popen(words, **{"env": environment(), **how})

    def run(self, space: str, *command: str) -> str:
        """Run a command there; its output, or RuntimeError."""
        return _run(*self.inside(space), *command)

    def program(self, space: str, *command: str) -> Program:
        """Start a program that ends with the laboratory; its log is named by its last word."""
        label = re.sub(r"\W+", "-", f"{space}-{command[-1].rpartition('/')[2]}")
        program = Program([*self.inside(space), *command], self.folder / f"{label}.log")
        self._stack.callback(program.close)
        return program

    def run_python(
        self, space: str, function: str, patience: float = 60.0, **arguments: Any
    ) -> Any:
        """Call ``module:function`` with these arguments in a Python process there, and return what
        it returns; both go through JSON. The process proves first where it is, and stays for the
        next call; RuntimeError tells what the function raised."""
        if space not in self._drivers:
            driver = self.program(space, *python("lab.driver", self.name(space)))
            driver.hear()
            self._drivers[space] = driver
        call = json.dumps({"function": function, "arguments": arguments})
        answer = json.loads(self._drivers[space].tell(call, patience))
        if "raised" in answer:
            raise RuntimeError(answer["raised"])
        return answer["returned"]

    def wait_for(self, space: str, program: Program, ports: Sequence[tuple[str, int]]) -> None:
        """Wait until a program listens on these TCP addresses, as seen from its own namespace."""
        deadline = time.monotonic() + STARTING
        for host, port in ports:
            while not self.run_python(space, "lab.clients:listens", host=host, port=port):
                if program.process.poll() is not None or time.monotonic() > deadline:
                    raise program.failed(f"does not listen on {host}:{port}")
                time.sleep(0.05)

    # --- building --------------------------------------------------------------------------------

    def _build(self) -> None:
        for space in NAMESPACES:
            _run("ip", "netns", "add", self.name(space))
        for link in LINKS:
            near, far = ("netns", self.name(link.near)), ("netns", self.name(link.far))
            peer = ("type", "veth", "peer", "name", link.far_device)
            _run("ip", "link", "add", link.near_device, *near, *peer, *far)
        for space in NAMESPACES:
            self._configure(space)
            settings = _SETTINGS / self.name(space)
            settings.mkdir(parents=True)
            (settings / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")

    def _configure(self, space: str) -> None:
        kernel = dict(_KERNEL)
        kernel |= _FORWARDS if space in ("router", "transit") else {}
        kernel |= _SERVES if space in ("internet", "control") else {}
        lines = ["link set lo up"]
        for link in LINKS:
            for end, device, addresses in (
                (link.near, link.near_device, link.near_addresses),
                (link.far, link.far_device, link.far_addresses),
            ):
                if end == space:
                    # A censor and its clients are to see packets as they are on a wire.
                    off = [word for what in ("tso", "gso", "gro", "tx") for word in (what, "off")]
                    self.run(space, "ethtool", "-K", device, *off)
                    kernel[f"net.ipv6.conf.{device}.accept_dad"] = 0
                    lines += [f"address add {own} dev {device}" for own in addresses]
                    lines.append(f"link set {device} up")
        self.run(space, "sysctl", "-qw", *(f"{key}={value}" for key, value in kernel.items()))
        lines += [f"route add {route}" for route in ROUTES[space]]
        _run("ip", "-n", self.name(space), "-batch", "-", given="\n".join(lines) + "\n")

    def prove(self) -> None:
        """Raise NotInside unless every device's other end is in the laboratory too."""
        seen: dict[tuple[str, str], dict[str, Any]] = {}
        for space in NAMESPACES:
            found = json.loads(_run("ip", "-j", "-n", self.name(space), "link"))
            if {device["ifname"] for device in found} != devices(self.name(space)):
                raise NotInside(f"{space} has other devices than its own")
            seen |= {(space, device["ifname"]): device for device in found}
        for link in LINKS:
            near, far = seen[link.near, link.near_device], seen[link.far, link.far_device]
            ends = near.get("link_index"), far.get("link_index")
            if ends != (far["ifindex"], near["ifindex"]):
                raise NotInside(f"{link.near} and {link.far} are not each other's ends")

    def _remove(self) -> None:
        serial = self._prefix
        clear_up(lambda pid: serial.startswith(f"plab{pid}x"))
