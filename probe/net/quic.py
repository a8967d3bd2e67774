"""QUIC as a client over any Datagrams, by aioquic's state machine: our sockets, our clock.

aioquic makes packets and reads them; it opens no socket and asks no clock. Certificates are not
verified inside the handshake but after it (``net.verify``), so that the chain of a server that is
refused is known too; until then nothing but the handshake has been said to it.

This module needs the extra ``quic``; nothing else in ``net`` imports it.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Final

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection, QuicConnectionState
from aioquic.quic.events import HandshakeCompleted, QuicEvent
from aioquic.tls import AlertDescription
from cryptography.hazmat.primitives.serialization import Encoding

from probe.core.failure import RESET, MalformedReplyError, NamedFailure
from probe.core.model import JSON
from probe.net import Datagrams

PROTOCOL: Final = "quic"
_PEER: Final = ("peer", 0)  # the socket is connected: aioquic needs to know of no other address
_IDLE: Final = 300.0  # seconds; deadlines are the steps', which are shorter
_CRYPTO: Final = 0x100  # errors from here on are TLS's alerts (RFC 9001 section 4.8)
_CRYPTO_FRAME: Final = 0x06
_NO_VERSION: Final = "Could not find a common protocol version"  # aioquic's only word for it
_TOKEN: Final = 16  # octets of a stateless reset's token
# What a parser raises that met bytes which nobody had thought of.
PARSING: Final = (ValueError, LookupError, ArithmeticError, AssertionError, TypeError)

for _name in ("quic", "http3"):  # aioquic writes of every packet, in words that a server may choose
    logging.getLogger(_name).disabled = True


class QuicClosedError(Exception):
    """The connection was closed: by the peer, or (``ours``) because of what the peer sent.

    ``alert`` is the name of TLS's alert, if it was one; ``code`` QUIC's or the application's error;
    ``incompatible`` says that the server speaks no version that we do.
    """

    def __init__(self, code: int, *, transport: bool, ours: bool, reason: str) -> None:
        """``transport`` tells QUIC's own errors from those of the protocol above it."""
        alert = None
        if transport and _CRYPTO <= code < 2 * _CRYPTO:
            number = code - _CRYPTO
            known = number in set(AlertDescription)
            alert = AlertDescription(number).name if known else str(number)
        who = "we" if ours else "the peer"
        super().__init__(f"{who} closed: {alert or hex(code)} {reason}".rstrip())
        self.code, self.ours, self.alert = code, ours, alert
        self.incompatible = ours and reason == _NO_VERSION


class QuicClient:
    """One connection. ``now`` gives seconds of a clock that is never set back."""

    def __init__(
        self, sock: Datagrams, now: Callable[[], float], server_name: str, alpn: Sequence[str]
    ) -> None:
        """Send ``server_name`` as SNI, unless it is an address; nothing is sent yet."""
        self._sock, self._now = sock, now
        self.connection = QuicConnection(
            configuration=QuicConfiguration(
                is_client=True,
                alpn_protocols=list(alpn),
                server_name=server_name,
                verify_mode=ssl.CERT_NONE,
                idle_timeout=_IDLE,
            )
        )
        self._receiving: asyncio.Task[bytes] | None = None
        self._alpn: str | None = None
        self.packets = 0  # datagrams that were sent
        self.heard = 0  # datagrams that came

    async def handshake(self) -> None:
        """Complete the handshake. QuicClosedError, OSError, or MalformedReplyError."""
        self.connection.connect(_PEER, now=self._now())
        while True:
            event = await self.next_event()
            if isinstance(event, HandshakeCompleted):
                self._alpn = event.alpn_protocol
                await self.flush()  # the peer is not to wait for our last message
                return

    async def next_event(self) -> QuicEvent:
        """What happens next, once it does."""
        while (event := self.connection.next_event()) is None:
            await self.flush()
            await self._wait()
        return event

    async def flush(self) -> None:
        """Send what is due. QuicClosedError if the connection has been closed."""
        ended = self._closing()
        await self._send()
        if ended is not None:
            raise ended

    async def close(self, alert: int | None = None, code: int = 0) -> None:
        """Say that it is over: with TLS's ``alert``, or an application's ``code``. Says nothing to
        a peer that was never heard."""
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.gather(self._receiving, return_exceptions=True)
        if not self.heard:
            return
        if alert is not None:
            self.connection.close(_CRYPTO + alert, frame_type=_CRYPTO_FRAME)
        else:
            self.connection.close(code)
        with contextlib.suppress(OSError):
            await self._send()

    def chain(self) -> tuple[bytes, ...]:
        """The certificates that the peer sent, DER, leaf first; empty if it sent none yet."""
        tls = getattr(self.connection, "tls", None)
        leaf = getattr(tls, "_peer_certificate", None)  # there is no public way to it
        if tls is None or leaf is None:
            return ()
        return tuple(
            each.public_bytes(Encoding.DER)
            for each in (leaf, *tls._peer_certificate_chain)  # noqa: SLF001
        )

    def facts(self) -> dict[str, JSON]:
        """Versions, cipher and ALPN as far as they were agreed on; whether a Retry came."""
        quic = self.connection
        schedule = getattr(getattr(quic, "tls", None), "key_schedule", None)
        return {
            "packets": self.packets,
            "datagrams": self.heard,
            "quic_version": f"{quic._version:#010x}" if quic._version else None,  # noqa: SLF001
            "retry": bool(quic._retry_count),  # noqa: SLF001
            "tls_version": "TLSv1.3" if schedule else None,
            "cipher_suite": f"TLS_{schedule.cipher_suite.name}" if schedule else None,
            "alpn": self._alpn,
        }

    async def _send(self) -> None:
        for data, _ in self.connection.datagrams_to_send(now=self._now()):
            await self._sock.send(data)
            self.packets += 1

    async def _wait(self) -> None:
        """Until a datagram comes, or one of aioquic's timers is over."""
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._sock.receive())
        at = self.connection.get_timer()
        pause = None if at is None else max(0.0, at - self._now())
        await asyncio.wait({self._receiving}, timeout=pause)
        if not self._receiving.done():
            # A loop calls up to its clock's resolution early, and then aioquic would do nothing.
            self.connection.handle_timer(now=max(self._now(), at or 0.0))
            return
        receiving, self._receiving = self._receiving, None
        data = receiving.result()
        self.heard += 1
        if self._is_reset(data):
            raise NamedFailure(RESET, "a stateless reset")
        try:
            self.connection.receive_datagram(data, _PEER, now=self._now())
        except PARSING as exc:
            raise MalformedReplyError(PROTOCOL, f"{type(exc).__name__}: {exc}") from exc

    def _closing(self) -> QuicClosedError | None:
        """Whether it is being closed. aioquic tells of that only when the time for stragglers is
        over, three probe timeouts later."""
        event = self.connection._close_event  # noqa: SLF001
        if event is None:
            return None
        return QuicClosedError(
            event.error_code,
            transport=event.frame_type is not None,
            ours=self.connection._state is not QuicConnectionState.DRAINING,  # noqa: SLF001
            reason=event.reason_phrase,
        )

    def _is_reset(self, data: bytes) -> bool:
        """RFC 9000 section 10.3.1: the peer has forgotten us, and proves that it is the peer."""
        token = self.connection._peer_cid.stateless_reset_token  # noqa: SLF001
        return len(token) == _TOKEN and data[-_TOKEN:] == token
