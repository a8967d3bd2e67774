"""Real QUIC servers, by aioquic: one on loopback, and the same as a script for a fake network.

What they answer over HTTP/3 follows from the path that is asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.buffer import Buffer
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import HandshakeCompleted, ProtocolNegotiated, QuicEvent
from aioquic.quic.packet import pull_quic_header
from support.authority import pem

HERE: Final = "127.0.0.1"
PAGE: Final = b"<title>shop</title>"
CRYPTO, CRYPTO_FRAME = 0x100, 0x06

# What a server does when something happens, besides answering over HTTP/3.
Reaction = Callable[[QuicConnection, QuicEvent], None]


def nothing_else(_quic: QuicConnection, _event: QuicEvent) -> None:
    """It only answers."""


def alerting(number: int) -> Reaction:
    """Ends every handshake with this alert of TLS."""

    def react(quic: QuicConnection, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            quic.close(CRYPTO + number, frame_type=CRYPTO_FRAME)

    return react


def forgetful(quic: QuicConnection, event: QuicEvent) -> None:
    """Closes in good order as soon as the handshake is done."""
    if isinstance(event, HandshakeCompleted):
        quic.close(0x100)


def configuration(kind: str = "valid", **more: Any) -> QuicConfiguration:
    """A server's, with a certificate of this kind for ``a.example``."""
    made = QuicConfiguration(is_client=False, alpn_protocols=["h3"], **more)
    made.load_cert_chain(pem("a.example", kind))
    return made


class Answering:
    """The server's end of one connection."""

    def __init__(self, quic: QuicConnection, react: Reaction) -> None:
        self._quic, self._react = quic, react
        self._http: H3Connection | None = None
        self.ends = False  # once what was said has been sent

    def handle(self, event: QuicEvent) -> None:
        self._react(self._quic, event)
        if isinstance(event, ProtocolNegotiated) and event.alpn_protocol == "h3":
            self._http = H3Connection(self._quic)
        for told in self._http.handle_event(event) if self._http else ():
            if isinstance(told, HeadersReceived):
                self._answer(told.stream_id, dict(told.headers))

    def _answer(self, stream: int, headers: dict[bytes, bytes]) -> None:
        assert self._http
        path = headers[b":path"].decode().partition("?")[0]
        what, _, number = path.strip("/").partition("/")
        match what:
            case "bytes":
                self._respond(stream, 200, bytes(int(number)))
            case "status":
                self._respond(stream, int(number), b"sorry")
            case "hello":
                self._respond(stream, 200, headers[b":authority"])
            case "early":
                self._http.send_headers(stream, [(b":status", b"103")])
                self._respond(stream, 200, PAGE)
            case "reset":
                self._quic.reset_stream(stream, 0x10C)
            case "cut":
                self._http.send_headers(stream, [(b":status", b"200")])
                self.ends = True
            case "broken":
                self._quic.send_stream_data(stream, b"\x00\x05hello", end_stream=True)
            case "endless":
                self._quic.send_stream_data(stream, b"\x01\xbf\xff\xff\xff" + bytes(200_000))
            case "silent":
                return
            case _:
                self._respond(stream, 200, PAGE)

    def _respond(self, stream: int, status: int, body: bytes) -> None:
        assert self._http
        told = [(b":status", str(status).encode()), (b"content-length", str(len(body)).encode())]
        self._http.send_headers(stream, told)
        self._http.send_data(stream, body, end_stream=True)


@asynccontextmanager
async def quic_server(
    kind: str = "valid", *, react: Reaction = nothing_else, retry: bool = False, **more: Any
) -> AsyncIterator[int]:
    """Give the port of a server on loopback."""

    class Protocol(QuicConnectionProtocol):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._answering = Answering(self._quic, react)

        def quic_event_received(self, event: QuicEvent) -> None:
            self._answering.handle(event)

    server = await serve(
        HERE, 0, configuration=configuration(kind, **more), create_protocol=Protocol, retry=retry
    )
    try:
        yield server._transport.get_extra_info("sockname")[1]
    finally:
        server.close()


def scripted(
    kind: str = "valid",
    *,
    react: Reaction = nothing_else,
    heard: list[bytes] | None = None,
    resets_after: int | None = None,
    spoils: Callable[[bytes], bytes] = bytes,
    **more: Any,
) -> Callable[[Any], Any]:
    """The same for a fake network. ``heard`` gets what came; from the datagram of the number
    ``resets_after`` on it has forgotten the connection; ``spoils`` changes what it sends."""

    async def script(peer: Any) -> None:
        quic, answering, count = None, None, 0
        now = asyncio.get_running_loop().time
        while data := await peer.receive():
            count += 1
            if heard is not None:
                heard.append(data)
            if quic is None or answering is None:
                header = pull_quic_header(Buffer(data=data), host_cid_length=8)
                quic = QuicConnection(
                    configuration=configuration(kind, **more),
                    original_destination_connection_id=header.destination_cid,
                )
                answering = Answering(quic, react)
            if resets_after is not None and count > resets_after:
                peer.send(b"\x5f" * 30 + quic._host_cids[0].stateless_reset_token)
                continue
            quic.receive_datagram(data, ("client", 1), now=now())
            while (event := quic.next_event()) is not None:
                answering.handle(event)
            for answer, _ in quic.datagrams_to_send(now=now()):
                peer.send(spoils(answer))
            if answering.ends:
                quic.close(0x100)
                for answer, _ in quic.datagrams_to_send(now=now()):
                    peer.send(answer)

    return script
