"""Does a WireGuard server answer a handshake, and do packets pass through its tunnel?"""

import base64
import binascii
import ipaddress
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AfterValidator, SecretStr

from probe.checks.kit import Kit
from probe.checks.packets import answer_to, socket_to
from probe.checks.resolve import endpoints
from probe.checks.secret import SecretError, read_secret
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import each
from probe.checks.tunnel_echo import LEAST, exchange, in_turn
from probe.checks.tunnel_options import Count, Inside
from probe.checks.wireguard_tunnel import WireguardTunnel
from probe.core.address import Endpoint
from probe.net import Datagrams
from probe.wire.icmp_echo import Echo
from probe.wire.wireguard import INITIATION, KEY, Answer, Initiator


def decode_key(text: str) -> bytes:
    """A key as WireGuard's tools write it. ValueError, without the key, for anything else."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY:
        raise ValueError("a key is 32 bytes in base64, as wg genkey and wg pubkey print them")
    return key


def _public(text: str) -> str:
    # In a URL's query a plus sign means a blank.
    key = text.replace(" ", "+")
    decode_key(key)
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class WireguardCheck:
    """``wireguard://host[:51820]?public_key=…``: one handshake at every address.

    ``public_key`` is the server's; ``private_key_file`` (or ``_env``) holds a key that the server
    knows as a peer's and that *nothing else uses*: the server takes our address for that peer's
    from then on. ``psk_file`` (or ``_env``) holds the pre-shared key, if the peer has one. Without
    a private key the server stays silent by design, and only a closed port can be told.

    With ``tunnel_address``, which is that peer's inside the tunnel, and ``tunnel_peer``, which
    is to answer there, ``data`` echo requests go through the tunnel after the handshake.
    """

    name: ClassVar[str] = "wireguard"
    default_port: ClassVar[int | None] = 51820

    host: str
    port: int
    public_key: Annotated[str, AfterValidator(_public)]
    addresses: tuple[str, ...] = ()
    lookup: bool = False
    private_key: SecretStr | None = None
    private_key_file: str | None = None
    private_key_env: str | None = None
    psk: SecretStr | None = None
    psk_file: str | None = None
    psk_env: str | None = None
    tunnel_address: Inside | None = None
    tunnel_peer: Inside | None = None
    data: Count | None = None

    def __post_init__(self) -> None:
        ours, theirs = self.tunnel_address, self.tunnel_peer
        if (ours is None) != (theirs is None) or (self.data and ours is None):
            raise ValueError("packets through the tunnel need both tunnel_address and tunnel_peer")
        if ours and theirs and (":" in ours) != (":" in theirs):
            raise ValueError("tunnel_address and tunnel_peer are not of the same IP version")

    def require(self) -> None:
        """Both keys are there, and are keys."""
        self._secret("private_key")
        self._secret("psk")

    def _secret(self, what: str) -> bytes | None:
        given: SecretStr | None = getattr(self, what)
        file, env = getattr(self, f"{what}_file"), getattr(self, f"{what}_env")
        if given is not None:
            return decode_key(given.get_secret_value())
        text = read_secret(what, file=file, env=env)
        if text is None:
            return None
        try:
            return decode_key(text.decode("ascii", "replace"))
        except ValueError as exc:
            key = f"{what}_file" if file else f"{what}_env"
            raise SecretError(f"{file or env}: {exc}", key) from None

    async def run(self, kit: Kit) -> None:
        """Look the name up, then greet at each address."""
        found = await endpoints(
            kit, self.host, self.port, pinned=self.addresses, lookup=self.lookup
        )
        if not self._packets():
            await each(kit, found, self._at)
            return
        # A server has one tunnel for the key, wherever it is spoken to.
        await in_turn(kit, found, self._at)

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        private, psk = self._secret("private_key"), self._secret("psk")
        initiator = Initiator(
            private or os.urandom(KEY), decode_key(self.public_key), psk or bytes(KEY)
        )
        # Silence means nothing where the server does not know us.
        marks = {"dated": True} if private else {"keyed": True, "dated": True}

        async def greet(op: str, number: int, cookie: bytes) -> Answer:
            def build() -> bytes:
                return initiator.initiation(kit.now(), cookie)

            async with kit.trace.step(
                op, number, str(endpoint), within=kit.timeouts.first_byte, **marks
            ) as detail:
                if not socket:
                    socket.append(await held.enter_async_context(socket_to(kit, endpoint)))
                answer = await answer_to(socket[0], detail, build, initiator.read)
                detail["answer"] = answer.kind
                if answer.kind == "response" and not answer.complete:
                    detail["psk"] = "mismatch"
            return answer

        socket: list[Datagrams] = []  # one for both: a cookie is good for one address and port
        async with AsyncExitStack() as held:
            answer = await greet("wireguard_initiation", transaction, b"")
            if answer.cookie:
                # The server lives and is busy. Whether it goes on is no matter of the path.
                await greet("wireguard_cookie", kit.trace.transaction(), answer.cookie)
            elif answer.session and (count := self._packets()):
                tunnel = WireguardTunnel(
                    answer,
                    answer.session,
                    initiation=lambda: initiator.initiation(kit.now()),
                    read=initiator.read,
                )
                await exchange(
                    kit, transaction, endpoint, socket[0], tunnel, echo=self._echo(), count=count
                )

    def _packets(self) -> int:
        """How many are sent through the tunnel."""
        if self.data is None:
            return LEAST if self.tunnel_address else 0
        return self.data

    def _echo(self) -> Echo:
        assert self.tunnel_address and self.tunnel_peer  # __post_init__ has seen to it
        return Echo(
            source=ipaddress.ip_address(self.tunnel_address),
            destination=ipaddress.ip_address(self.tunnel_peer),
        )

    def first_packet(self) -> FirstPacket:
        """Four bytes that every initiation begins with, random ones, and no mac2."""
        return FirstPacket("udp", b"\1\0\0\0" + os.urandom(INITIATION - 20) + bytes(16))

    def sends(self) -> Iterable[Sending]:
        """Initiations, of which the form is readable on the way."""
        whose = "" if self._keyed() else ", from a key that nobody knows"
        yield Sending(self.host, self.port, "udp", f"WireGuard handshake initiation{whose}")
        if self._keyed() and (count := self._packets()):
            what = f"WireGuard data: {count} echo requests or a few more, and keepalives"
            yield Sending(self.host, self.port, "udp", f"{what}, to {self.tunnel_peer} inside")

    def _keyed(self) -> bool:
        return bool(self.private_key or self.private_key_file or self.private_key_env)
