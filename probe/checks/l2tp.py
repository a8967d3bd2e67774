"""Does an L2TP server answer?"""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar, Final

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.packets import answer_to, socket_to
from probe.checks.sending import FirstPacket, Sending
from probe.core.address import Endpoint
from probe.net import Datagrams
from probe.wire import l2tp
from probe.wire.l2tp import Answer, Tunnel

_PARTING: Final = 4.0  # seconds that giving the tunnel up may take
_BOTH: Final = 2  # messages of ours that the server has, once it knows of the end


@dataclass(frozen=True, slots=True, kw_only=True)
class L2tpCheck(HostCheck):
    """``l2tp://host[:1701]``: ask at every address for a tunnel, and give it up again.

    The server answers before it knows who asks; nobody is logged in.
    """

    name: ClassVar[str] = "l2tp"
    default_port: ClassVar[int | None] = 1701

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        tunnel = Tunnel()
        async with AsyncExitStack() as held:
            async with kit.trace.step(
                "l2tp_sccrq", transaction, str(endpoint), within=kit.timeouts.first_byte
            ) as detail:
                sock = await held.enter_async_context(socket_to(kit, endpoint))
                answer = await answer_to(
                    sock,
                    detail,
                    tunnel.request,
                    lambda data: l2tp.read_answer(data, tunnel.number),
                )
                detail["message"] = answer.name
                detail["challenge"] = answer.challenge
                for key in ("host", "vendor"):
                    if text := getattr(answer, key):
                        detail[key] = kit.trace.scrubber.text(text)
                for key in ("result", "error"):
                    if (code := getattr(answer, key)) is not None:
                        detail[key] = code
            if answer.kind != l2tp.STOP:
                await self._leave(kit, endpoint, sock, tunnel, answer)

    async def _leave(
        self, kit: Kit, endpoint: Endpoint, sock: Datagrams, tunnel: Tunnel, answer: Answer
    ) -> None:
        """In a transaction of its own: the server has answered, and may end as it likes."""
        async with kit.trace.step(
            "l2tp_stopccn",
            kit.trace.transaction(),
            str(endpoint),
            within=min(_PARTING, kit.timeouts.first_byte),
        ) as detail:
            while (
                not answer.tunnel
            ):  # only acknowledged so far: its answer was lost, and comes again
                answer = l2tp.read_answer(await sock.receive(), tunnel.number) or answer
            theirs = answer.tunnel

            def stopped(data: bytes) -> Answer | None:
                heard = l2tp.read_answer(data, tunnel.number)
                return heard if heard and heard.acknowledges >= _BOTH else None

            heard = await answer_to(sock, detail, lambda: tunnel.stop(theirs), stopped)
            detail["message"] = heard.name

    def first_packet(self) -> FirstPacket:
        """A request for a tunnel, which has nothing of anybody in it."""
        return FirstPacket("udp", Tunnel().request())

    def sends(self) -> Iterable[Sending]:
        """A request, and a goodbye."""
        yield Sending(self.host, self.port, "udp", "L2TP request for a tunnel (SCCRQ)")
        yield Sending(self.host, self.port, "udp", "L2TP StopCCN, if it was answered")
