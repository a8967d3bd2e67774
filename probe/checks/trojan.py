"""Does a Trojan server carry us to a place behind it, or show us its web server?"""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import SecretStr

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.relaying import NEUTRAL
from probe.checks.secret import read_secret
from probe.checks.sending import Sending
from probe.checks.steps import Pin, connect, handshake
from probe.core.address import Endpoint
from probe.core.failure import PROXY_REFUSED, NamedFailure
from probe.core.hostname import parse_place
from probe.core.model import JSON
from probe.net import Stream
from probe.net.tls import TlsStream
from probe.net.trust import Policy
from probe.wire import trojan

SECURE: Final = f"{NEUTRAL}:443"
_WEB: Final = b"HTTP/"  # with which a web server's answer to what is no request begins
_KEPT: Final = 12  # bytes: enough to read a status


@dataclass(frozen=True, slots=True, kw_only=True)
class TrojanCheck(HostCheck):
    """``trojan://[password@]host[:443]``: through its TLS to the certificate of ``to``.

    ``to`` (``host:port``) is where the server is asked to connect to, and has to speak TLS: its
    certificate proves that we came there. ``sni``, ``verify``, ``ca_file`` and ``pin`` are about
    the server's own TLS, as for ``tls``. The password may stand in ``password_file`` or
    ``password_env`` instead; without one the web server is all that can be seen.
    """

    name: ClassVar[str] = "trojan"
    default_port: ClassVar[int | None] = 443
    credentials: ClassVar[tuple[str, ...]] = ("password",)

    password: SecretStr | None = None
    password_file: str | None = None
    password_env: str | None = None
    to: str = SECURE
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    verify: bool = True
    ca_file: str | None = None
    pin: Pin | None = None

    def __post_init__(self) -> None:
        parse_place(self.to)

    def require(self) -> None:
        """The password is there, if there is to be one."""
        self._secret()

    def _secret(self) -> bytes | None:
        given = read_secret("password", file=self.password_file, env=self.password_env)
        return self.password.get_secret_value().encode() if self.password is not None else given

    def _prepare(self, kit: Kit) -> None:
        kit.trust.prepare(self._policy(kit))
        kit.trust.prepare(Policy(ca_file=kit.ca_file))

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        password = self._secret()
        stream = await connect(kit, transaction, endpoint)
        try:
            outer = await handshake(
                kit,
                transaction,
                endpoint,
                stream,
                server_name=self.sni or self.host,
                policy=self._policy(kit),
                pin=self.pin,
            )
            if password is not None:
                await self._relay(kit, transaction, endpoint, outer, password)
        finally:
            stream.close()

    async def _relay(
        self, kit: Kit, transaction: int, endpoint: Endpoint, outer: TlsStream, password: bytes
    ) -> None:
        host, port = parse_place(self.to)
        carried = _Carried(outer, trojan.request(password, host, port))
        inner = TlsStream(carried, kit.trust.prepare(Policy(ca_file=kit.ca_file)), host)
        async with kit.trace.step(
            "trojan_relay",
            transaction,
            str(endpoint),
            within=kit.timeouts.first_byte,
            to=self.to,
            authenticated=False,
        ) as detail:
            try:
                await inner.handshake()
                detail["authenticated"] = True
            except ssl.SSLError as exc:
                if isinstance(exc, ssl.SSLCertVerificationError):
                    detail["verify_code"] = exc.verify_code
                elif carried.began.startswith(_WEB):
                    detail["status"] = carried.began[9:].decode("ascii", "replace")
                    raise NamedFailure(PROXY_REFUSED, "a web server answers in its place") from None
                raise
            finally:
                detail["bytes"] = carried.bytes
                detail.update(_facts(inner))

    def _policy(self, kit: Kit) -> Policy:
        return Policy(
            verify=self.verify and not self.pin,
            ca_file=self.ca_file or kit.ca_file,
            alpn=self.alpn,
        )

    def sends(self) -> Iterable[Sending]:
        """A handshake; what is inside cannot be read on the way."""
        name = self.sni or self.host
        what = f"TLS handshake, server name {name} in clear"
        if self.password or self.password_file or self.password_env:
            what += f"; inside, hidden, another one with {self.to}"
        yield Sending(self.host, self.port, "tcp", what)


def _facts(inner: TlsStream) -> dict[str, JSON]:
    """The version that the place agreed to, if it came to that."""
    version = inner.facts()["tls_version"]
    return {"tls_version": version} if version else {}


class _Carried:
    """The stream inside: the request goes before the first bytes of ours, in one piece with them.

    ``began`` are the first bytes that came, ``bytes`` says how many there were.
    """

    def __init__(self, outer: Stream, request: bytes) -> None:
        self._outer, self._request = outer, request
        self.local_ip = outer.local_ip
        self.began = b""
        self.bytes = 0

    async def send(self, data: bytes) -> None:
        request, self._request = self._request, b""
        await self._outer.send(request + data)

    async def receive(self, limit: int = 65536) -> bytes:
        data = await self._outer.receive(limit)
        self.began += data[: _KEPT - len(self.began)]
        self.bytes += len(data)
        return data

    def close(self) -> None:
        self._outer.close()
