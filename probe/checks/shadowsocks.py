"""Does a Shadowsocks server relay what its password seals?"""

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from pydantic import SecretStr

from probe.checks.kit import Kit
from probe.checks.packets import answer_to, socket_to
from probe.checks.relaying import NEUTRAL, WEB, head_of, status_of
from probe.checks.resolve import endpoints
from probe.checks.secret import read_secret
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import connect, each
from probe.core.address import Endpoint
from probe.core.failure import EndOfStreamError, MalformedReplyError, NamedFailure
from probe.core.hostname import parse_place
from probe.core.model import JSON
from probe.wire.dns import Answer, Query
from probe.wire.shadowsocks import METHODS, TAG, Client, key_of, open_datagram, seal_datagram
from probe.wire.socks5 import place

RESOLVER: Final = "1.1.1.1:53"  # a public one, that a server elsewhere can ask
_HEAD: Final = 220  # bytes of a request for a page's head, about
_QUERY: Final = 44  # bytes of a query for NEUTRAL

Method = Literal["chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm"]
Transport = Literal["tcp", "udp", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowsocksCheck:
    """``shadowsocks://[method:password@]host:port``: have something relayed at every address.

    Over TCP that is a request for the head of a page at ``to``, over UDP a DNS query to ``to_dns``
    (both ``host:port``); ``transport`` says which. The password may stand in ``password_file`` or
    ``password_env`` instead. Without one only a connection can be told: the server is silent.
    """

    name: ClassVar[str] = "shadowsocks"
    default_port: ClassVar[int | None] = None
    credentials: ClassVar[tuple[str, ...]] = ("method", "password")

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    lookup: bool = False
    method: Method = "chacha20-ietf-poly1305"
    password: SecretStr | None = None
    password_file: str | None = None
    password_env: str | None = None
    transport: Transport = "tcp"
    to: str = WEB
    to_dns: str = RESOLVER

    def __post_init__(self) -> None:
        parse_place(self.to)
        parse_place(self.to_dns)

    def require(self) -> None:
        """The password is there, if there is to be one."""
        self._key()

    def _key(self) -> bytes | None:
        given = read_secret("password", file=self.password_file, env=self.password_env)
        if self.password is not None:
            given = self.password.get_secret_value().encode()
        return key_of(given, self.method) if given else None

    async def run(self, kit: Kit) -> None:
        """Look the name up; at each address have something relayed."""
        found = await endpoints(
            kit, self.host, self.port, pinned=self.addresses, lookup=self.lookup
        )
        if self.transport != "udp":
            await each(kit, found, self._over_tcp)
        if self.transport != "tcp":
            await each(kit, found, self._over_udp)

    async def _over_tcp(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        key = self._key()
        stream = await connect(kit, transaction, endpoint)
        try:
            async with kit.trace.step(
                "shadowsocks_relay",
                transaction,
                str(endpoint),
                within=kit.timeouts.first_byte,
                **self._marks(key, self.to),
            ) as detail:
                # A key of nobody's: what it seals is what a stranger would send.
                client = Client(self.method, key or os.urandom(METHODS[self.method][0]))
                sent = client.request(*parse_place(self.to), head_of(self.to, kit.user_agent))
                detail.update(bytes_sent=len(sent), bytes=0)
                await stream.send(sent)
                opened = b""
                while not opened:
                    data = await stream.receive()
                    if not data:
                        raise EndOfStreamError("closed before anything that the key opens")
                    detail["bytes"] += len(data)
                    opened = client.feed(data)
                detail.update(authenticated=True, status=status_of(opened))
        finally:
            stream.close()

    async def _over_udp(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        known = self._key()
        key = known or os.urandom(METHODS[self.method][0])
        query = Query.make(NEUTRAL, "A", secrets.randbits(16))

        def build() -> bytes:
            return seal_datagram(self.method, key, *parse_place(self.to_dns), query.to_wire())

        def read(data: bytes) -> Answer | None:
            try:
                answer = query.read(open_datagram(self.method, key, data))
            except (MalformedReplyError, NamedFailure):
                return None  # sealed by somebody else, or no answer to this query
            return answer if answer.id == query.id else None

        async with (
            kit.trace.step(
                "shadowsocks_datagram",
                transaction,
                str(endpoint),
                within=kit.timeouts.first_byte,
                **self._marks(known, self.to_dns),
            ) as detail,
            socket_to(kit, endpoint) as sock,
        ):
            answer = await answer_to(sock, detail, build, read)
            detail.update(authenticated=True, rcode=answer.rcode)

    def _marks(self, key: bytes | None, to: str) -> dict[str, JSON]:
        # Silence means nothing where the password is not known.
        marks: dict[str, JSON] = {"method": self.method, "to": to, "authenticated": False}
        return marks if key else {**marks, "keyed": True}

    def first_packet(self) -> FirstPacket:
        """Random bytes and nothing else, as many as a first packet has."""
        salt = METHODS[self.method][0]
        if self.transport == "udp":
            where = place(*parse_place(self.to_dns))
            return FirstPacket("udp", os.urandom(salt + len(where) + _QUERY + TAG))
        where = place(*parse_place(self.to))
        return FirstPacket("tcp", os.urandom(salt + 2 + TAG + len(where) + _HEAD + TAG))

    def sends(self) -> Iterable[Sending]:
        """Bytes that look random, and what the server is asked to relay."""
        whose = "" if self._given() else ", under a password that nobody knows"
        if self.transport != "udp":
            what = f"Shadowsocks, random to look at: a request to relay to {self.to}{whose}"
            yield Sending(self.host, self.port, "tcp", what)
        if self.transport != "tcp":
            what = f"Shadowsocks, random to look at: a query to relay to {self.to_dns}{whose}"
            yield Sending(self.host, self.port, "udp", what)

    def _given(self) -> bool:
        return bool(self.password or self.password_file or self.password_env)
