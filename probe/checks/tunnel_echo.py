"""Do packets go on passing through a tunnel, after its handshake?

Some filters let a handshake pass and stop the flow at its first packets of data (Russia, August
2023: net4people/bbs 274). So echo requests are sent through the tunnel, in userspace: nothing of
this machine's routing is touched. Packets that are lost now and then are no failure. It is one
when the peer is not heard any more for so long that it must have spoken, whatever there is inside
the tunnel: a WireGuard peer acknowledges packets by itself (``wire.wireguard_transport``), and an
OpenVPN server pings where it has said that it would (``wire.openvpn.data``). A peer that owes
nothing is not called silent because nobody inside answers.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from probe.checks.kit import Kit
from probe.checks.steps import each
from probe.core.address import Endpoint
from probe.core.model import JSON
from probe.net import Datagrams
from probe.wire.icmp_echo import Echo

LEAST: Final = 20  # packets, of which a filter's patience is known to be less
MOST: Final = 30  # that the deadline of a transfer leaves time for
INTERVAL: Final = 0.1  # seconds between two of them
WAY: Final = 3.0  # seconds that the way may take, there and back
SILENCE: Final = 13.0  # seconds at least: ten until a WireGuard peer acknowledges, and the way
AGAIN: Final = 3.0  # seconds for the answer to a question beside the data
_LONGER: Final = 6.0  # seconds for it where nothing else shows that ours arrive
_SLOW: Final = 1.0  # seconds between further ones, where answers are missing
_GRACE: Final = 1.0  # seconds for answers that are still on their way
_TRAILING: Final = 3  # packets at the end, of which one that is answered is enough
_SAMPLES: Final = 64  # of bytes over time


class Tunnel(Protocol):
    """One end of a tunnel, after the handshake."""

    @property
    def owed(self) -> float | None:
        """Seconds after which the peer speaks by itself, if it has sent nothing; None where it does
        not, or not soon enough."""

    @property
    def acknowledges(self) -> bool:
        """Whether that shows that our packets arrive, and not only that the peer's do."""

    @property
    def answers(self) -> int:
        """How many answers came to ``ask``, or to what was asked before."""

    @property
    def forgotten(self) -> bool:
        """Whether the peer is known to live, and to have no tunnel for us any more."""

    def seal(self, packet: bytes = b"") -> bytes:
        """The datagram for a packet; without one, a keepalive."""

    def read(self, data: bytes) -> bytes | None:
        """The packet in a datagram, empty for a keepalive; None for what is none."""

    async def ask(self, sock: Datagrams) -> None:
        """Send, on the same flow, something beside the data that the peer answers."""

    def facts(self) -> dict[str, JSON]:
        """What else came."""


class _Flow:
    """What was sent and what came, and what that means so far. Times are seconds."""

    def __init__(self, count: int, started: float, *, silence: float, acknowledges: bool) -> None:
        self.count = count
        self._silence, self._acknowledges = silence, acknowledges
        self.sent = self.keepalives = self.others = self.bytes = 0
        self.answered: set[int] = set()
        self.progress: list[list[float | int]] = []
        self.heard: float | None = None  # when something authentic came
        self.last = 0  # how many had been sent when it was
        self._sent_at = self._began = started
        self._answered_at: float | None = None  # when an answer came
        self._fresh_at: float | None = None  # when something showed that the last ones arrived

    def due(self, now: float) -> bool:
        """Whether it is time for the next packet."""
        pause = INTERVAL if self.sent < self.count else _SLOW
        wanted = self.sent < self.count or self._fresh_at is None
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
            self._answered_at = now
            self.last = max(self.last, number)
            if number > self.count - _TRAILING:
                self._fresh_at = now
            return
        self.keepalives += not packet
        self.others += bool(packet)
        self.last = max(self.last, self.sent)
        # A peer that speaks whatever arrives shows nothing where an answer was to be expected.
        if self.sent >= self.count and (self._acknowledges or not self.answered):
            self._fresh_at = now

    def done(self, now: float) -> bool:
        """Whether enough packets were sent, and the last ones came through."""
        if self.sent < self.count or self.heard is None:
            return False
        complete = len(self.answered) == self.sent
        return complete or (self._fresh_at is not None and now - self._fresh_at >= _GRACE)

    def stopped(self, now: float) -> bool:
        """Whether the peer was silent for too long; meanwhile a packet went out each second."""
        return now - (self._began if self.heard is None else self.heard) >= self._silence

    def one_way(self, now: float) -> bool:
        """Whether the peer still speaks, and what was answered before is not answered any more; by
        one that acknowledges, its acknowledgement is waited for."""
        since = None if self._acknowledges else self._answered_at
        return since is not None and now - since >= self._silence

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
    Where nobody inside ever answered, and the peer owed nothing, one that answers beside the data
    is no failure: ``unheard`` says so. Where the peer is heard, and nothing shows any more that
    ours arrive, ``one_way`` does: that may be the path, or whoever had answered inside.
    """
    async with kit.trace.step(
        "data_exchange", transaction, str(endpoint), within=kit.timeouts.transfer
    ) as detail:
        silence = max(SILENCE, (tunnel.owed or 0.0) + WAY)
        flow = _Flow(count, kit.trace.elapsed(), silence=silence, acknowledges=tunnel.acknowledges)
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
                _stopped(flow, tunnel, detail, again=again)
                return
        elif flow.one_way(now):
            detail.update(one_way=True, again=await _again(sock, tunnel, listening))
            raise TimeoutError
        if flow.due(now):
            await sock.send(tunnel.seal(echo.request(flow.sent + 1)))
            flow.note_sent(now)
        await _pause(listening, INTERVAL)
    if not tunnel.acknowledges and not flow.answered:
        # Nobody inside answers. That ours arrive is shown by what is asked beside the data alone.
        detail["again"] = await _again(sock, tunnel, listening, _LONGER)
        if not detail["again"]:
            detail["one_way"] = True
            raise TimeoutError


def _stopped(flow: _Flow, tunnel: Tunnel, detail: dict[str, JSON], *, again: bool) -> None:
    """The peer was silent for too long. TimeoutError unless nothing else was to be expected."""
    detail["again"] = again
    if tunnel.owed is None and not flow.answered and again:
        detail["unheard"] = True
        return
    if flow.heard is None:
        detail["never"] = True
    if tunnel.owed is not None and not tunnel.forgotten:
        detail["stops"] = flow.last
    raise TimeoutError


async def _again(
    sock: Datagrams, tunnel: Tunnel, listening: asyncio.Task[None], seconds: float = AGAIN
) -> bool:
    """Whether a question beside the data, on the same flow, is answered: if so, it is data that is
    lost."""
    before = tunnel.answers
    await tunnel.ask(sock)
    for _ in range(round(seconds / INTERVAL)):
        await _pause(listening, INTERVAL)
        if tunnel.answers > before:
            return True
    return False


async def _pause(listening: asyncio.Task[None], seconds: float) -> None:
    """Wait; an error of the socket ends it."""
    await asyncio.wait({listening}, timeout=seconds)
    if listening.done():
        await listening


async def in_turn(
    kit: Kit, endpoints: Sequence[Endpoint], at: Callable[[Kit, int, Endpoint], Awaitable[None]]
) -> None:
    """Do the same at one address after another, because a server may have one tunnel for us; and at
    none for which no time is left to tell silence from impatience."""
    for endpoint in endpoints:
        if endpoint is endpoints[0] or kit.trace.left() > SILENCE:
            await each(kit, [endpoint], at)
