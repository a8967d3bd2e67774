"""Our end of an OpenVPN tunnel: packets of data, and a control channel that goes on beside them."""

import asyncio
import contextlib
from typing import Final, Self

from probe.checks.openvpn_channel import Channel
from probe.checks.openvpn_login import heed
from probe.checks.tunnel_echo import AGAIN, SILENCE, WAY
from probe.core.failure import EndOfStreamError
from probe.core.model import JSON
from probe.net import Datagrams
from probe.net.tls import TlsStream
from probe.wire.openvpn import push
from probe.wire.openvpn.control import Control
from probe.wire.openvpn.data import EXIT, Session

_BEFORE: Final = 2.0  # seconds of a transfer that pass before a silence may begin


def owed(pushed: push.Pushed, within: float) -> float | None:
    """Seconds after which the server has to be heard, if it has nothing to send: it pings, as its
    clients are told to do. None where it does not say so, and where it is too long to wait for.

    Only both options together are a promise: clients that hear nothing for ``ping-restart`` seconds
    leave and begin again, so that a server which pushes that and sends nothing has none.
    """
    ping, restart = pushed.ping, pushed.ping_restart
    if not ping or not restart or ping > restart:
        return None
    silence = max(SILENCE, ping + WAY)
    return float(ping) if _BEFORE + silence + AGAIN <= within else None


class OpenVpnTunnel:
    """The tunnel, and its packets of data as the datagrams that ``exchange`` wants to have.

    Used as a context: meanwhile the control channel is listened to as well. What the server says
    there is acknowledged, and may be the end.
    """

    def __init__(
        self,
        channel: Channel,
        tls: TlsStream,
        session: Session,
        *,
        owed: float | None,
        anew: Control | None,
    ) -> None:
        """Go on after the login. ``anew`` is another conversation, not begun yet: a server that
        answers its reset, and nothing in ours, has forgotten us."""
        self._channel, self._tls, self._session, self._anew = channel, tls, session, anew
        self.local_ip, self.owed = channel.local_ip, owed
        self.acknowledges = False  # a server pings whether it hears us or not
        self._strays, self._before, self._asked = 0, channel.strays, 0

    async def __aenter__(self) -> Self:
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hearing.cancel()
        await asyncio.gather(self._hearing, return_exceptions=True)

    # --- as a Tunnel

    @property
    def answers(self) -> int:
        """How many of our questions were acknowledged."""
        return self._asked if self._channel.idle else 0

    @property
    def forgotten(self) -> bool:
        """Whether the server answers another conversation, and not ours."""
        return self._channel.anew and not self._channel.idle

    def seal(self, packet: bytes = b"") -> bytes:
        """The packet of data for a packet; without one, for a ping."""
        return self._session.seal(packet)

    def read(self, data: bytes) -> bytes | None:
        """The packet in one of data, empty for a ping; None for what is none."""
        if self._session.replayed(data):
            return None  # one that came twice
        packet = self._session.open(data)
        self._strays += packet is None
        return packet

    async def ask(self, sock: Datagrams) -> None:  # noqa: ARG002  (it goes beside the data)
        """Ask for the options again, which a server acknowledges though it has pushed them; and
        over UDP begin another conversation, as whoever was forgotten has to."""
        self._asked += 1
        await self._tls.send(push.REQUEST)
        if self._anew is not None:
            await self._channel.reset_anew(self._anew)

    def facts(self) -> dict[str, JSON]:
        """Packets that were not the server's, of data or not; and whether it has forgotten us."""
        strays = self._strays + self._channel.strays - self._before
        return {"strays": strays, **({"forgotten": True} if self.forgotten else {})}

    # --- as Datagrams

    async def send(self, data: bytes) -> None:
        """Send a packet of data."""
        await self._channel.send_data(data)

    async def receive(self) -> bytes:
        """The next packet of data; raises what ended the control channel."""
        coming = asyncio.create_task(self._channel.data())
        try:
            await asyncio.wait({coming, self._hearing}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                await self._hearing
            return await coming
        finally:
            coming.cancel()

    def close(self) -> None:
        """Close the carrier below at once."""
        self._channel.close()

    # --- beside them

    async def leave(self) -> None:
        """Say that we go, as a packet of data (over UDP; nobody acknowledges it)."""
        with contextlib.suppress(OSError):
            await self.send(self._session.seal(EXIT))

    async def _hear(self) -> None:
        messages = push.Messages()
        while data := await self._tls.receive():
            for message in messages.take(data):
                heed(message)
        raise EndOfStreamError("the server ends the conversation")
