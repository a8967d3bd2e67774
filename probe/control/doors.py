"""The API's connections: how many are served at once, and how long each may take.

Whoever has not yet shown a token holds nothing but a connection, so each part has a deadline of
its own: the TLS handshake, the request's head, and all of it until the answer was taken. What
comes beyond the places waits for one; a connection carries one request.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from probe.control.limits import Turns
from probe.control.listener import Listener, endpoint_of
from probe.core.address import Endpoint

_HEAD_MAX: Final = 16 * 1024  # bytes of a request's head
_BACKLOG: Final = 1024
_LINGER_MAX: Final = 1024 * 1024  # bytes that it may send meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """Seconds for each part of a connection, and how many there may be.

    ``linger`` is for a client to see that it was refused while it still sent its body.
    ``open`` and ``open_each`` count connections, also those that still wait to be ``served``;
    ``…_each`` is for one client.
    """

    handshake: float = 10.0
    head: float = 10.0
    whole: float = 60.0
    linger: float = 2.0
    open: int = 1536
    open_each: int = 1280
    served: int = 256
    served_each: int = 64


class Doors:
    """Serves an ASGI application from the moment it is made until ``close``."""

    def __init__(
        self,
        sock: socket.socket,
        app: Callable[..., Any],
        tls: ssl.SSLContext | None,
        limits: DoorLimits | None = None,
    ) -> None:
        """Take over a bound socket; without ``tls`` plain HTTP is spoken."""
        self.endpoint = endpoint_of(sock)
        self._tls = tls
        self._limits = limits or DoorLimits()
        self._config = Config(
            app,
            loop="asyncio",
            http=_Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # whoever names another client's address there is not believed
            h11_max_incomplete_event_size=_HEAD_MAX,
        )
        self._config.load()
        self._state = ServerState()
        self._state.default_headers = [(b"connection", b"close")]
        self._turns = Turns(self._limits.served, self._limits.served_each)
        self._listener = Listener(
            [sock], self._serve, most=self._limits.open, most_each=self._limits.open_each
        )
        sock.listen(_BACKLOG)  # a burst of clients waits there instead of trying again

    async def close(self, within: float = 2.0) -> None:
        """Give answers that are under way ``within`` seconds, then end every connection."""
        if tasks := set(self._state.tasks):
            _, late = await asyncio.wait(tasks, timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._listener.close()

    async def _serve(self, sock: socket.socket, peer: Endpoint) -> None:
        async with self._turns.turn(peer.ip):
            loop, limits = asyncio.get_running_loop(), self._limits
            over_tls: dict[str, Any] = {}
            if self._tls is not None:
                over_tls = {"ssl_handshake_timeout": limits.handshake, "ssl_shutdown_timeout": 2.0}
            transport, connection = await loop.connect_accepted_socket(
                lambda: _Connection(self._config, self._state, limits),
                sock,
                ssl=self._tls,
                **over_tls,
            )
            try:
                # A client that leaves in the middle of its handshake is no error to asyncio, and
                # what was never made is never lost.
                if connection.made:
                    await connection.lost.wait()
            finally:
                if not connection.lost.is_set():  # Python 3.11 cannot abort TLS that is gone
                    with contextlib.suppress(AttributeError):
                        transport.abort()


class _Lingering:
    """A transport that closes only when the client has had time to read a refusal.

    A kernel that gets data for a closed socket answers RST, and a client that is still sending its
    body then may never see why it was refused (RFC 9112 section 9.6).
    """

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], bool]) -> None:
        self._transport = transport
        self._linger = linger
        self._lingers = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self._lingers or self._transport.is_closing()

    def close(self) -> None:
        self._lingers = self._linger()
        if not self._lingers:
            self._transport.close()


class _Connection(H11Protocol):
    """uvicorn's connection, with an end to each of its parts."""

    def __init__(self, config: Config, state: ServerState, limits: DoorLimits) -> None:
        super().__init__(config, state, {})
        self._limits = limits
        self.made = False
        self.lost = asyncio.Event()
        self._discarded: int | None = None
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; what closes the connection from here on does it as ``_Lingering`` says."""
        super().connection_made(transport)
        self.made = True
        self.transport = cast("asyncio.Transport", _Lingering(transport, self._linger))
        self._within(self._limits.head)

    def _linger(self) -> bool:
        """Whether the client is still sending its body; what comes of it is thrown away."""
        if self._discarded is None and self.conn.their_state is h11.SEND_BODY:
            self._discarded = 0
            self._within(self._limits.linger)
            self.flow.resume_reading()
        return self._discarded is not None

    def data_received(self, data: bytes) -> None:
        """Take what comes; with a request's head complete its second deadline begins."""
        if self._discarded is not None:
            self._discarded += len(data)
            if self._discarded > _LINGER_MAX:
                self.transport.abort()
            return
        waiting = self.cycle is None
        super().data_received(data)
        if waiting and self.cycle is not None:
            self._within(self._limits.whole)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        super().connection_lost(exc)
        self.lost.set()
        if self._end is not None:
            self._end.cancel()

    def _within(self, seconds: float) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(seconds, self.transport.abort)
