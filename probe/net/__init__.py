"""The network as an argument: what a check may do to the world, and nothing more.

``real`` does it with sockets; ``fake`` does it from a script, for tests. A check cannot tell them
apart. Everything raises what the operating system raises; nothing here is classified. ``hops``
sends what must not get far, as a ``Tracer``.
"""

from typing import NamedTuple, Protocol

from probe.core.address import Endpoint


class Stream(Protocol):
    """One byte stream: a TCP connection, or TLS over one."""

    @property
    def local_ip(self) -> str | None:
        """This end's address, so that it can be scrubbed from results; None if unknown."""

    async def receive(self, limit: int = 65536) -> bytes:
        """At least one byte and at most ``limit``; empty once the peer has closed (FIN)."""

    async def send(self, data: bytes) -> None:
        """Hand all of ``data`` to the kernel."""

    def close(self) -> None:
        """Close at once; safe to call twice."""


class Datagrams(Protocol):
    """A UDP socket that is connected to one endpoint and hears only from it."""

    @property
    def local_ip(self) -> str | None:
        """This end's address, so that it can be scrubbed from results; None if unknown."""

    async def send(self, data: bytes) -> None:
        """Send one datagram."""

    async def receive(self) -> bytes:
        """The next datagram, whole."""

    def close(self) -> None:
        """Close at once; safe to call twice."""


class Network(Protocol):
    """The three things that checks are built from."""

    async def lookup(self, host: str) -> tuple[str, ...]:
        """Addresses of a name as this machine's own resolver gives them, in its order.

        Raises socket.gaierror. An IP literal is given back as it is.
        """

    async def connect(self, endpoint: Endpoint) -> Stream:
        """A TCP connection from a fresh source port."""

    async def datagrams(self, endpoint: Endpoint) -> Datagrams:
        """A UDP socket from a fresh source port, connected so that ICMP errors reach it."""


class Hop(NamedTuple):
    """Who answered a packet that was sent with a limited TTL, and how.

    ``address`` is the sender of the answer as it claims to be, None where the kernel keeps it back.
    ``icmp`` names an ICMP error (``net.icmp``), ``answer`` anything else: ``syn_ack``, ``rst`` or
    ``datagram``. ``reached`` says that it came under the destination's own address.
    """

    address: str | None
    icmp: str | None = None
    answer: str | None = None
    reached: bool = False


class LimitedStream(Stream, Protocol):
    """A TCP connection whose packets can be kept from getting far."""

    def limit(self, ttl: int) -> None:
        """Let what is sent from here on, repetitions included, pass ``ttl`` - 1 routers."""

    def close(self) -> None:
        """Close at once, for the peer too, and repeat nothing that is still unacknowledged."""


class TracingUnavailableError(Exception):
    """This system gives us no means to trace; that says nothing about the network."""


class Tracer(Protocol):
    """Packets with a limited TTL, each from a fresh source port.

    Each call waits for an answer for as long as it is let.
    """

    def require(self, ip: str) -> None:
        """Raise TracingUnavailableError unless this system can trace to such an address (IPv4 or
        IPv6). Sends nothing."""

    async def datagram(self, endpoint: Endpoint, ttl: int, payload: bytes) -> Hop:
        """Send one UDP datagram."""

    async def syn(self, endpoint: Endpoint, ttl: int) -> Hop:
        """Send a SYN, and close at once if it is answered."""

    async def connect(self, endpoint: Endpoint) -> LimitedStream:
        """A TCP connection, dialled with the system's ordinary TTL."""
