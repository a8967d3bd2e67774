"""Does a web server answer, over plain HTTP or over HTTPS?

Connect, handshake, request, first byte and transfer are steps of their own, on a connection that
the probe dialled itself. A redirect is recorded, and followed only where the target asks for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from probe.checks.exchange import Request, Response, exchange, keep_page
from probe.checks.expect import Expect
from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.resolve import endpoints
from probe.checks.sending import Sending
from probe.checks.steps import Pin, Roots, connect, handshake
from probe.core.address import Endpoint, is_local
from probe.core.failure import NamedFailure
from probe.core.hostname import normal_host
from probe.core.masking import mask
from probe.core.trace import Stopped
from probe.core.units import Size
from probe.net.trust import Policy

MAX_REDIRECTS: Final = 10
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_BAD_REDIRECT: Final = "http_invalid_redirect_location_host"
INWARDS: Final = "leads into the vantage's own network"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.path}"


_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsCheck(HostCheck):
    """``https://host/path``: one request to every address.

    ``transfer`` is how much of the body is read, ``follow`` how many redirects are followed,
    ``expect`` what the answer must be (default: any status will do), ``sni`` the server name if it
    is not the host; ``verify: off`` accepts any certificate (and is recorded), ``pin``, the SHA-256
    of a certificate, demands that one; ``roots`` are shipped authorities that are trusted in place
    of the system's; ``host_header`` is sent instead of the host.
    """

    name: ClassVar[str] = "https"
    default_port: ClassVar[int | None] = 443

    path: str = "/"
    transfer: Size = 64 * 1024
    follow: Annotated[int, Field(ge=0, le=MAX_REDIRECTS)] = 0
    expect: Expect | None = None
    sni: str | None = None
    verify: bool = True
    ca_file: str | None = None
    pin: Pin | None = None
    roots: Roots | None = None
    host_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$")] | None = None

    def _prepare(self, kit: Kit) -> None:
        if self.name == "https":
            kit.trust.prepare(self._policy(kit))

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        hop = _Hop(scheme=self.name, host=self.host, port=self.port, path=self.path)
        response = await self._fetch(kit, transaction, endpoint, hop, self.sni or self.host)
        for _ in range(self.follow):
            if response.head.status not in _REDIRECTS or not response.head.get("location"):
                break
            hop, endpoint = await self._next(kit, transaction, hop, endpoint, response)
            response = await self._fetch(kit, transaction, endpoint, hop, hop.host)
        if self.expect is not None:
            async with kit.trace.step("expect", transaction, str(endpoint), within=1.0):
                self.expect.hold(response.head, response.content)

    async def _fetch(
        self, kit: Kit, transaction: int, endpoint: Endpoint, hop: _Hop, server_name: str
    ) -> Response:
        stream = await connect(kit, transaction, endpoint)
        try:
            if hop.scheme == "https":
                stream = await handshake(
                    kit,
                    transaction,
                    endpoint,
                    stream,
                    server_name=server_name,
                    policy=self._policy(kit),
                    pin=self.pin,
                )
            first = hop.host == self.host and hop.port == self.port
            host = (self.host_header if first else None) or hop.host_header
            request = Request(host=host, path=hop.path, headers=(("Accept", "*/*"),))
            response = await exchange(
                kit, transaction, endpoint, stream, request, limit=self.transfer
            )
        finally:
            stream.close()
        self._keep(kit, hop, response)
        return response

    def _keep(self, kit: Kit, hop: _Hop, response: Response) -> None:
        """Keep a body in which a block page may stand: plain HTTP, errors, unexpected answers."""
        unexpected = self.expect is not None and not self.expect.met(
            response.head, response.content
        )
        if hop.scheme == "http" or response.head.status >= 400 or unexpected:
            keep_page(kit, response)

    async def _next(
        self, kit: Kit, transaction: int, hop: _Hop, endpoint: Endpoint, response: Response
    ) -> tuple[_Hop, Endpoint]:
        """Where a redirect leads: at the same host to the same address, else to the first address
        that the resolvers give. Not into this machine's own network, by name or by address: a
        server must not be able to make the vantage ask what only the vantage reaches."""
        async with kit.trace.step("redirect", transaction, within=kit.trace.left()):
            try:
                to = _follow(hop, response.head.get("location") or "", self.host)
            except ValueError as exc:
                raise NamedFailure(_BAD_REDIRECT, str(exc)) from None
            if to.host == hop.host:
                return to, Endpoint(endpoint.ip, to.port)
            try:
                found = await endpoints(kit, to.host, to.port)
            except Stopped as stopped:
                raise NamedFailure(stopped.failure) from None
            ip = found[0].ip
            inwards = is_local(ip) or kit.trace.scrubber.owns(ip)
            if inwards and ip != endpoint.ip and not is_local(endpoint.ip):
                raise NamedFailure(_BAD_REDIRECT, INWARDS)
            return to, found[0]

    def _policy(self, kit: Kit) -> Policy:
        return Policy(
            verify=self.verify and not self.pin,
            ca_file=self.ca_file or kit.ca_file,
            alpn=("http/1.1",),
            roots=self.roots,
        )

    def sends(self) -> Iterable[Sending]:
        """A request; over HTTPS only the server name is readable on the way."""
        if self.name == "https":
            seen = f"HTTPS request, server name {self.sni or self.host} in clear"
        else:
            seen = f"HTTP request for {mask(self.path)}, all of it in clear"
        yield Sending(self.host, self.port, "tcp", seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCheck(HttpsCheck):
    """``http://host/path``: the same without TLS."""

    name: ClassVar[str] = "http"
    default_port: ClassVar[int | None] = 80


def _follow(hop: _Hop, location: str, origin: str) -> _Hop:
    """The hop that a Location header names (RFC 9110 section 10.2.2). ValueError if none."""
    parts = urlsplit(urljoin(hop.url, location))
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not a web address")
    if is_local(parts.hostname) and not is_local(origin):
        raise ValueError(INWARDS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ValueError("not a web address")
    return _Hop(
        scheme=parts.scheme,
        host=normal_host(parts.hostname, location),
        port=parts.port or _PORTS[parts.scheme],
        path=path,
    )
