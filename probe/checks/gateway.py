"""VPN gateways that live behind TLS: what AnyConnect, SSTP and SoftEther have in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.sending import Sending
from probe.checks.steps import Pin, connect, handshake
from probe.core.address import Endpoint
from probe.net import Stream
from probe.net.trust import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway(HostCheck):
    """A TLS handshake at every address, then ``ask``, in which a gateway says what it is.

    ``sni`` is the server name to send and to verify (default: the host), ``verify: off`` accepts
    any certificate (and is recorded), ``ca_file`` adds authorities; ``pin``, the SHA-256 of a
    certificate, demands that one instead. What was shown is recorded in any case.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    default_port: ClassVar[int | None] = 443
    alpn: ClassVar[tuple[str, ...]] = ()  # their clients offer none

    sni: str | None = None
    verify: bool = True
    ca_file: str | None = None
    pin: Pin | None = None

    def _prepare(self, kit: Kit) -> None:
        kit.trust.prepare(self._policy(kit))

    async def ask(self, kit: Kit, transaction: int, endpoint: Endpoint, stream: Stream) -> None:
        """What the protocol does once TLS stands."""
        raise NotImplementedError

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        stream = await connect(kit, transaction, endpoint)
        try:
            tls = await handshake(
                kit,
                transaction,
                endpoint,
                stream,
                server_name=self.sni or self.host,
                policy=self._policy(kit),
                pin=self.pin,
            )
            await self.ask(kit, transaction, endpoint, tls)
        finally:
            stream.close()

    def _policy(self, kit: Kit) -> Policy:
        return Policy(verify=self.verify and not self.pin, ca_file=self.ca_file or kit.ca_file)

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL and in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"

    def sends(self) -> Iterable[Sending]:
        """A conversation inside TLS; the server name is readable on the way."""
        what = f"{self.title} inside TLS, server name {self.sni or self.host} in clear"
        yield Sending(self.host, self.port, "tcp", what)
