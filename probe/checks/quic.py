"""Does a QUIC server answer, does a handshake come about, and does it serve HTTP/3?"""

import hashlib
import importlib
import importlib.util
import ssl
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from probe.checks.certificate import describe
from probe.checks.exchange import Request, converse, keep_page
from probe.checks.expect import Expect
from probe.checks.kit import Kit
from probe.checks.packets import answer_to, socket_to
from probe.checks.resolve import endpoints
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import Pin, each
from probe.core.address import Endpoint
from probe.core.failure import (
    AUTHORITY,
    HANDSHAKE,
    HOSTNAME,
    INCOMPATIBLE,
    UNKNOWN_ISSUER,
    NamedFailure,
)
from probe.core.masking import mask
from probe.core.model import JSON
from probe.core.units import Size
from probe.net.trust import Policy
from probe.wire.quic import Question, first_packet, offered

if TYPE_CHECKING:
    from probe.net.quic import QuicClient, QuicClosedError

EXTRA: Final = "pip install 'probe[quic]'"
_BAD_CERTIFICATE: Final = 42  # TLS's alert, which the server is told after a verification failed


def installed() -> bool:
    """Whether the extra is here, without which there are only version negotiations."""
    return importlib.util.find_spec("aioquic") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicCheck:
    """``quic://host[:443]``: a handshake at every address, and with ``request`` an HTTP/3 request.

    ``mode: version`` asks only which versions the server speaks; ``handshake`` demands the extra
    ``quic``; ``auto`` (default) is the latter where the extra is there. ``request`` is the path to
    ask for, ``transfer`` how much of the body is read, ``expect`` what the answer must be. ``sni``
    is the server name to send and to verify (default: the host), ``alpn`` the protocols to offer,
    ``verify: off`` accepts any certificate (and is recorded), ``ca_file`` adds authorities;
    ``pin``, the SHA-256 of a certificate, demands that one instead.
    """

    name: ClassVar[str] = "quic"
    default_port: ClassVar[int | None] = 443

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    lookup: bool = False
    mode: Literal["auto", "version", "handshake"] = "auto"
    sni: str | None = None
    alpn: tuple[str, ...] = ("h3",)
    verify: bool = True
    ca_file: str | None = None
    pin: Pin | None = None
    request: Annotated[str, Field(pattern=r"^/[!-~]{0,2047}$")] | None = None
    transfer: Size = 64 * 1024
    expect: Expect | None = None

    def __post_init__(self) -> None:
        if self.request is None and self.expect is not None:
            raise ValueError("'expect' needs a 'request'")
        if self.request is not None and (self.mode == "version" or "h3" not in self.alpn):
            raise ValueError("a 'request' needs a handshake, and h3 in 'alpn'")
        if self.request is not None and mask(self.request) != self.request:
            raise ValueError("a 'request' is shown in results and to controls: no secret in it")

    def require(self) -> None:
        """The extra is there, where nothing can be done without it."""
        if (self.mode == "handshake" or self.request is not None) and not installed():
            wanted = "mode=handshake" if self.request is None else "a request over HTTP/3"
            raise ValueError(f"{wanted} needs a package more; run: {EXTRA}")
        if self.shakes_hands():
            # Loading it takes a quarter of a second, in which nothing else could be timed.
            importlib.import_module("probe.checks.http3")
            importlib.import_module("probe.net.verify")

    async def run(self, kit: Kit) -> None:
        """Look the name up, then ask or shake hands at each address."""
        found = await endpoints(
            kit, self.host, self.port, pinned=self.addresses, lookup=self.lookup
        )
        if self.shakes_hands():
            from probe.net.verify import prepare

            self.require()
            kit.trust.prepare(self._policy(kit))
            prepare(self.ca_file or kit.ca_file)
        await each(kit, found, self._at if self.shakes_hands() else self._versions)

    async def _versions(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        """Ask in a version that nobody speaks: who knows QUIC answers with those that it knows."""
        asked: list[Question] = []

        def build() -> bytes:
            asked.append(Question())
            return asked[-1].to_wire()

        def read(data: bytes) -> tuple[int, ...] | None:
            return next((found for one in asked if (found := offered(data, one))), None)

        marks = {} if installed() else {"note": "no handshake: the extra 'quic' is not installed"}
        async with (
            kit.trace.step(
                "quic_version", transaction, str(endpoint), within=kit.timeouts.first_byte, **marks
            ) as detail,
            socket_to(kit, endpoint) as sock,
        ):
            answer = await answer_to(sock, detail, build, read)
            detail["versions"] = [f"{version:#010x}" for version in answer]

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        async with AsyncExitStack() as held:
            client = await self._handshake(kit, transaction, endpoint, held)
            if self.request is not None:
                await self._fetch(kit, transaction, endpoint, client)

    async def _handshake(
        self, kit: Kit, transaction: int, endpoint: Endpoint, held: AsyncExitStack
    ) -> "QuicClient":
        from probe.net.quic import QuicClient, QuicClosedError

        name, client, root = self.sni or self.host, None, None
        detail: dict[str, JSON] = {}
        try:
            async with kit.trace.step(
                "quic_handshake",
                transaction,
                str(endpoint),
                within=kit.timeouts.tls,
                server_name=name,
                verify=self.verify or self.pin is not None,
                **({"pin": self.pin} if self.pin else {}),
            ) as detail:
                sock = await held.enter_async_context(socket_to(kit, endpoint))
                client = QuicClient(sock, kit.trace.elapsed, name, self.alpn)
                held.push_async_callback(client.close)
                try:
                    await client.handshake()
                    root = self._verify(kit, client.chain(), name)
                except QuicClosedError as exc:
                    if exc.alert and not exc.ours:
                        detail["alert"] = exc.alert
                    raise NamedFailure(_failure(exc), str(exc)) from exc
                except (ssl.SSLCertVerificationError, _PinnedError) as exc:
                    await client.close(alert=_BAD_CERTIFICATE)
                    if isinstance(exc, ssl.SSLCertVerificationError):
                        detail["verify_code"] = exc.verify_code
                    raise
        finally:  # the step's clock has been read: describing the chain costs it nothing
            if client is not None:
                detail.update(client.facts())
                chain = client.chain()
                detail["peer_certificates"] = [kit.keep(der) for der in chain]
                if chain:
                    detail["leaf"] = describe(chain[0])
            if client is not None and detail.get("verify_code") in UNKNOWN_ISSUER:
                policy = self._policy(kit)
                detail.update(kit.trust.missed(client.chain(), name, policy, kit.now()))
            if root:
                detail.update(kit.trust.beside_public(root, self._policy(kit), kit.ca_file))
        return client

    def _verify(self, kit: Kit, chain: tuple[bytes, ...], name: str) -> str | None:
        """The authority that vouches for the chain, if one is wanted."""
        from probe.net.verify import verify

        if self.pin:
            if hashlib.sha256(b"".join(chain[:1])).hexdigest() != self.pin:
                raise _PinnedError(AUTHORITY, "not the certificate that was pinned")
            return None
        return verify(chain, name, self.ca_file or kit.ca_file) if self.verify else None

    async def _fetch(
        self, kit: Kit, transaction: int, endpoint: Endpoint, client: "QuicClient"
    ) -> None:
        from probe.checks.http3 import Http3

        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = host if self.port == self.default_port else f"{host}:{self.port}"
        response = await converse(
            kit,
            transaction,
            endpoint,
            Http3(client, kit.user_agent),
            Request(host=authority, path=self.request or "/", headers=(("Accept", "*/*"),)),
            limit=self.transfer,
        )
        met = self.expect is None or self.expect.met(response.head, response.content)
        if response.head.status >= 400 or not met:
            keep_page(kit, response)
        if self.expect is not None:
            async with kit.trace.step("expect", transaction, str(endpoint), within=1.0):
                self.expect.hold(response.head, response.content)

    def shakes_hands(self) -> bool:
        """Whether more is done than to ask for versions."""
        wanted = self.mode == "handshake" or self.request is not None
        return self.mode != "version" and (wanted or installed())

    def _policy(self, kit: Kit) -> Policy:
        return Policy(
            verify=self.verify and not self.pin,
            ca_file=self.ca_file or kit.ca_file,
            alpn=self.alpn,
        )

    def first_packet(self) -> FirstPacket:
        """What looks like the first datagram of this mode, without a ClientHello and a name."""
        shape = first_packet() if self.shakes_hands() else Question().to_wire()
        return FirstPacket("udp", shape)

    def sends(self) -> Iterable[Sending]:
        """One packet, or a handshake, whose server name can be read on the way."""
        what = "QUIC packet of a version that nobody speaks, without a name"
        if self.shakes_hands():
            name = self.sni or self.host
            what = f"QUIC handshake, server name {name} readable on the way"
        if self.request is not None:
            what += "; an HTTP/3 request in it, encrypted"
        yield Sending(self.host, self.port, "udp", what)


class _PinnedError(NamedFailure):
    """Another certificate than the one that was pinned."""


def _failure(closed: "QuicClosedError") -> str:
    """The failure's name of a handshake that one side ended."""
    if closed.incompatible:
        return INCOMPATIBLE
    refused = closed.alert == "unrecognized_name" and not closed.ours
    return HOSTNAME if refused else HANDSHAKE
