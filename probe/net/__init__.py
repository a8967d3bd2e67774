"""The network as an argument: what a check may do to the world, and nothing more.

``real`` does it with sockets; ``fake`` does it from a script, for tests. A check cannot tell them
apart. Everything raises what the operating system raises; nothing here is classified.
"""

from typing import Protocol

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
