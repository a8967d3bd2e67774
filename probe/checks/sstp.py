"""Does an SSTP server answer, as Windows' own VPN has them?"""

from dataclasses import dataclass
from typing import ClassVar, Final

from probe.checks.gateway import Gateway
from probe.checks.kit import Kit
from probe.checks.reader import Reader
from probe.core import failure
from probe.core.address import Endpoint
from probe.core.failure import MalformedReplyError, NamedFailure
from probe.net import Stream
from probe.wire import sstp
from probe.wire.http1 import Exchange, Head
from probe.wire.sstp import Message

_OK: Final = 200
_PACKETS: Final = 32  # that are looked at while one kind is waited for: PPP may come between
_PARTING: Final = 2.0  # seconds that a disconnection may take
_ENDS: Final = {sstp.DISCONNECT, sstp.DISCONNECT_ACK, sstp.ABORT}


class _Body:
    """The response's endless body, as a stream of its own."""

    def __init__(self, stream: Stream, http: Exchange) -> None:
        self._stream, self._http = stream, http
        self.local_ip = stream.local_ip

    async def receive(self, limit: int = 65536) -> bytes:
        while (piece := self._http.body()) is not None:
            if piece:
                return piece
            self._http.feed(await self._stream.receive(limit))
        return b""

    async def send(self, data: bytes) -> None:
        await self._stream.send(self._http.more(data))

    def close(self) -> None:
        self._stream.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SstpCheck(Gateway):
    """``sstp://host[:443]``: ask at every address for a call to be connected, and leave again.

    The server acknowledges before it knows who asks; nobody is logged in.
    """

    name: ClassVar[str] = "sstp"
    title: ClassVar[str] = "an SSTP call"

    async def ask(self, kit: Kit, transaction: int, endpoint: Endpoint, stream: Stream) -> None:
        """Open both bodies, ask, and say goodbye."""
        http = Exchange()
        head = await self._open(kit, transaction, endpoint, stream, http)
        if head.status != _OK:
            async with kit.trace.step("expect", transaction, str(endpoint), within=1.0):
                raise NamedFailure(failure.HTTP_STATUS, f"status {head.status}")
        body = _Body(stream, http)
        reader = Reader(body, self.name)
        async with kit.trace.step(
            "sstp_connect", transaction, str(endpoint), within=kit.timeouts.first_byte
        ) as detail:
            await body.send(sstp.connect_request())
            answer = await _message(reader)
            detail["message"] = answer.name
            if answer.hashes:
                detail["hashes"] = list(answer.hashes)
            if answer.status:
                detail["status"] = answer.status
        if answer.kind not in _ENDS:
            await self._leave(kit, endpoint, body, reader)

    async def _open(
        self, kit: Kit, transaction: int, endpoint: Endpoint, stream: Stream, http: Exchange
    ) -> Head:
        address, within = str(endpoint), kit.timeouts.first_byte
        headers = [("Host", self.authority), ("SSTPCORRELATIONID", sstp.correlation())]
        headers += [("Content-Length", sstp.LENGTH)]
        request = http.open(sstp.METHOD, sstp.PATH, headers)
        async with kit.trace.step(
            "http_request",
            transaction,
            address,
            within=within,
            method=sstp.METHOD,
            host=self.authority,
            path=sstp.PATH,
        ):
            await stream.send(request)
        arrived, head = 0, None
        async with kit.trace.step("http_response", transaction, address, within=within) as detail:
            while head is None:
                data = await stream.receive()
                if not arrived:
                    detail["first_byte"] = round(kit.trace.elapsed(), 6) if data else None
                arrived += len(data)
                http.feed(data)
                head = http.head(arrived)
            detail["status"] = head.status
            detail["reason"] = kit.trace.scrubber.text(head.reason)
        return head

    async def _leave(self, kit: Kit, endpoint: Endpoint, body: _Body, reader: Reader) -> None:
        """In a transaction of its own: the server has answered, and may end as it likes."""
        async with kit.trace.step(
            "sstp_disconnect",
            kit.trace.transaction(),
            str(endpoint),
            within=min(_PARTING, kit.timeouts.first_byte),
        ) as detail:
            await body.send(sstp.disconnect())
            while (answer := await _message(reader)).kind not in _ENDS:
                pass
            detail["message"] = answer.name
            if answer.kind == sstp.DISCONNECT:  # both at once
                await body.send(sstp.disconnect_ack())


async def _message(reader: Reader) -> Message:
    """The next control packet; the tunnel's data between is passed over."""
    for _ in range(_PACKETS):
        control, rest = sstp.read_head(await reader.exactly(sstp.HEAD))
        packet = await reader.exactly(rest)
        if control:
            return sstp.read_control(packet)
    raise MalformedReplyError(sstp.PROTOCOL, f"none of {_PACKETS} packets is a message")
