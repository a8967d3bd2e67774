"""Does a TLS handshake come about, and with whose certificate?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.sending import Sending
from probe.checks.steps import Pin, Roots, connect, handshake
from probe.core.address import Endpoint
from probe.net.trust import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsCheck(HostCheck):
    """``tls://host[:443]?sni=…``: handshake at every address.

    ``sni`` is the server name to send and to verify (default: the host), ``alpn`` the protocols to
    offer, ``verify: off`` accepts any certificate (and is recorded), ``ca_file`` adds authorities;
    ``pin``, the SHA-256 of a certificate, demands that one instead; ``roots`` are shipped
    authorities that are trusted in place of the system's.
    """

    name: ClassVar[str] = "tls"
    default_port: ClassVar[int | None] = 443

    sni: str | None = None
    alpn: tuple[str, ...] = ()
    verify: bool = True
    ca_file: str | None = None
    pin: Pin | None = None
    roots: Roots | None = None

    def _prepare(self, kit: Kit) -> None:
        kit.trust.prepare(self._policy(kit))

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        stream = await connect(kit, transaction, endpoint)
        try:
            await handshake(
                kit,
                transaction,
                endpoint,
                stream,
                server_name=self.sni or self.host,
                policy=self._policy(kit),
                pin=self.pin,
            )
        finally:
            stream.close()

    def _policy(self, kit: Kit) -> Policy:
        return Policy(
            verify=self.verify and not self.pin,
            ca_file=self.ca_file or kit.ca_file,
            alpn=self.alpn,
            roots=self.roots,
        )

    def sends(self) -> Iterable[Sending]:
        """A handshake; the server name is readable on the way."""
        name = self.sni or self.host
        yield Sending(self.host, self.port, "tcp", f"TLS handshake, server name {name} in clear")
