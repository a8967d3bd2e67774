"""Does a first packet come back from an echo? A protocol's, or bytes that are nobody's protocol.

The echo of a control returns what it gets and has nothing to do with any target. So what passes or
is lost there by its shape alone is the path's doing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from probe.checks.harmless import PAYLOAD
from probe.checks.kit import Kit
from probe.checks.packets import answer_to, socket_to
from probe.checks.reader import Reader
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.core.failure import MalformedReplyError

_WAIT: Final = 4.0  # seconds: the echo answers at once, and a lost packet is sent again meanwhile
_AGAIN: Final = (1.0, 2.0)
_MOST: Final = (
    1200  # octets: a datagram of more may be cut into pieces, which get lost by themselves
)


def harmless(like: FirstPacket) -> FirstPacket:
    """As many printable bytes over the same transport: filters for protocols let them pass."""
    length = max(len(like.payload), len(PAYLOAD))
    if like.transport == "udp":
        length = min(length, _MOST)  # a stream is cut up anyway: there both are to be of one length
    return FirstPacket(like.transport, (PAYLOAD * (length // len(PAYLOAD) + 1))[:length])


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoCheck:
    """Not to be configured: a follow-up at a control's echo. ``make`` gives a new packet for each
    time that one is sent."""

    name: ClassVar[str] = "echo"
    default_port: ClassVar[int | None] = None

    host: str
    port: int
    make: Callable[[], FirstPacket]

    async def run(self, kit: Kit) -> None:
        """Send a packet and wait until it is back."""
        endpoint = Endpoint(self.host, self.port)
        kit.trace.scrubber.keep(self.host)
        if self.make().transport == "udp":
            await self._over_udp(kit, endpoint)
        else:
            await self._over_tcp(kit, endpoint)

    async def _over_udp(self, kit: Kit, endpoint: Endpoint) -> None:
        sent: set[bytes] = set()

        def build() -> bytes:
            payload = self.make().payload
            sent.add(payload)
            return payload

        def read(data: bytes) -> bytes | None:
            return data if data in sent else None

        async with (
            kit.trace.step("echo", kit.trace.transaction(), str(endpoint), within=_WAIT) as detail,
            socket_to(kit, endpoint) as sock,
        ):
            await answer_to(sock, detail, build, read, again=_AGAIN)

    async def _over_tcp(self, kit: Kit, endpoint: Endpoint) -> None:
        transaction = kit.trace.transaction()
        stream = await connect(kit, transaction, endpoint)
        try:
            payload = self.make().payload
            async with kit.trace.step(
                "echo", transaction, str(endpoint), within=_WAIT, bytes_sent=len(payload)
            ) as detail:
                await stream.send(payload)
                back = await Reader(stream, self.name).exactly(len(payload))
                detail["bytes"] = len(back)
                if back != payload:
                    raise MalformedReplyError(self.name, "other bytes came back")
        finally:
            stream.close()

    def sends(self) -> Iterable[Sending]:
        """One packet; a few over UDP where it gets lost."""
        packet = self.make()
        what = f"a first packet of {len(packet.payload)} bytes"
        yield Sending(self.host, self.port, packet.transport, what)
