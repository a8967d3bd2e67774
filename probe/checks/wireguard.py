"""Does a WireGuard server answer a handshake?"""

import base64
import binascii
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
from probe.core.address import Endpoint
from probe.net import Datagrams
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
        await each(kit, found, self._at)

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

    def first_packet(self) -> FirstPacket:
        """Four bytes that every initiation begins with, random ones, and no mac2."""
        return FirstPacket("udp", b"\1\0\0\0" + os.urandom(INITIATION - 20) + bytes(16))

    def sends(self) -> Iterable[Sending]:
        """Initiations, of which the form is readable on the way."""
        whose = "" if self._keyed() else ", from a key that nobody knows"
        yield Sending(self.host, self.port, "udp", f"WireGuard handshake initiation{whose}")

    def _keyed(self) -> bool:
        return bool(self.private_key or self.private_key_file or self.private_key_env)
