"""A chain of routers in network namespaces, from which nothing can leave. Needs root.

``vantage - r1 - r2 - r3 - server``, joined by veth pairs alone. What is to happen at the vantage
happens in a process of its own, which is not root: it proves that, and where it is, then sends.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from probe.checks.kit import Kit
from probe.checks.trace import BUDGET, TraceCheck
from probe.core.address import Endpoint
from probe.core.trace import Stopped, Trace
from probe.net import Hop
from probe.net.fake import FakeNetwork
from probe.net.hops import RealTracer
from probe.net.trust import Trust

SPACES: Final = ("vantage", "r1", "r2", "r3", "server")
OPEN: Final = 443  # at the server, by TCP and by UDP
CLOSED: Final = 9
_NOBODY: Final = "65534"
# Who is nobody may not read a Python, or a checkout, that lies in a home closed to others: this
# one capability says that it may, and gives nothing on the network.
_READS: Final = "-all,+dac_read_search"
_AS_NOBODY: Final = (
    *("setpriv", "--reuid", _NOBODY, "--regid", _NOBODY, "--clear-groups"),
    *(f"--{kind}-caps={_READS}" for kind in ("inh", "ambient")),
    f"--bounding-set={_READS}",
)
_CAP_DAC_READ_SEARCH: Final = 1 << 2
_KERNEL: Final = (
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv6.icmp.ratelimit=0",
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    # No waiting until an address is known to be nobody else's.
    "net.ipv6.conf.all.accept_dad=0",
    "net.ipv6.conf.default.accept_dad=0",
)


def near(link: int, version: int) -> str:
    """The address of this link's end on the vantage's side."""
    return f"203.0.113.{4 * link + 1}" if version == 4 else f"2001:db8:{link + 1}::1"


def far(link: int, version: int) -> str:
    """The address of this link's other end: that of router ``link`` + 1, or of the server."""
    return f"203.0.113.{4 * link + 2}" if version == 4 else f"2001:db8:{link + 1}::2"


class Chain:
    """The namespaces, and what runs in them."""

    def __init__(self) -> None:
        self._prefix = f"phop{os.getpid()}"

    def run(self, space: str, *command: str) -> str:
        """Run a command in a namespace; its output. Raises AssertionError with what it said."""
        words = ["ip", "netns", "exec", f"{self._prefix}-{space}", *command]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def at_vantage(self, function: str, **arguments: Any) -> Any:
        """What a function of this module returns there, without root."""
        words = (*_AS_NOBODY, "env", f"PYTHONPATH={_path()}", *python(function))
        return json.loads(self.run("vantage", *words, json.dumps(arguments)))

    @contextmanager
    def built(self) -> Iterator["Chain"]:
        """Make it, with a server at its end, and take everything away again."""
        with ExitStack() as stack:
            for space in SPACES:
                _ip("netns", "add", f"{self._prefix}-{space}")
                stack.callback(_ip, "netns", "delete", f"{self._prefix}-{space}")
                self.run(space, "sysctl", "-qw", *_KERNEL)
            for link in range(len(SPACES) - 1):
                self._join(link)
            for place, space in enumerate(SPACES):
                self._configure(place, space)
                self._prove(place, space)
            stack.enter_context(self._serving())
            yield self

    def _join(self, link: int) -> None:
        one, two = (f"{self._prefix}-{space}" for space in SPACES[link : link + 2])
        peer = ("type", "veth", "peer", "name", f"up{link}", "netns", two)
        _ip("link", "add", f"down{link}", "netns", one, *peer)

    def _configure(self, place: int, space: str) -> None:
        last = len(SPACES) - 1
        lines = ["link set lo up"]
        for version, bits in ((4, 30), (6, 64)):
            if place < last:
                own = f"{near(place, version)}/{bits}"
                lines += [f"address add {own} dev down{place}", f"link set down{place} up"]
            if place > 0:
                own = f"{far(place - 1, version)}/{bits}"
                lines += [f"address add {own} dev up{place - 1}"]
                lines += [f"link set up{place - 1} up"]
            for link in range(last):
                net = f"203.0.113.{4 * link}/30" if version == 4 else f"2001:db8:{link + 1}::/64"
                if link < place - 1:
                    lines.append(f"route add {net} via {near(place - 1, version)}")
                elif link > place:
                    lines.append(f"route add {net} via {far(place, version)}")
        words = ["ip", "-n", f"{self._prefix}-{space}", "-batch", "-"]
        subprocess.run(words, input="\n".join(lines), check=True, text=True, capture_output=True)

    def _prove(self, place: int, space: str) -> None:
        """Raise unless this namespace has its own two ends of the chain, and nothing else."""
        found = json.loads(self.run(space, "ip", "-j", "link"))
        ends = {f"up{place - 1}"} if place else set()
        ends |= {f"down{place}"} if place < len(SPACES) - 1 else set()
        assert {device["ifname"] for device in found} == {"lo"} | ends, found

    @contextmanager
    def _serving(self) -> Iterator[None]:
        words = ["ip", "netns", "exec", f"{self._prefix}-server", *python("serve"), "{}"]
        env = {**os.environ, "PYTHONPATH": _path()}
        process = subprocess.Popen(words, stdout=subprocess.PIPE, env=env)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()
            process.communicate()


def unavailable() -> str | None:
    """Why the chain cannot be built here."""
    if os.geteuid() != 0:
        return "kernel: this user may make no network namespaces"
    missing = [
        tool for tool in ("ip", "sysctl", "iptables", "setpriv") if shutil.which(tool) is None
    ]
    if missing:
        return f"these programs are missing: {', '.join(missing)}"
    return None


def python(function: str) -> tuple[str, ...]:
    """The words that call a function of this module in a process of its own."""
    start = f"import sys, json, support.chain as c; c.{function}(**json.loads(sys.argv[1]))"
    return (sys.executable, "-c", start)


def _path() -> str:
    tests = Path(__file__).parents[1]
    return f"{tests}:{tests.parent}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


# --- what runs in the namespaces -----------------------------------------------------------------


def _prove() -> None:
    """Raise unless there is no way out of here, and no right on the network that root has."""
    devices = {name for _, name in socket.if_nameindex()}
    assert devices == {"lo", "down0"}, devices
    assert os.getresuid() == (int(_NOBODY),) * 3
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    held = {line.split()[0]: int(line.split()[1], 16) for line in status if line.startswith("Cap")}
    assert held["CapEff:"] | held["CapBnd:"] == _CAP_DAC_READ_SEARCH, held


def hops(ip: str, port: int, packet: str) -> None:
    """Print who answers a packet of TTL 1, 2, 3 and 4."""
    _prove()
    tracer = RealTracer()
    tracer.require(ip)

    async def one(ttl: int) -> Hop | None:
        at = Endpoint(ip, port)
        sent = tracer.datagram(at, ttl, b"x") if packet == "udp" else tracer.syn(at, ttl)
        with suppress(TimeoutError):
            return await asyncio.wait_for(sent, 20)
        return None

    print(json.dumps([asyncio.run(one(ttl)) for ttl in range(1, 5)]))


def trace(ip: str, port: int, packet: Any, server_name: str = "") -> None:
    """Print the details of a whole trace's steps, and what failed."""
    _prove()

    async def main() -> list[tuple[str, str | None, dict[str, Any]]]:
        check = TraceCheck(
            tracer=RealTracer(), packet=packet, host=ip, port=port, server_name=server_name
        )
        kit = Kit(
            net=FakeNetwork(),
            trace=Trace(asyncio.get_running_loop().time, budget=BUDGET[check.packet]),
            trust=Trust(),
            keep=lambda _: "",
            resolvers=(),
        )
        with suppress(Stopped):
            await check.run(kit)
        return [(step.op, step.failure, step.detail) for step in kit.trace.steps]

    print(json.dumps(asyncio.run(main())))


def serve() -> None:
    """Answer whatever comes, by TCP and by UDP, over IPv4 and IPv6."""

    class Echo(asyncio.Protocol, asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self._transport = transport

        def data_received(self, data: bytes) -> None:
            self._transport.write(b"hello yourself")

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self._transport.sendto(data, addr)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for ip in (far(3, 4), far(3, 6)):
            await loop.create_server(Echo, ip, OPEN)
            await loop.create_datagram_endpoint(Echo, local_addr=(ip, OPEN))
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
