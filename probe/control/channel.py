"""One connection to the decoy, in clear or under TLS; each operation may be cut off at any time.

``send`` returns when the kernel has taken everything. asyncio's transports keep a buffer of their
own below TLS, and a deadline for closing would cut off what a throttled client has yet to get.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final, TypeVar

_CHUNK: Final = 8 * 1024  # octets read at once
_LEFTOVER_MAX: Final = 64 * 1024  # octets of a client's that are read after the answer

_Result = TypeVar("_Result")


class Plain:
    """Octets as they are."""

    def __init__(self, sock: socket.socket) -> None:
        """Talk over a non-blocking socket, which stays the caller's to close."""
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def open(self) -> None:
        """Nothing is to be agreed on."""

    async def receive(self) -> bytes:
        """What comes next; empty at the end."""
        return await self._loop.sock_recv(self._sock, _CHUNK)

    async def send(self, data: bytes | memoryview) -> None:
        """Hand all of it to the kernel."""
        await self._loop.sock_sendall(self._sock, data)

    async def finish(self) -> None:
        """End what is sent, and read until the client ends too.

        Closing with unread octets sends RST, which overtakes what the client has not read yet and
        would look to it like interference.
        """
        self._sock.shutdown(socket.SHUT_WR)
        left = _LEFTOVER_MAX
        while left > 0 and (data := await self._loop.sock_recv(self._sock, _CHUNK)):
            left -= len(data)


class Tls(Plain):
    """The same under TLS, as its server."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        """Prepare; ``open`` does the handshake."""
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def open(self) -> None:
        """Do the handshake. OSError if it fails; the client has been sent the alert."""
        await self._done(self._tls.do_handshake)

    async def receive(self) -> bytes:
        """What comes next; empty at the end."""
        try:
            return await self._done(lambda: self._tls.read(_CHUNK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def send(self, data: bytes | memoryview) -> None:
        """Hand all of it to the kernel."""
        await self._done(lambda: self._tls.write(data))

    async def finish(self) -> None:
        """Send close_notify (RFC 8446 section 6.1), then as without TLS."""
        with contextlib.suppress(ssl.SSLError):  # the client's own close_notify is not waited for
            self._tls.unwrap()
        await self._flush()
        await super().finish()

    async def _done(self, operation: Callable[[], _Result]) -> _Result:
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                await self._flush()
                if data := await super().receive():
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                await self._flush()
                raise
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await super().send(data)
