"""OpenVPN's control channel over a real carrier: the reset's answer, then a stream for TLS.

The codec (``wire.openvpn.control``) decides what is sent; here it is sent, waited for, and counted.
Over UDP a datagram that is not the server's is passed over; over TCP there is nobody else who
could have sent it, and it ends the conversation.
"""

import asyncio
from typing import Final, Protocol

from probe.checks.packets import AGAIN, answer_to
from probe.checks.reader import Reader
from probe.core.failure import UNKNOWN, MalformedReplyError, NamedFailure
from probe.core.model import JSON
from probe.net import Datagrams, Stream
from probe.wire.openvpn.control import Control
from probe.wire.openvpn.packets import LONGEST, NAME
from probe.wire.openvpn.wrapping import NotAuthenticError

# Somebody speaks OpenVPN there who does not have the key that the target is configured with.
UNAUTHENTICATED: Final = f"{UNKNOWN}unauthenticated openvpn reply"
_MOST_STRAYS: Final = 64  # datagrams that are passed over before nothing more is listened to


class Carrier(Protocol):
    """What takes whole packets to the server and back: ``Datagrams``, or ``Framed``."""

    @property
    def local_ip(self) -> str | None:
        """This end's address."""

    async def send(self, data: bytes) -> None:
        """Send one packet."""

    async def receive(self) -> bytes:
        """The next packet, whole."""

    def close(self) -> None:
        """Close at once; safe to call twice."""


def framed(packet: bytes) -> bytes:
    """A packet as it stands in a TCP stream: its length in two bytes before it."""
    return len(packet).to_bytes(2, "big") + packet


class Framed:
    """Packets over TCP."""

    def __init__(self, stream: Stream) -> None:
        """Take over this connection."""
        self._stream = stream
        self._reader = Reader(stream, NAME)
        self.local_ip = stream.local_ip

    async def send(self, data: bytes) -> None:
        """Send one packet."""
        await self._stream.send(framed(data))

    async def receive(self) -> bytes:
        """The next packet. MalformedReplyError for a length that none has."""
        length = int.from_bytes(await self._reader.exactly(2), "big")
        if not 0 < length <= LONGEST:
            raise MalformedReplyError(NAME, f"announces a packet of {length} bytes")
        return await self._reader.exactly(length)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()


async def reset_over_udp(
    control: Control, sock: Datagrams, detail: dict[str, JSON], *, within: float, late: float
) -> None:
    """Send resets until the server answers one of them, for at most ``within`` seconds.

    Where something else came and no answer, that is the failure: silence was not. An answer that
    repeats our session and has no wrapping around it comes from a server without this key, unless
    somebody on the path forged it: ``late`` seconds more are enough for the genuine one.
    """
    odd: list[Exception] = []
    limit = asyncio.timeout(within)
    now = asyncio.get_running_loop().time

    def read(data: bytes) -> bool | None:
        try:
            if control.answer(data):
                return True
            odd.append(MalformedReplyError(NAME, "bound to no packet that was sent"))
        except NotAuthenticError as exc:
            odd.insert(0, NamedFailure(UNAUTHENTICATED, exc.raw))
            if control.answered_plainly(data) and not limit.expired():
                detail["plain"] = True
                limit.reschedule(min(limit.when() or 0.0, now() + late))
        except MalformedReplyError as exc:
            odd.append(exc)
        return None

    try:
        async with limit:
            await answer_to(sock, detail, control.reset, read, again=AGAIN)
    except TimeoutError:
        if odd:
            raise odd[0] from None
        raise


async def reset_over_tcp(control: Control, carrier: Framed, detail: dict[str, JSON]) -> None:
    """Send one reset, and read its answer."""
    packet = control.reset()
    detail.update(packets=1, bytes_sent=len(packet))
    await carrier.send(packet)
    data = await carrier.receive()
    detail["bytes"] = len(data)
    try:
        answered = control.answer(data)
    except NotAuthenticError as exc:
        if control.answered_plainly(data):
            detail["plain"] = True
        raise NamedFailure(UNAUTHENTICATED, exc.raw) from None
    if not answered:
        raise MalformedReplyError(NAME, "no answer to a reset")


class Channel:
    """The bytes inside the control channel, as the Stream that TLS wants to have."""

    def __init__(self, control: Control, carrier: Carrier, *, lossy: bool) -> None:
        """Go on after the reset was answered; ``lossy`` says that packets may be anybody's."""
        self._control = control
        self._carrier = carrier
        self._lossy = lossy
        self._now = asyncio.get_running_loop().time
        self.local_ip = carrier.local_ip
        self._sent = 0
        self._strays = 0

    def facts(self) -> dict[str, JSON]:
        """How many packets were sent, and how many came that were not the server's."""
        return {"packets": self._sent, "strays": self._strays}

    async def send(self, data: bytes) -> None:
        """Hand it to the control channel; what does not get through is sent again by receive."""
        self._control.write(data)
        await self._flush()

    async def receive(self, limit: int = 65536) -> bytes:  # noqa: ARG002  (a handshake's is small)
        """The next bytes in their order; waits for as long as it is let."""
        while not (data := self._control.read()):
            await self._flush()
            try:
                async with asyncio.timeout_at(self._control.wake()):
                    packet = await self._carrier.receive()
            except TimeoutError:
                continue
            await self._take(packet)
        await self._flush()
        return data

    def close(self) -> None:
        """Close the carrier below at once."""
        self._carrier.close()

    async def _take(self, packet: bytes) -> None:
        try:
            if self._control.take(packet):
                return
        except MalformedReplyError:
            if not self._lossy:
                raise
        self._strays += 1
        if self._strays >= _MOST_STRAYS:
            await asyncio.Event().wait()  # a flood of others' packets: be deaf

    async def _flush(self) -> None:
        for packet in self._control.due(self._now()):
            self._sent += 1
            await self._carrier.send(packet)
