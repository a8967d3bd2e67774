"""The page from start to a clean end: its socket, its connections, its signals."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server

from probe.core.address import Endpoint

CONNECTIONS: Final = 64  # at once; what is more is told to come again
HEAD: Final = 10.0  # seconds for the first request's head
GRACE: Final = 2  # seconds that answers under way get at the end
_HEAD_MAX: Final = 16 * 1024  # bytes of a request's head
_BACKLOG: Final = 128


def bind(at: Endpoint) -> socket.socket:
    """A bound socket; port 0 takes a free one. OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in at.ip else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # The port may still be in TIME_WAIT from the last run.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((at.ip, at.port))
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


async def serve(app: ASGIApp, sock: socket.socket, stop: asyncio.Event) -> None:
    """Answer on this socket until ``stop`` is set."""
    config = Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,  # an address of the page tells what somebody looked at
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=_HEAD_MAX,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving


class _Server(Server):
    """Leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class _Connection(H11Protocol):
    """uvicorn's connection, which does not wait for ever for a request to begin or to go on."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._end = self.loop.call_later(HEAD, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take what comes; each further head has its own deadline."""
        super().data_received(data)
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(HEAD, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        super().connection_lost(exc)
        if self._end is not None:
            self._end.cancel()

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
