"""Does a data centre of Telegram's answer in its own protocol?"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.core.failure import EndOfStreamError
from probe.net import Stream
from probe.wire.mtproto import (
    Obfuscated,
    Plain,
    Transport,
    fresh_nonce,
    pack,
    read_answer,
    request,
    unpack,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MtprotoCheck(HostCheck):
    """``mtproto://host[:443]``: at every address connect, and ask what every client asks first.

    ``transport`` is how messages are framed: ``intermediate``, ``padded`` or ``abridged``;
    ``obfuscated: off`` sends them as they are. The defaults are what Telegram's own library does
    where no proxy is set (tdlib/td, td/mtproto/TcpTransport.cpp).
    """

    name: ClassVar[str] = "mtproto"
    default_port: ClassVar[int | None] = 443

    transport: Transport = "intermediate"
    obfuscated: bool = True

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        stream = await connect(kit, transaction, endpoint)
        try:
            # "dated": a server may leave a message unanswered whose id is a time far from its own.
            async with kit.trace.step(
                "mtproto_req_pq",
                transaction,
                str(endpoint),
                within=kit.timeouts.first_byte,
                dated=True,
            ) as detail:
                nonce, dressing = fresh_nonce(), self._dressing()
                asked = dressing.seal(pack(self.transport, request(nonce, kit.now())))
                await stream.send(dressing.opening + asked)
                detail["bytes_sent"] = len(dressing.opening + asked)
                answer = read_answer(await self._message(stream, dressing), nonce)
                if answer.error is not None:
                    detail["error_code"] = answer.error
                else:
                    detail["keys"] = list(answer.keys)
        finally:
            stream.close()

    async def _message(self, stream: Stream, dressing: Plain | Obfuscated) -> bytes:
        data = b""
        while (message := unpack(self.transport, data)) is None:
            piece = await stream.receive()
            if not piece:
                raise EndOfStreamError
            data += dressing.open(piece)
        return message

    def _dressing(self) -> Plain | Obfuscated:
        return Obfuscated(self.transport) if self.obfuscated else Plain(self.transport)

    def first_packet(self) -> FirstPacket:
        """The same question with another nonce, of a time drawn at random."""
        dressing, some_time = self._dressing(), int.from_bytes(os.urandom(4))
        asked = request(fresh_nonce(), datetime.fromtimestamp(some_time, UTC))
        return FirstPacket("tcp", dressing.opening + dressing.seal(pack(self.transport, asked)))

    def sends(self) -> Iterable[Sending]:
        """One small message."""
        dress = "obfuscated" if self.obfuscated else "in clear"
        yield Sending(self.host, self.port, "tcp", f"MTProto req_pq_multi, {dress}")
