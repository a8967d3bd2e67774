"""Does a PPTP server answer?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.reader import Reader
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.net import Stream
from probe.wire import pptp

_PARTING: Final = 2.0  # seconds that stopping may take


@dataclass(frozen=True, slots=True, kw_only=True)
class PptpCheck(HostCheck):
    """``pptp://host[:1723]``: start a control connection at every address, and stop it again.

    The server answers before it knows who asks; nobody is logged in, and no GRE is sent.
    """

    name: ClassVar[str] = "pptp"
    default_port: ClassVar[int | None] = 1723

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        stream = await connect(kit, transaction, endpoint)
        try:
            reader = Reader(stream, self.name)
            async with kit.trace.step(
                "pptp_start", transaction, str(endpoint), within=kit.timeouts.first_byte
            ) as detail:
                await stream.send(pptp.start())
                head = pptp.read_head(await reader.exactly(pptp.HEAD))
                rest = await reader.exactly(head.rest)
                detail["message"] = head.name
                if head.kind == pptp.START_REPLY:
                    reply = pptp.read_reply(rest)
                    detail["result"] = reply.result
                    detail["error_code"] = reply.error
                    detail["version"] = reply.version
                    detail["host"] = kit.trace.scrubber.text(reply.host)
                    detail["vendor"] = kit.trace.scrubber.text(reply.vendor)
            if head.kind == pptp.START_REPLY:
                await self._leave(kit, endpoint, stream, reader)
        finally:
            stream.close()

    async def _leave(self, kit: Kit, endpoint: Endpoint, stream: Stream, reader: Reader) -> None:
        """In a transaction of its own: the server has answered, and may end as it likes."""
        async with kit.trace.step(
            "pptp_stop",
            kit.trace.transaction(),
            str(endpoint),
            within=min(_PARTING, kit.timeouts.first_byte),
        ) as detail:
            await stream.send(pptp.stop())
            head = None
            while head is None or head.kind not in {pptp.STOP_REPLY, pptp.STOP_REQUEST}:
                head = pptp.read_head(await reader.exactly(pptp.HEAD))
                await reader.exactly(head.rest)
            detail["message"] = head.name

    def first_packet(self) -> FirstPacket:
        """A request to start, in which everybody says the same."""
        return FirstPacket("tcp", pptp.start())

    def sends(self) -> Iterable[Sending]:
        """A request to start, and one to stop."""
        yield Sending(self.host, self.port, "tcp", "PPTP request to start, then to stop, in clear")
