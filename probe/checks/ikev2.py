"""Does an IKE daemon answer, as IPsec and IKEv2 VPNs have one?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.packets import AGAIN, answer_to, socket_to
from probe.checks.sending import FirstPacket, Sending
from probe.core.address import Endpoint
from probe.core.failure import TIMEOUT
from probe.core.model import JSON
from probe.core.trace import Stopped
from probe.wire.ikev2 import (
    MARKER,
    PLAIN_PORT,
    Answer,
    Group,
    Hello,
    fresh_spi,
    main_mode,
    read_answer,
    version_probe,
)

_PATIENCE: Final = 4.0  # seconds for the light question, before the usual one is asked
_SEEN: Final = {"version": "IKE header of version 3", "main_mode": "IKEv1 main mode, proposal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ikev2Check(HostCheck):
    """``ikev2://host[:500]``: ask at every address; any answer that has our SPI proves a daemon.

    ``exchange`` says what is asked: ``version`` (default) a header of a version that nobody
    speaks, which costs the daemon nothing, and IKE_SA_INIT only if that stays unanswered;
    ``sa_init`` the latter at once, with the Diffie-Hellman ``group``; ``main_mode`` IKEv1. On
    another port than 500, as 4500, the non-ESP marker goes before every message.
    """

    name: ClassVar[str] = "ikev2"
    default_port: ClassVar[int | None] = PLAIN_PORT

    exchange: Literal["version", "sa_init", "main_mode"] = "version"
    group: Group = "modp2048"

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        if self.exchange == "main_mode":
            spi = fresh_spi()
            await self._ask(kit, transaction, endpoint, "ikev1_main_mode", spi, main_mode(spi))
            return
        if self.exchange == "version":
            spi = fresh_spi()
            try:
                await self._ask(
                    kit, transaction, endpoint, "ikev2_version", spi, version_probe(spi), _PATIENCE
                )
            except Stopped as stopped:
                if stopped.failure != TIMEOUT:
                    raise
                transaction = kit.trace.transaction()  # silence to what is no IKE says little
            else:
                return
        await self._sa_init(kit, transaction, endpoint)

    async def _sa_init(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        hello = Hello(self.group)
        answer = await self._ask(
            kit, transaction, endpoint, "ikev2_sa_init", hello.spi, hello.to_wire()
        )
        if answer.cookie:
            # The daemon has answered; whether it goes on is another matter. With many half-open
            # associations it stays silent here, and that is no failure of the path.
            again = hello.to_wire(answer.cookie)
            other = kit.trace.transaction()
            await self._ask(kit, other, endpoint, "ikev2_cookie", hello.spi, again)

    async def _ask(
        self,
        kit: Kit,
        transaction: int,
        endpoint: Endpoint,
        op: str,
        spi: bytes,
        message: bytes,
        patience: float | None = None,
    ) -> Answer:
        """One exchange. IKE repeats the very message: a daemon answers it from memory."""
        within = kit.timeouts.first_byte
        marker = self._marker()

        def read(data: bytes) -> Answer | None:
            return read_answer(data.removeprefix(marker), spi)

        def build() -> bytes:
            return marker + message

        detail: dict[str, JSON]
        async with (
            kit.trace.step(
                op, transaction, str(endpoint), within=min(within, patience or within)
            ) as detail,
            socket_to(kit, endpoint) as sock,
        ):
            again = AGAIN[:1] if patience else AGAIN
            answer = await answer_to(sock, detail, build, read, again=again)
            detail["version"] = answer.version
            detail["agreed"] = answer.agreed
            detail["notifications"] = list(answer.notifications)
            if answer.group is not None:
                detail["wanted_group"] = answer.group
        return answer

    def _marker(self) -> bytes:
        return b"" if self.port == PLAIN_PORT else MARKER

    def first_packet(self) -> FirstPacket:
        """An IKE_SA_INIT, which has nothing of anybody in it."""
        return FirstPacket("udp", self._marker() + Hello(self.group).to_wire())

    def sends(self) -> Iterable[Sending]:
        """One question, or two."""
        usual = f"IKE_SA_INIT, {self.group}"
        if self.exchange == "version":
            usual += ", if the header stays unanswered"
        if self.exchange != "sa_init":
            yield Sending(self.host, self.port, "udp", _SEEN[self.exchange])
        if self.exchange != "main_mode":
            yield Sending(self.host, self.port, "udp", usual)
