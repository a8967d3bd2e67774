"""Does a port cut off whatever comes first? A payload that is no protocol's tells.

Connections to some addresses are reset at their first data byte, whatever it is (ooni/data#139):
that looks like interference with TLS until something else is sent.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from probe.checks.kit import Kit
from probe.checks.sending import Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.core.failure import EndOfStreamError
from probe.core.model import JSON

# Printable, without a name, and neither HTTP nor TLS: filters that look for those let it pass.
PAYLOAD: Final = b"harmless bytes\r\n"
_WAIT: Final = 2.0  # seconds; who resets does so within half a second (sp25-regional)


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmlessCheck:
    """Not to be configured: a follow-up at an address and port that are known.

    Silence is no failure: nothing rejected the payload.
    """

    name: ClassVar[str] = "harmless"
    default_port: ClassVar[int | None] = None

    host: str
    port: int

    async def run(self, kit: Kit) -> None:
        """Connect, send the payload, and listen for a moment."""
        endpoint = Endpoint(self.host, self.port)
        kit.trace.scrubber.keep(self.host)
        transaction = kit.trace.transaction()
        stream = await connect(kit, transaction, endpoint)
        detail: dict[str, JSON]
        try:
            async with kit.trace.step(
                "first_payload", transaction, str(endpoint), within=_WAIT + 1, bytes=len(PAYLOAD)
            ) as detail:
                await stream.send(PAYLOAD)
                try:
                    async with asyncio.timeout(_WAIT):
                        detail["answered"] = len(await stream.receive())
                except TimeoutError as exc:
                    if exc.errno is not None:
                        raise
                    detail["answered"] = None
                if detail["answered"] == 0:
                    raise EndOfStreamError
        finally:
            stream.close()

    def sends(self) -> Iterable[Sending]:
        """The payload."""
        yield Sending(self.host, self.port, "tcp", f"{len(PAYLOAD)} harmless bytes")
