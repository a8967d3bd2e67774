"""What most checks are: one question, put at every address of a host."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from probe.checks.kit import Kit
from probe.checks.resolve import endpoints
from probe.checks.steps import each
from probe.core.address import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCheck(ABC):
    """Look the name up, then ask at each address, in a transaction of its own.

    ``addresses`` are asked in place of a lookup, or beside it with ``lookup``.
    """

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    lookup: bool = False

    async def run(self, kit: Kit) -> None:
        """Look the name up, then ask at each address."""
        found = await endpoints(
            kit, self.host, self.port, pinned=self.addresses, lookup=self.lookup
        )
        self._prepare(kit)
        await each(kit, found, self._at)

    def _prepare(self, kit: Kit) -> None:  # noqa: B027  (most have nothing to prepare)
        """Have ready what no step's time may contain, such as authorities that are to be read."""

    @abstractmethod
    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        """Ask at one address, in this transaction."""
