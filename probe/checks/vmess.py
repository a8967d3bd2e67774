"""Does a VMess server answer to a user's id?"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID, uuid4

from pydantic import SecretStr

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.relaying import WEB, head_of
from probe.checks.secret import SecretError, read_secret
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.core.failure import EndOfStreamError
from probe.core.hostname import parse_place
from probe.core.model import JSON
from probe.wire.vmess import Client

_USUAL: Final = 360  # bytes of a first packet with a request for a page's head, about


def _user(text: str) -> UUID:
    """A user's id. ValueError, without it, for anything else."""
    try:
        return UUID(text.strip())
    except ValueError:
        raise ValueError("a user's id is a UUID: 32 hexadecimal digits") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmessCheck(HostCheck):
    """``vmess://[uuid@]host:port``: one request at every address, whose answer proves the id.

    ``to`` (``host:port``) is where the server is asked to connect to, for the head of a page; it
    need not answer. The id may stand in ``uuid_file`` or ``uuid_env`` instead. Without one only a
    connection can be told: the server is silent.
    """

    name: ClassVar[str] = "vmess"
    default_port: ClassVar[int | None] = None
    credentials: ClassVar[tuple[str, ...]] = ("uuid",)

    uuid: SecretStr | None = None
    uuid_file: str | None = None
    uuid_env: str | None = None
    to: str = WEB

    def __post_init__(self) -> None:
        parse_place(self.to)
        if self.uuid is not None:
            _user(self.uuid.get_secret_value())

    def require(self) -> None:
        """The id is there, if there is to be one, and is one."""
        self._secret()

    def _secret(self) -> UUID | None:
        if self.uuid is not None:
            return _user(self.uuid.get_secret_value())
        given = read_secret("uuid", file=self.uuid_file, env=self.uuid_env)
        if given is None:
            return None
        try:
            return _user(given.decode("ascii", "replace"))
        except ValueError as exc:
            key = "uuid_file" if self.uuid_file else "uuid_env"
            raise SecretError(f"{self.uuid_file or self.uuid_env}: {exc}", key) from None

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        user = self._secret()
        # Silence means nothing where the id is not known.
        marks: dict[str, JSON] = {"to": self.to, "authenticated": False, "dated": True}
        stream = await connect(kit, transaction, endpoint)
        try:
            async with kit.trace.step(
                "vmess_request",
                transaction,
                str(endpoint),
                within=kit.timeouts.first_byte,
                **(marks if user else {**marks, "keyed": True}),
            ) as detail:
                client = Client(user or uuid4())
                data = head_of(self.to, kit.user_agent)
                sent = client.request(kit.now(), *parse_place(self.to), data)
                detail.update(bytes_sent=len(sent), bytes=0)
                await stream.send(sent)
                header = None
                while header is None:
                    data = await stream.receive()
                    if not data:
                        raise EndOfStreamError("closed before a header")
                    detail["bytes"] += len(data)
                    header = client.feed(data)
                detail["authenticated"] = True
        finally:
            stream.close()

    def first_packet(self) -> FirstPacket:
        """Random bytes and nothing else, as many as a first packet has."""
        return FirstPacket("tcp", os.urandom(_USUAL))

    def sends(self) -> Iterable[Sending]:
        """Bytes that look random, and what the server is asked to relay."""
        known = self.uuid or self.uuid_file or self.uuid_env
        whose = "" if known else ", under an id that nobody has"
        what = f"VMess, random to look at: a request to relay to {self.to}{whose}"
        yield Sending(self.host, self.port, "tcp", what)
