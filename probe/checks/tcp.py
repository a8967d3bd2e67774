"""Does a TCP connection come about?

Proves that something completes the three-way handshake at the address, no more: some forged
addresses do so too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.sending import Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpCheck(HostCheck):
    """``tcp://host:port``: connect to every address of the host."""

    name: ClassVar[str] = "tcp"
    default_port: ClassVar[int | None] = None

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        stream = await connect(kit, transaction, endpoint)
        stream.close()

    def sends(self) -> Iterable[Sending]:
        """A handshake that is closed at once."""
        yield Sending(self.host, self.port, "tcp", "TCP connection, closed without data")
