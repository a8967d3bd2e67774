"""Does a SOCKS5 proxy answer, let us in, and connect where it is asked to?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from pydantic import SecretStr

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.reader import Reader
from probe.checks.secret import SecretError, read_secret
from probe.checks.sending import Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.core.failure import PROXY_REFUSED, NamedFailure
from probe.core.hostname import parse_place
from probe.net import Stream
from probe.wire import socks5


@dataclass(frozen=True, slots=True, kw_only=True)
class Socks5Check(HostCheck):
    """``socks5://[user:password@]host[:1080]?to=…``: greet at every address, and ask for ``to``.

    ``to`` is where the proxy is asked to connect to (``host:port``); without it only the greeting
    is made, and it proves little. The password may stand in ``password_file`` or
    ``password_env`` instead.
    """

    name: ClassVar[str] = "socks5"
    default_port: ClassVar[int | None] = 1080
    credentials: ClassVar[tuple[str, ...]] = ("username", "password")

    to: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: str | None = None
    password_env: str | None = None

    def __post_init__(self) -> None:
        if self.to is not None:
            parse_place(self.to)

    def require(self) -> None:
        """The password is there, if there is a user name."""
        self._login()

    def _login(self) -> bytes | None:
        given = read_secret("password", file=self.password_file, env=self.password_env)
        if self.password is not None:
            given = self.password.get_secret_value().encode()
        if self.username is None:
            return None
        if given is None:
            raise SecretError("a user name needs its password", "password_file")
        return socks5.login(self.username, given.decode("utf-8", "replace"))

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        login = self._login()
        stream = await connect(kit, transaction, endpoint)
        try:
            reader = Reader(stream, self.name)
            await self._greet(kit, transaction, endpoint, stream, reader, login)
            if self.to is not None:
                await self._ask(kit, transaction, endpoint, stream, reader)
        finally:
            stream.close()

    async def _greet(
        self,
        kit: Kit,
        transaction: int,
        endpoint: Endpoint,
        stream: Stream,
        reader: Reader,
        login: bytes | None,
    ) -> None:
        address, within = str(endpoint), kit.timeouts.first_byte
        async with kit.trace.step(
            "socks5_greeting", transaction, address, within=within, login=login is not None
        ) as detail:
            await stream.send(socks5.greeting(password=login is not None))
            method = socks5.read_method(await reader.exactly(2))
            detail["method"] = socks5.METHODS.get(method, str(method))
        if method == socks5.USER_AND_PASSWORD and login is not None:
            async with kit.trace.step("socks5_login", transaction, address, within=within):
                await stream.send(login)
                if not socks5.read_login(await reader.exactly(2)):
                    raise NamedFailure(PROXY_REFUSED, "the proxy refuses this user")
        elif method != socks5.NO_AUTHENTICATION and self.to is not None:
            async with kit.trace.step("socks5_login", transaction, address, within=within):
                raise NamedFailure(PROXY_REFUSED, "the proxy takes none of our methods")

    async def _ask(
        self, kit: Kit, transaction: int, endpoint: Endpoint, stream: Stream, reader: Reader
    ) -> None:
        host, port = parse_place(self.to or "")
        async with kit.trace.step(
            "socks5_request", transaction, str(endpoint), within=kit.timeouts.first_byte, to=self.to
        ) as detail:
            await stream.send(socks5.connect(host, port))
            reply = socks5.read_reply(await reader.exactly(5))
            detail["reply"] = reply.text
            await reader.exactly(reply.rest)
            if reply.code:
                raise NamedFailure(PROXY_REFUSED, f"the proxy says: {reply.text}")

    def sends(self) -> Iterable[Sending]:
        """A greeting, and what the proxy is asked for, all of it in clear."""
        login = ", user name and password" if self.username is not None else ""
        wish = f", a request for {self.to}" if self.to else ""
        yield Sending(self.host, self.port, "tcp", f"SOCKS5 greeting{login}{wish}, in clear")
