"""Does a STUN server answer, without which calls find no way?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.packets import answer_to, socket_to
from probe.checks.sending import FirstPacket, Sending
from probe.core.address import Endpoint
from probe.wire.stun import Answer, fresh_id, read_answer, request


@dataclass(frozen=True, slots=True, kw_only=True)
class StunCheck(HostCheck):
    """``stun://host[:3478]``: a Binding request over UDP to every address.

    The answer holds the vantage's own address: it is learnt, so that results do not show it.
    """

    name: ClassVar[str] = "stun"
    default_port: ClassVar[int | None] = 3478

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        sent: list[bytes] = []

        def build() -> bytes:
            sent.append(fresh_id())
            return request(sent[-1])

        def read(data: bytes) -> Answer | None:
            found = (read_answer(data, one) for one in sent)
            return next((answer for answer in found if answer is not None), None)

        async with (
            kit.trace.step(
                "stun_binding", transaction, str(endpoint), within=kit.timeouts.first_byte
            ) as detail,
            socket_to(kit, endpoint) as sock,
        ):
            answer = await answer_to(sock, detail, build, read)
            if answer.mapped:
                kit.trace.scrubber.hide(answer.mapped)
            detail["mapped"] = answer.mapped is not None
            if answer.error is not None:
                detail["error_code"] = answer.error
            if answer.software:
                detail["software"] = kit.trace.scrubber.text(answer.software)

    def first_packet(self) -> FirstPacket:
        """A Binding request, which has nothing of anybody in it."""
        return FirstPacket("udp", request(fresh_id()))

    def sends(self) -> Iterable[Sending]:
        """One small packet."""
        yield Sending(self.host, self.port, "udp", "STUN Binding request")
