"""What does each resolver answer?"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from probe.checks.kit import Kit
from probe.checks.resolve import ask
from probe.checks.resolver import Resolver
from probe.checks.sending import Sending
from probe.core.trace import Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsCheck:
    """``dns://name?type=A&resolver=…``: ask every resolver for records of one type."""

    name: ClassVar[str] = "dns"
    default_port: ClassVar[int | None] = 53

    host: str
    port: int
    type: str = "A"

    def __post_init__(self) -> None:
        if self.port != self.default_port:
            raise ValueError(
                "dns:// takes no port: name a resolver, as in ?resolver=udp://192.0.2.1"
            )

    async def run(self, kit: Kit) -> None:
        """Ask all resolvers at once; each answer stands for itself."""
        await asyncio.gather(*(self._ask(kit, resolver) for resolver in kit.resolvers))

    async def _ask(self, kit: Kit, resolver: Resolver) -> None:
        with contextlib.suppress(Stopped):
            await ask(kit, kit.trace.transaction(), resolver, self.host, self.type)

    def sends(self) -> Iterable[Sending]:
        """Nothing but the queries, which the plan lists for every target."""
        return ()
