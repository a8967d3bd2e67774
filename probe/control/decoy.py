"""The decoy: completes TLS for any server name, and answers plain HTTP for any Host, on one port.

It serves no name, so whatever happens on the way to it only when a certain name is sent was done
by the path. Which of the two is spoken shows in the first octet: a TLS handshake record begins
with 0x16 (RFC 8446 section 5.1), and no HTTP method does.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

from probe.control.certificate import decoy_context
from probe.control.channel import Plain, Tls
from probe.control.listener import Listener, bind, endpoint_of
from probe.control.pages import PAGE, Pages, Response, refusal
from probe.control.sessions import Sessions
from probe.core.address import Endpoint

_TLS_HANDSHAKE: Final = b"\x16"
_HEAD_MAX: Final = 8 * 1024  # octets of a request's head
_END_OF_HEAD: Final = b"\r\n\r\n"
_CHUNK: Final = 16 * 1024  # octets sent at once: one TLS record (RFC 8446 section 5.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds that a client gets for each part, and how many connections there may be."""

    head: float = 10.0  # for the first octet; then again for a whole request's head
    handshake: float = 10.0
    body: float = 60.0  # for taking the answer
    goodbye: float = 2.0  # for closing
    most: int = 256
    most_each: int = 32  # from one address


class Decoy:
    """Serves on all its endpoints from ``start`` until ``close``. Logs nothing."""

    def __init__(
        self, socks: Sequence[socket.socket], sessions: Sessions, folder: Path, limits: Limits
    ) -> None:
        """Take over bound sockets; see ``start``."""
        self._context, self.leaf = decoy_context(folder)
        self.page = PAGE
        self.endpoints = tuple(endpoint_of(sock) for sock in socks)
        self._pages = Pages(sessions)
        self._limits = limits
        self._listener = Listener(socks, self._serve, most=limits.most, most_each=limits.most_each)

    @classmethod
    async def start(
        cls,
        listen: Sequence[Endpoint],
        sessions: Sessions,
        folder: Path,
        *,
        limits: Limits | None = None,
    ) -> Self:
        """Listen; the certificate is kept in ``folder``.

        OSError if an endpoint is taken or the folder cannot be used; ValueError if what stands
        there is no certificate.
        """
        socks: list[socket.socket] = []
        try:
            for at in listen:
                v4_too = any(":" not in each.ip and each.port == at.port for each in listen)
                socks.append(bind(at, socket.SOCK_STREAM, v6_only=v4_too))
            return cls(socks, sessions, folder, limits or Limits())
        except BaseException:
            for sock in socks:
                sock.close()
            raise

    async def close(self) -> None:
        """Stop listening, and end every connection that is still open."""
        await self._listener.close()

    async def _serve(self, sock: socket.socket, _: Endpoint) -> None:
        limits = self._limits
        async with asyncio.timeout(limits.head):
            first = await _first_octet(sock)
        channel = Tls(sock, self._context) if first == _TLS_HANDSHAKE else Plain(sock)
        async with asyncio.timeout(limits.handshake):
            await channel.open()
        async with asyncio.timeout(limits.head):
            response = await self._response(channel)
        if response is not None:
            async with asyncio.timeout(limits.body):
                await channel.send(response.head)
                for start in range(0, len(response.body), _CHUNK):
                    await channel.send(response.body[start : start + _CHUNK])
        async with asyncio.timeout(limits.goodbye):
            await channel.finish()

    async def _response(self, channel: Plain) -> Response | None:
        """The answer to what comes; None if the client left before it had asked."""
        head = b""
        while _END_OF_HEAD not in head:
            if len(head) > _HEAD_MAX:
                return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            data = await channel.receive()
            if not data:
                return None
            head += data
        head, end, _ = head.partition(_END_OF_HEAD)
        if len(head) > _HEAD_MAX:
            return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return self._pages.respond(head + end)


async def _first_octet(sock: socket.socket) -> bytes:
    """What the client says first, left where it is; empty if it says nothing and closes."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sock, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(sock)
    return sock.recv(1, socket.MSG_PEEK)
