"""OpenVPN's control channel over a real carrier: the reset's answer, then a stream for TLS.

The codec (``wire.openvpn.control``) decides what is sent; here it is sent, waited for, and counted.
Over UDP a datagram that is not the server's is passed over; over TCP there is nobody else who
could have sent it, and it ends the conversation.

Packets of data come over the same carrier, and are put aside for whoever is to read them.
"""

import asyncio
from typing import Final, Protocol

from probe.checks.packets import AGAIN, answer_to
from probe.checks.reader import Reader
from probe.core.failure import UNKNOWN, MalformedReplyError, NamedFailure
from probe.core.model import JSON
from probe.net import Datagrams, Stream
from probe.wire.openvpn.control import Control
from probe.wire.openvpn.data import is_data
from probe.wire.openvpn.packets import LONGEST, NAME
from probe.wire.openvpn.wrapping import NotAuthenticError

# Somebody speaks OpenVPN there who does not have the key that the target is configured with.
UNAUTHENTICATED: Final = f"{UNKNOWN}unauthenticated openvpn reply"
_MOST_STRAYS: Final = 64  # datagrams that are passed over before nothing more is listened to
_LOOK: Final = 0.5  # seconds
_MOST_DATA: Final = 256  # packets that wait to be read; what comes then is lost, as on any line


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
        self._length = 0  # of the packet that is under way, once it is known
        self.local_ip = stream.local_ip

    async def send(self, data: bytes) -> None:
        """Send one packet."""
        await self._stream.send(framed(data))

    async def receive(self) -> bytes:
        """The next packet. MalformedReplyError for a length that none has. Nothing is lost if it is
        cancelled."""
        if not self._length:
            length = int.from_bytes(await self._reader.exactly(2), "big")
            if not 0 < length <= LONGEST:
                raise MalformedReplyError(NAME, f"announces a packet of {length} bytes")
            self._length = length
        data = await self._reader.exactly(self._length)
        self._length = 0
        return data

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
        self._data: asyncio.Queue[bytes] | None = None
        self._anew: Control | None = None
        self.anew = False  # whether the server answered a reset that was sent on the same flow

    def facts(self) -> dict[str, JSON]:
        """How many packets were sent, and how many came that were not the server's."""
        return {"packets": self._sent, "strays": self._strays}

    @property
    def idle(self) -> bool:
        """Whether the server has acknowledged all that was sent."""
        return self._control.idle

    @property
    def strays(self) -> int:
        """How many packets came that were not the server's."""
        return self._strays

    @property
    def sessions(self) -> tuple[bytes, bytes]:
        """Our session id and the server's."""
        assert self._control.server is not None  # the reset was answered
        return self._control.session, self._control.server

    def expect_data(self) -> None:
        """From now on packets of data may come."""
        self._data = asyncio.Queue(_MOST_DATA)

    async def data(self) -> bytes:
        """The next packet of data, of those that ``receive`` has met."""
        assert self._data is not None
        return await self._data.get()

    async def send_data(self, data: bytes) -> None:
        """Send a packet of data."""
        await self._carrier.send(data)

    async def reset_anew(self, control: Control) -> None:
        """Begin another conversation on the same flow, for nothing but its answer: ``anew``."""
        self._anew = control
        await self._carrier.send(control.reset())

    async def send(self, data: bytes) -> None:
        """Hand it to the control channel; what does not get through is sent again by receive."""
        self._control.write(data)
        await self._flush()

    async def receive(self, limit: int = 65536) -> bytes:  # noqa: ARG002  (a handshake's is small)
        """The next bytes in their order; waits for as long as it is let."""
        while not (data := self._control.read()):
            await self._flush()
            try:
                async with asyncio.timeout_at(self._wake()):
                    packet = await self._carrier.receive()
            except TimeoutError:
                continue
            await self._take(packet)
        await self._flush()
        return data

    def close(self) -> None:
        """Close the carrier below at once."""
        self._carrier.close()

    def _wake(self) -> float | None:
        """When to look again. Beside data somebody else may send while this waits."""
        wake = self._control.wake()
        if wake is None and self._data is not None and self._lossy:
            return self._now() + _LOOK
        return wake

    async def _take(self, packet: bytes) -> None:
        if self._data is not None and is_data(packet):
            if not self._data.full():
                self._data.put_nowait(packet)
            return
        try:
            if self._control.take(packet) or self._answers_anew(packet):
                return
        except MalformedReplyError:
            if not self._lossy:
                raise
        self._strays += 1
        if self._strays >= _MOST_STRAYS:
            await asyncio.Event().wait()  # a flood of others' packets: be deaf

    def _answers_anew(self, packet: bytes) -> bool:
        if self._anew is None or not self._anew.answer(packet):
            return False
        self.anew = True
        return True

    async def _flush(self) -> None:
        for packet in self._control.due(self._now()):
            self._sent += 1
            await self._carrier.send(packet)
