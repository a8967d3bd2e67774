"""Does an HTTP proxy open a tunnel where it is asked to?"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import SecretStr

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.secret import SecretError, read_secret
from probe.checks.sending import Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.core.failure import PROXY_REFUSED, NamedFailure
from probe.core.hostname import parse_place
from probe.wire.http1 import Exchange

NEUTRAL: Final = "www.example.com:443"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConnectCheck(HostCheck):
    """``httpconnect://[user:password@]host:port?to=…``: ask for a tunnel at every address.

    ``to`` is where it should lead (``host:port``). Nothing is sent through it.
    """

    name: ClassVar[str] = "httpconnect"
    default_port: ClassVar[int | None] = 3128
    credentials: ClassVar[tuple[str, ...]] = ("username", "password")

    to: str = NEUTRAL
    username: str | None = None
    password: SecretStr | None = None
    password_file: str | None = None
    password_env: str | None = None

    def __post_init__(self) -> None:
        parse_place(self.to)

    def require(self) -> None:
        """The password is there, if there is a user name."""
        self._credentials()

    def _credentials(self) -> list[tuple[str, str]]:
        given = read_secret("password", file=self.password_file, env=self.password_env)
        if self.password is not None:
            given = self.password.get_secret_value().encode()
        if self.username is None:
            return []
        if given is None:
            raise SecretError("a user name needs its password", "password_file")
        told = base64.b64encode(self.username.encode() + b":" + given).decode()
        return [("Proxy-Authorization", f"Basic {told}")]

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        address, within = str(endpoint), kit.timeouts.first_byte
        credentials = self._credentials()
        stream = await connect(kit, transaction, endpoint)
        try:
            http = Exchange()
            headers = [("Host", self.to), ("User-Agent", kit.user_agent), *credentials]
            question = http.request("CONNECT", self.to, headers, b"")
            marks = {"method": "CONNECT", "host": self.to, "login": bool(credentials)}
            async with kit.trace.step("http_request", transaction, address, within=within, **marks):
                await stream.send(question)
            head = None
            async with kit.trace.step(
                "http_response", transaction, address, within=within
            ) as detail:
                arrived = 0
                while head is None:
                    data = await stream.receive()
                    if not arrived:
                        detail["first_byte"] = round(kit.trace.elapsed(), 6) if data else None
                    arrived += len(data)
                    http.feed(data)
                    head = http.head(arrived)
                detail["status"] = head.status
                detail["reason"] = kit.trace.scrubber.text(head.reason)
            # Without a password the demand for one is the proxy's whole answer.
            wanted = head.status // 100 == 2 or (head.status == 407 and not credentials)
            async with kit.trace.step("expect", transaction, address, within=within):
                if not wanted:
                    raise NamedFailure(PROXY_REFUSED, f"the proxy says: {head.status}")
        finally:
            stream.close()

    def sends(self) -> Iterable[Sending]:
        """One request, all of it in clear."""
        login = ", user name and password" if self.username is not None else ""
        what = f"HTTP CONNECT {self.to}{login}, all of it in clear"
        yield Sending(self.host, self.port, "tcp", what)
