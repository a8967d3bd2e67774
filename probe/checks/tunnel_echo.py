"""Do packets go on passing through a tunnel, after its handshake?

Some filters let a handshake pass and stop the flow at its first packets of data (Russia, August
2023: net4people/bbs 274). So echo requests are sent through the tunnel, in userspace: nothing of
this machine's routing is touched. Packets that are lost now and then are no failure. It is one
when the peer is not heard any more for so long that it must have spoken, whatever there is inside
the tunnel: a WireGuard peer acknowledges packets by itself (``wire.wireguard_transport``).
"""

import asyncio
import contextlib
from typing import Final, Protocol

from probe.checks.kit import Kit
from probe.core.address import Endpoint
from probe.core.model import JSON
from probe.net import Datagrams
from probe.wire.icmp_echo import Echo

LEAST: Final = 20  # packets, of which a filter's patience is known to be less
MOST: Final = 30  # that the deadline of a transfer leaves time for
INTERVAL: Final = 0.1  # seconds between two of them
SILENCE: Final = 13.0  # seconds: ten until a peer acknowledges by itself, and what the way takes
_SLOW: Final = 1.0  # seconds between further ones, where answers are missing
_GRACE: Final = 1.0  # seconds for answers that are still on their way
_TRAILING: Final = 3  # packets at the end, of which one that is answered is enough
_AGAIN: Final = 3.0  # seconds for the answer to another handshake
_SAMPLES: Final = 64  # of bytes over time


class Tunnel(Protocol):
    """One end of a tunnel, after the handshake."""

    handshakes: int

    def seal(self, packet: bytes = b"") -> bytes:
        """The datagram for a packet; without one, a keepalive."""

    def read(self, data: bytes) -> bytes | None:
        """The packet in a datagram, empty for a keepalive; None for what is none."""

    def initiation(self) -> bytes:
        """The first message of another handshake, of which ``read`` takes the answer."""

    def facts(self) -> dict[str, JSON]:
        """What else came."""


class _Flow:
    """What was sent and what came, and what that means so far. Times are seconds."""

    def __init__(self, count: int, started: float) -> None:
        self.count = count
        self.sent = self.keepalives = self.others = self.bytes = 0
        self.answered: set[int] = set()
        self.progress: list[list[float | int]] = []
        self.heard: float | None = None  # when something authentic came
        self.last = 0  # how many had been sent when it was
        self._sent_at = self._began = started
        self._fresh = False

    def due(self, now: float) -> bool:
        """Whether it is time for the next packet."""
        pause = INTERVAL if self.sent < self.count else _SLOW
        wanted = self.sent < self.count or not self._fresh
        return wanted and (self.sent == 0 or now - self._sent_at >= pause)

    def note_sent(self, now: float) -> None:
        self.sent += 1
        self._sent_at = now

    def take(self, number: int | None, packet: bytes, length: int, now: float) -> None:
        """Note a packet that came; ``number`` is the request that it answers."""
        self.heard = now
        self.bytes += length
        if len(self.progress) < _SAMPLES:
            self.progress.append([round(now, 6), self.bytes])
        if number is not None and 0 < number <= self.sent:
            self.answered.add(number)
            self.last = max(self.last, number)
            self._fresh |= number > self.count - _TRAILING
            return
        self.keepalives += not packet
        self.others += bool(packet)
        self.last = max(self.last, self.sent)
        self._fresh |= self.sent >= self.count

    def done(self, now: float) -> bool:
        """Whether enough packets were sent, and the last ones came through."""
        if self.sent < self.count or self.heard is None:
            return False
        complete = len(self.answered) == self.sent
        return complete or (self._fresh and now - self.heard >= _GRACE)

    def stopped(self, now: float) -> bool:
        """Whether the peer was silent for too long; meanwhile a packet went out each second."""
        return now - (self._began if self.heard is None else self.heard) >= SILENCE

    def detail(self) -> dict[str, JSON]:
        return {
            "sent": self.sent,
            "received": len(self.answered),
            "keepalives": self.keepalives,
            "others": self.others,
            "bytes": self.bytes,
            "progress": self.progress,
        }


async def exchange(
    kit: Kit,
    transaction: int,
    endpoint: Endpoint,
    sock: Datagrams,
    tunnel: Tunnel,
    *,
    echo: Echo,
    count: int,
) -> None:
    """Send ``count`` echo requests and see whether answers go on coming.

    The failure of silence has ``stops`` in its detail, once it lasted long enough to mean it.
    """
    async with kit.trace.step(
        "data_exchange", transaction, str(endpoint), within=kit.timeouts.transfer
    ) as detail:
        flow = _Flow(count, kit.trace.elapsed())
        listening = asyncio.create_task(_listen(kit, sock, tunnel, echo, flow))
        try:
            await _pump(kit, sock, tunnel, echo, flow, listening, detail)
            with contextlib.suppress(OSError):
                # The last word is ours: else the server would wonder, and call for a while.
                await sock.send(tunnel.seal())
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            detail.update(flow.detail())
            detail.update(tunnel.facts())


async def _listen(kit: Kit, sock: Datagrams, tunnel: Tunnel, echo: Echo, flow: _Flow) -> None:
    while True:
        data = await sock.receive()
        packet = tunnel.read(data)
        if packet is not None:
            flow.take(echo.reply(packet), packet, len(data), kit.trace.elapsed())


async def _pump(
    kit: Kit,
    sock: Datagrams,
    tunnel: Tunnel,
    echo: Echo,
    flow: _Flow,
    listening: asyncio.Task[None],
    detail: dict[str, JSON],
) -> None:
    while not flow.done(now := kit.trace.elapsed()):
        if flow.stopped(now):
            again = await _again(sock, tunnel, listening)
            if flow.stopped(kit.trace.elapsed()):  # nothing has come meanwhile
                detail.update(stops=flow.last, again=again)
                if flow.heard is None:
                    detail["never"] = True
                raise TimeoutError
        if flow.due(now):
            await sock.send(tunnel.seal(echo.request(flow.sent + 1)))
            flow.note_sent(now)
        await _pause(listening, INTERVAL)


async def _again(sock: Datagrams, tunnel: Tunnel, listening: asyncio.Task[None]) -> bool:
    """Whether another handshake on the same flow is answered: if so, it is data that is lost."""
    before = tunnel.handshakes
    await sock.send(tunnel.initiation())
    for _ in range(round(_AGAIN / INTERVAL)):
        await _pause(listening, INTERVAL)
        if tunnel.handshakes > before:
            return True
    return False


async def _pause(listening: asyncio.Task[None], seconds: float) -> None:
    """Wait; an error of the socket ends it."""
    await asyncio.wait({listening}, timeout=seconds)
    if listening.done():
        await listening
