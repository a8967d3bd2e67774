"""TLS over any Stream, with the peer's chain also when verification fails.

OpenSSL runs on two memory buffers (``ssl.MemoryBIO``), so the bytes go over the connection that
the probe itself dialled, and the handshake's outcome, the certificate chain and the alert are all
read from that one handshake: a second, unverified one might meet another server.
"""

import contextlib
import hashlib
import ssl
from typing import Any

from probe.core.failure import EndOfStreamError
from probe.core.model import JSON
from probe.net import Stream


class TlsStream:
    """TLS as a client, over a stream that is already connected."""

    def __init__(self, stream: Stream, context: ssl.SSLContext, server_name: str | None) -> None:
        """Send ``server_name`` as SNI (RFC 6066; not for IP literals) and demand it in the leaf;
        None sends and demands none."""
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=False, server_hostname=server_name
        )
        self.local_ip = stream.local_ip

    async def handshake(self, *, anonymous: bool = False) -> None:
        """Complete the handshake, or raise ssl.SSLError, EndOfStreamError or OSError.

        With ``anonymous`` the peer is one that demands a certificate of ours, which it will not
        get: then all is done once its own key has signed and our answer to that is sent. Under
        TLS 1.3 that is the whole handshake anyway, under 1.2 (RFC 5246 section 7.3) it lacks the
        peer's last word, and ``tls_version`` stays unknown.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                if await self._flush() and anonymous and self.chain():
                    return
                await self._feed(due=True)
            except ssl.SSLError:
                await self._flush_alert()
                raise
            else:
                await self._flush()
                return

    async def receive(self, limit: int = 65536) -> bytes:
        """Decrypted bytes; empty at the peer's close, with or without a close_notify."""
        while True:
            try:
                return self._tls.read(limit)
            except ssl.SSLWantReadError:
                await self._flush()  # a key update may wait to be answered
                if not await self._feed(due=False):
                    return b""
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def send(self, data: bytes) -> None:
        """Encrypt and send all of it."""
        self._tls.write(data)
        await self._flush()

    async def farewell(self) -> None:
        """Send close_notify (RFC 8446 section 6.1) where the handshake has come so far; whatever
        the peer says to it is not waited for."""
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        await self._flush_alert()

    def close(self) -> None:
        """Close the connection below at once."""
        self._stream.close()

    def chain(self) -> tuple[bytes, ...]:
        """The certificates that the peer sent, DER, leaf first; empty if it sent none yet."""
        return _sent_chain(self._tls)

    def root(self) -> str | None:
        """SHA-256 of the authority that the verified chain ends in; None without one."""
        try:
            chain = _verified_chain(self._tls)
        except ssl.SSLError:
            return None
        return hashlib.sha256(chain[-1]).hexdigest() if chain else None

    def facts(self) -> dict[str, JSON]:
        """Version, cipher and ALPN, as far as they were agreed on."""
        cipher = self._tls.cipher()
        return {
            "tls_version": self._tls.version() if cipher else None,
            "cipher_suite": cipher[0] if cipher else None,
            "alpn": self._tls.selected_alpn_protocol(),
        }

    async def _flush(self) -> bool:
        """Send what is to be sent; whether there was anything."""
        if data := self._outgoing.read():
            await self._stream.send(data)
        return bool(data)

    async def _flush_alert(self) -> None:
        """Tell the peer why, if it still listens; the reason for failing stays the first one."""
        try:
            await self._flush()
        except OSError:
            return

    async def _feed(self, *, due: bool) -> bool:
        data = await self._stream.receive()
        if data:
            self._incoming.write(data)
            return True
        if due:
            raise EndOfStreamError("closed inside the TLS handshake")
        self._incoming.write_eof()
        return False


def _sent_chain(tls: Any) -> tuple[bytes, ...]:
    """The unverified chain: public from Python 3.13 on, before that on the inner object."""
    if hasattr(tls, "get_unverified_chain"):
        return tuple(tls.get_unverified_chain() or ())
    return _der(tls._sslobj.get_unverified_chain())  # noqa: SLF001  (the only way there)


def _verified_chain(tls: Any) -> tuple[bytes, ...]:
    """The chain that OpenSSL built, authority last, likewise."""
    if hasattr(tls, "get_verified_chain"):
        return tuple(tls.get_verified_chain() or ())
    return _der(tls._sslobj.get_verified_chain())  # noqa: SLF001  (the only way there)


def _der(certificates: Any) -> tuple[bytes, ...]:
    return tuple(
        ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in certificates or ()
    )
