"""Servers that misbehave on purpose, on real sockets of this machine.

A script is what happens on one accepted connection; it speaks to a ``Peer``, plain or over TLS.
``Loopback`` starts scripts on free ports of 127.0.0.1 and stops them again.
"""

import asyncio
import copy
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Self

from probe.demo.authority import Authority
from probe.demo.listener import Listener, bind, endpoint_of

HERE: Final = "127.0.0.1"
# On with no time to linger: close() then discards what is unsent and sends RST.
_RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)

Ending = Literal["fin", "rst", "nothing"]
Shown = Literal[
    "valid", "expired", "not_yet_valid", "self_signed", "unknown_authority", "wrong_name"
]


class Peer:
    """The server's end of one TCP connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def receive(self) -> bytes:
        return await self._loop.sock_recv(self._sock, 65536)

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._sock, data)

    async def end(self, how: Ending) -> None:
        """Close with FIN or RST, or only listen on; returns when the client is gone."""
        if how == "rst":
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            return
        if how == "fin":
            self._sock.shutdown(socket.SHUT_WR)
        while await Peer.receive(self):  # closing with unread bytes would send RST
            pass

    async def finish(self) -> None:
        """Say nothing more."""
        await self.end("fin")


class TlsPeer(Peer):
    """The same over TLS: what is sent and received is encrypted, and the ends are TCP's."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def handshake(self) -> None:
        await self._until_done(self._tls.do_handshake)

    async def receive(self) -> bytes:
        return await self._until_done(lambda: self._tls.read(65536)) or b""

    async def send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def _until_done(self, operation: Callable[[], bytes | None]) -> bytes | None:
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await super().receive()
                if not data:
                    return b""
                self._incoming.write(data)
            except ssl.SSLError:
                await self._flush()  # the alert
                await super().end("fin")
                raise
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await super().send(data)


Script = Callable[[Peer], Awaitable[None]]
Reply = Callable[[bytes], bytes]  # from a query's bytes to an answer's


class _Datagrams:
    """Answers each datagram with the replies, one after another; a number waits that long."""

    def __init__(self, sock: socket.socket, replies: tuple[Reply | float, ...]) -> None:
        self._sock, self._replies = sock, replies
        self._task = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wire, client = await loop.sock_recvfrom(self._sock, 65535)
            for reply in self._replies:
                if callable(reply):
                    await loop.sock_sendto(self._sock, reply(wire), client)
                else:
                    await asyncio.sleep(reply)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._sock.close()


# --- starting and stopping -----------------------------------------------------------------------


class Certificates:
    """Server contexts with each kind of certificate; ``ca_file`` trusts all but the unknown one."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        self._folder = folder
        self._authority = Authority(folder, now)
        self.ca_file = str(self._authority.ca_file)
        self._later = copy.copy(self._authority)  # the same authority ten days on
        self._later._now = now + timedelta(days=10)
        stranger = folder / "stranger"
        stranger.mkdir()
        self._stranger = Authority(stranger, now)

    def chain_file(self, name: str) -> str:
        """A file with a key, a good certificate and its authority's, for a server program."""
        self.context(name, "valid")
        path = self._folder / f"{name}-chain.pem"
        pem = (self._folder / f"{name}-valid.pem").read_bytes()
        path.write_bytes(pem + Path(self.ca_file).read_bytes())
        return str(path)

    def context(self, name: str, shown: Shown) -> ssl.SSLContext:
        match shown:
            case "not_yet_valid":
                return self._later.context(name, "valid")
            case "unknown_authority":
                return self._stranger.context(name, "valid")
            case _:
                return self._authority.context(name, shown)


class Loopback:
    """What one test starts; leaving the context stops all of it."""

    def __init__(self, certificates: Certificates) -> None:
        self.certificates = certificates
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def listen(self, script: Script) -> int:
        """Run the script on each connection to the port that is given back."""
        return self._listen(bind(HERE, 0), lambda sock: script(Peer(sock)))

    def listen_tls(
        self,
        script: Script = Peer.finish,
        *,
        name: str = "site.example",
        shown: Shown = "valid",
        ciphers: str | None = None,
    ) -> int:
        """The same after a TLS handshake with such a certificate for the name."""
        context = self.certificates.context(name, shown)
        if ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)

        async def serve(sock: socket.socket) -> None:
            peer = TlsPeer(sock, context)
            await peer.handshake()
            await script(peer)

        return self._listen(bind(HERE, 0), serve)

    def resolver(self, *replies: Reply | float, over_tcp: Script | None = None) -> int:
        """Answer queries over UDP, and on the same port over TCP if there is a script for it."""
        while True:
            datagram = bind(HERE, 0, socket.SOCK_DGRAM)
            port = endpoint_of(datagram).port
            try:
                stream = bind(HERE, port)
            except OSError:  # free for UDP, taken for TCP: any other will do
                datagram.close()
                continue
            break
        self._stack.push_async_callback(_Datagrams(datagram, replies).stop)
        if over_tcp is None:
            self._stack.callback(stream.close)
            return port
        return self._listen(stream, lambda sock: over_tcp(Peer(sock)))

    def closed(self) -> int:
        """A port that refuses TCP: bound, so that nobody else takes it, but not listened on."""
        sock = bind(HERE, 0)
        self._stack.callback(sock.close)
        return endpoint_of(sock).port

    def closed_udp(self) -> int:
        """A port where no datagram is heard. Its TCP twin is held, so that no one else comes."""
        sock = bind(HERE, 0, socket.SOCK_DGRAM)
        # Connected elsewhere, the socket keeps its port and the kernel refuses everyone else.
        sock.connect((HERE, 9))
        self._stack.callback(sock.close)
        return endpoint_of(sock).port

    def full(self) -> int:
        """A port whose backlog is full: the kernel drops every further SYN, like a silent host."""
        server = bind(HERE, 0)
        server.listen(0)
        port = endpoint_of(server).port
        self._stack.callback(server.close)
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex((HERE, port))
            self._stack.callback(waiting.close)
        return port

    def _listen(
        self, sock: socket.socket, serve: Callable[[socket.socket], Awaitable[None]]
    ) -> int:
        listener = Listener(sock, serve)
        self._stack.push_async_callback(listener.stop)
        return endpoint_of(sock).port
