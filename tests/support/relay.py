"""What stands on the way: a relay on loopback that passes on what it is told to.

A real server behind it, a real probe before it, and between them a path that loses packets; or
nobody at all, but somebody who answers whatever comes with the same bytes.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

HERE: Final = "127.0.0.1"
Passes = Callable[[int, bytes], bool]  # its number in its direction, from 1, and the datagram


def everything(_number: int, _data: bytes) -> bool:
    """Let it pass."""
    return True


def nothing(_number: int, _data: bytes) -> bool:
    """Drop it."""
    return False


def all_but_first(count: int) -> Passes:
    """Drop that many, and let the rest pass."""
    return lambda number, _data: number > count


class _Way(asyncio.DatagramProtocol):
    """One client at a time: the newest one gets what the server says."""

    def __init__(self, server: tuple[str, int], there: Passes, back: Passes) -> None:
        self._server, self._there, self._back = server, there, back
        self._client: tuple[str, int] | None = None
        self._counts = [0, 0]
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        coming_back = addr == self._server
        if not coming_back:
            self._client = addr
        self._counts[coming_back] += 1
        passes = self._back if coming_back else self._there
        to = self._client if coming_back else self._server
        if to and passes(self._counts[coming_back], data):
            self.transport.sendto(data, to)


@asynccontextmanager
async def udp_relay(
    port: int, *, there: Passes = everything, back: Passes = everything
) -> AsyncIterator[int]:
    """Give the port of a relay to this port of loopback: ``there`` says which datagrams reach the
    server, ``back`` which answers come back."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Way((HERE, port), there, back), local_addr=(HERE, 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._answer(data), addr)


@asynccontextmanager
async def udp_answering(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """Give the port of somebody who answers each datagram so."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Answering(answer), local_addr=(HERE, 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp_serving(serve: Serve) -> AsyncIterator[int]:
    """Give a port of loopback where this happens on each connection. In the end none is left, and
    none of their sockets."""
    under_way: set[asyncio.Task[None]] = set()

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        under_way.add(task)
        try:
            await serve(reader, writer)
        except OSError:
            pass  # the probe has gone
        finally:
            await _closed(writer)
            under_way.discard(task)

    server = await asyncio.start_server(whole, HERE, 0, family=socket.AF_INET)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close, and wait until the socket is gone."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def tcp_answering(answer: Callable[[bytes], bytes]) -> AbstractAsyncContextManager[int]:
    """The same over TCP: each piece that is read is answered; an empty answer closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not (said := answer(data)):
                break
            writer.write(said)
            await writer.drain()

    return tcp_serving(serve)


def tcp_relay(port: int, *, back: Passes = everything) -> AbstractAsyncContextManager[int]:
    """Give the port of a relay to this TCP port of loopback. ``back`` says which pieces of the
    answer come through; after one that does not, nothing does, as where a packet is lost for
    good."""

    async def there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def and_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, cut = 0, False
        while data := await reader.read(65536):
            number += 1
            cut = cut or not back(number, data)
            if not cut:
                writer.write(data)
                await writer.drain()
        if cut:
            await asyncio.Event().wait()  # the server's close is lost as well

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HERE, port)
        ways = {
            asyncio.create_task(there(reader, far_writer)),
            asyncio.create_task(and_back(far_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            far_writer.close()  # at once: what is waited for below may be cut short
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await _closed(far_writer)

    return tcp_serving(serve)
