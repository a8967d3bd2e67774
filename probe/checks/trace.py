"""Which routers answer on the way to an address, and how far on something resets a ClientHello.

A packet that starts with TTL *k* is dropped by the *k*-th router, and most routers say so. Three
kinds of packet are sent, since what interferes often looks at one kind only (CenTrace, Raman et
al. 2022): a UDP datagram, a TCP SYN, and a ClientHello on a connection that was made before.

Router addresses tell where the vantage is: those of the nearest are never recorded.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from probe.checks.harmless import PAYLOAD
from probe.checks.kit import Kit
from probe.checks.sending import Sending
from probe.core.address import Endpoint, is_local
from probe.core.model import JSON
from probe.core.scrub import SCRUBBED
from probe.core.trace import Stopped
from probe.net import Hop, LimitedStream, Tracer
from probe.net.icmp import TIME_EXCEEDED, UNKNOWN
from probe.net.trust import Policy

Packet = Literal["udp", "syn", "hello"]

MAX_TTL: Final = 20
MAX_SILENT: Final = 5  # hops after each other: whatever comes behind them does not answer either
PROBES: Final = 2  # packets for each TTL, if the first draws nothing
NEAREST: Final = 2  # TTLs whose routers are the vantage's own network, or its provider's nearest
BUDGET: Final[dict[Packet, float]] = {"udp": 12.0, "syn": 12.0, "hello": 50.0}  # seconds
_AT_ONCE: Final = 4
_GAP: Final = 0.05  # seconds between packets that are under way together: routers answer few
# Seconds. Below 1, the kernel's first repetition of a SYN (RFC 6298), so that a packet is one.
_WAIT: Final = 0.9
_HELLO_WAIT: Final = 1.5  # who resets does so within half a second (sp25-regional)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCheck:
    """Not to be configured: a follow-up at an address that is known.

    ``server_name`` and ``alpn`` are for a ``hello``.
    """

    name: ClassVar[str] = "trace"
    default_port: ClassVar[int | None] = None

    tracer: Tracer
    packet: Packet
    host: str
    port: int
    server_name: str = ""
    alpn: tuple[str, ...] = ()

    async def run(self, kit: Kit) -> None:
        """Send packets with TTL 1, 2, 3, … until one arrives."""
        kit.trace.scrubber.keep(self.host)
        if self.packet == "hello":
            await self._hellos(kit)
            return
        route = _Route(kit, self._endpoint)
        try:
            await self._hops(route)
        finally:
            route.name_routers()

    def sends(self) -> Iterable[Sending]:
        """Few small packets; a ClientHello can be read as far as it gets."""
        if self.packet == "udp":
            what = f"up to {MAX_TTL * PROBES} datagrams that expire on the way"
            yield Sending(self.host, self.port, "udp", what)
        elif self.packet == "syn":
            what = f"up to {MAX_TTL * PROBES} SYNs that expire on the way"
            yield Sending(self.host, self.port, "tcp", what)
        else:
            what = f"up to {MAX_TTL} ClientHellos, server name {self.server_name} in clear"
            yield Sending(self.host, self.port, "tcp", what)

    async def _hops(self, route: "_Route") -> None:
        for first in range(1, MAX_TTL + 1, _AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for ttl in range(first, min(first + _AT_ONCE, MAX_TTL + 1)):
                    group.create_task(self._ask(route, ttl))
                    await asyncio.sleep(_GAP)
            if route.ended():
                return

    async def _ask(self, route: "_Route", ttl: int) -> None:
        transaction = route.kit.trace.transaction()
        with suppress(Stopped):
            for _ in range(PROBES):
                packet: Awaitable[Hop] = (
                    self.tracer.datagram(route.endpoint, ttl, PAYLOAD)
                    if self.packet == "udp"
                    else self.tracer.syn(route.endpoint, ttl)
                )
                if await route.probe(transaction, ttl, packet):
                    return
            return
        route.failed = True

    async def _hellos(self, kit: Kit) -> None:
        """Upwards, and no further than the first reset: after it, the place may stay blocked for
        minutes for whatever is sent there (Bock et al. 2021), and no answer would mean anything."""
        context = kit.trust.prepare(Policy(ca_file=kit.ca_file, alpn=self.alpn))
        for ttl in range(1, MAX_TTL + 1):
            transaction = kit.trace.transaction()
            async with kit.trace.step(
                "connect", transaction, str(self._endpoint), within=kit.timeouts.connect
            ):
                stream = await self.tracer.connect(self._endpoint)
            if stream.local_ip:
                kit.trace.scrubber.hide(stream.local_ip)
            try:
                hello = client_hello(context, self.server_name)
                if await self._answered(kit, transaction, ttl, stream, hello):
                    return
            finally:
                stream.close()

    async def _answered(
        self, kit: Kit, transaction: int, ttl: int, stream: LimitedStream, hello: bytes
    ) -> bool:
        """Send the ClientHello; whether the peer, or somebody in its name, said anything."""
        detail: dict[str, JSON]
        facts: dict[str, JSON] = {"ttl": ttl, "hop": None, "icmp": None, "answer": None}
        async with kit.trace.step(
            "trace_hop",
            transaction,
            str(self._endpoint),
            within=_HELLO_WAIT + 1,
            server_name=self.server_name,
            **facts,
            reached=False,
        ) as detail:
            stream.limit(ttl)
            await stream.send(hello)
            try:
                async with asyncio.timeout(_HELLO_WAIT):
                    answer = await stream.receive()
            except ConnectionResetError:
                detail["answer"] = "rst"
                raise
            except TimeoutError as exc:
                if exc.errno is not None:
                    raise
                return False
            detail.update(answer="data" if answer else "fin", reached=True, hop=self.host)
        return True

    @property
    def _endpoint(self) -> Endpoint:
        return Endpoint(self.host, self.port)


@dataclass
class _Route:
    """What is known of the way so far."""

    kit: Kit
    endpoint: Endpoint
    failed: bool = False
    _details: list[dict[str, JSON]] = field(default_factory=list)
    _hops: dict[int, Hop] = field(default_factory=dict)
    _asked: set[int] = field(default_factory=set)

    async def probe(self, transaction: int, ttl: int, packet: Awaitable[Hop]) -> bool:
        """Wait for what one packet draws; whether that was anything. Silence is no failure."""
        detail: dict[str, JSON]
        self._asked.add(ttl)
        facts: dict[str, JSON] = {"ttl": ttl, "hop": None, "icmp": None, "answer": None}
        async with self.kit.trace.step(
            "trace_hop", transaction, str(self.endpoint), within=_WAIT + 1, **facts, reached=False
        ) as detail:
            try:
                async with asyncio.timeout(_WAIT):
                    hop = await packet
            except TimeoutError as exc:
                if exc.errno is not None:
                    raise
                return False
            self._hops[ttl] = hop
            self._details.append(detail)
            detail.update(icmp=hop.icmp, answer=hop.answer, reached=hop.reached)
            detail["hop"] = SCRUBBED if hop.address else None  # until the whole route is known
        return True

    def ended(self) -> bool:
        """Whether more packets would tell nothing more."""
        expired = {TIME_EXCEEDED, UNKNOWN}
        if self.failed or any(hop.icmp not in expired for hop in self._hops.values()):
            return True
        return max(self._asked) - max(self._hops, default=0) >= MAX_SILENT

    def name_routers(self) -> None:
        """Write down the addresses of those that do not say where the vantage is."""
        hidden = self._hidden()
        for detail in self._details:
            hop = self._hops[detail["ttl"]]
            if hop.address and hop.address not in hidden:
                detail["hop"] = hop.address

    def _hidden(self) -> set[str]:
        """The vantage's own network, and up to the first router of its provider that is seen; by
        address, since one router may answer twice."""
        public = [
            ttl
            for ttl, hop in sorted(self._hops.items())
            if hop.address and not is_local(hop.address)
        ]
        near = max([NEAREST, *public[:1]])
        return {
            hop.address
            for ttl, hop in self._hops.items()
            if hop.address
            and hop.address != self.endpoint.ip
            and (ttl <= near or is_local(hop.address))
        }


def client_hello(context: ssl.SSLContext, server_name: str) -> bytes:
    """The first flight of a real handshake, as OpenSSL writes it."""
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name)
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()
