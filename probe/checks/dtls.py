"""Does a DTLS server answer, as AnyConnect's data, WebRTC and some proxies have one?"""

import contextlib
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.packets import answer_to, socket_to
from probe.checks.sending import FirstPacket, Sending
from probe.core.address import Endpoint
from probe.net import Datagrams
from probe.wire.dtls import Answer, Hello, goodbye, read_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DtlsCheck(HostCheck):
    """``dtls://host:port``: a ClientHello of DTLS 1.2 to every address, without a server name.

    A cookie is brought back, in a transaction of its own: the server has answered already.
    """

    name: ClassVar[str] = "dtls"
    default_port: ClassVar[int | None] = None

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        hello, sent = Hello(), 0

        async def greet(op: str, number: int, cookie: bytes) -> Answer:
            def build() -> bytes:
                nonlocal sent
                sent += 1  # a repetition is the same message in a new record
                return hello.to_wire(sent - 1, cookie)

            def read(data: bytes) -> Answer | None:
                found = read_answer(data, sent - 1)
                # A copy of the first answer, to a repetition, is none to the cookie.
                return None if found and found.cookie and cookie else found

            async with kit.trace.step(
                op, number, str(endpoint), within=kit.timeouts.first_byte
            ) as detail:
                if not socket:
                    socket.append(await held.enter_async_context(socket_to(kit, endpoint)))
                answer = await answer_to(socket[0], detail, build, read)
                detail.update(answer=answer.kind, version=answer.version)
                if answer.suite is not None:
                    detail["cipher_suite"] = f"{answer.suite:#06x}"
                if answer.alert is not None:
                    detail["alert"] = answer.alert
            if answer.kind == "server_hello":
                with contextlib.suppress(OSError):  # it has answered; that it is gone is its affair
                    await socket[0].send(goodbye(sent))
            return answer

        socket: list[Datagrams] = []  # one for both: a cookie is good for one address and port
        async with AsyncExitStack() as held:
            answer = await greet("dtls_client_hello", transaction, b"")
            if answer.kind == "hello_verify" and answer.cookie:
                await greet("dtls_cookie", kit.trace.transaction(), answer.cookie)

    def first_packet(self) -> FirstPacket:
        """A ClientHello, which has nothing of anybody in it."""
        return FirstPacket("udp", Hello().to_wire())

    def sends(self) -> Iterable[Sending]:
        """Two packets and a close."""
        what = "DTLS 1.2 ClientHello without a server name, once more with the cookie"
        yield Sending(self.host, self.port, "udp", what)
