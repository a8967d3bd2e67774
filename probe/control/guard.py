"""The boundary that a client's measurement cannot pass: nothing is sent to what is not public.

It stands where packets leave, so it does not matter how an address was come by: written in the
URL, given by the client, looked up once or twice, or named by a redirect.
"""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from probe.checks.resolver import Resolver
from probe.control.public import is_public
from probe.control.sessions import plain_ip
from probe.core.address import Endpoint, is_ip
from probe.net import Datagrams, Network, Stream

_NOBODY: Final = "192.0.2.1"  # RFC 5737: no machine has it
NOT_PUBLIC: Final = "it leads to an address that is not public"
OUR_OWN: Final = "it leads to the control itself"


class RefusedError(Exception):
    """The guard let nothing out; the text says why and names no address."""


class _Configured(str):
    """An address that stands in the control's own configuration, as one of its resolvers.

    A resolver may well be private. Whether it is allowed is carried by the text itself: whatever
    a client, a name server or a redirect gives is another text, even where it reads the same.
    """

    __slots__ = ()


def trusted(resolvers: Iterable[Resolver]) -> tuple[Resolver, ...]:
    """The configured resolvers, so marked that the guard lets queries to them pass.

    One that is given by a name is reached at the address which that name has, if it is public.
    """
    return tuple(_trusted(resolver) for resolver in resolvers)


def _trusted(resolver: Resolver) -> Resolver:
    given = resolver.addresses or ((resolver.host,) if is_ip(resolver.host) else ())
    return replace(resolver, addresses=tuple(_Configured(ip) for ip in given))


@dataclass(frozen=True)
class Own:
    """The addresses of the machine that the control runs on, and others that lead to it."""

    announced: frozenset[str] = frozenset()
    _visible: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Find out whether the system tells its own addresses from others."""
        object.__setattr__(self, "_visible", not _binds(_NOBODY))

    def __contains__(self, ip: object) -> bool:
        """Whether a packet to this address would arrive here."""
        text = str(ip)
        return plain_ip(text) in self.announced or (self._visible and _binds(text))


def _binds(ip: str) -> bool:
    """Whether a socket can have this address: only a machine's own can be had."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((ip, 0))
    except OSError as exc:
        # Out of sockets: nothing is known, and the connection would fail for the same reason.
        return exc.errno in {errno.EMFILE, errno.ENFILE}
    return True


class GuardedNetwork:
    """The network for one measurement; ``refused`` says why, if anything was held back."""

    def __init__(self, net: Network, own: Own) -> None:
        """Let out over ``net`` what goes neither to ``own`` nor to any address that is private."""
        self._net = net
        self._own = own
        self.refused: str | None = None

    async def lookup(self, host: str) -> tuple[str, ...]:
        """Ask the system's resolver: its answer alone sends nothing to where it points."""
        return await self._net.lookup(host)

    async def connect(self, endpoint: Endpoint) -> Stream:
        """Dial, or raise RefusedError before anything is sent."""
        self._hold(endpoint.ip)
        return await self._net.connect(endpoint)

    async def datagrams(self, endpoint: Endpoint) -> Datagrams:
        """Open a socket, or raise RefusedError before anything is sent."""
        self._hold(endpoint.ip)
        return await self._net.datagrams(endpoint)

    def _hold(self, ip: str) -> None:
        if isinstance(ip, _Configured):
            return
        if not is_public(ip):
            self.refused = NOT_PUBLIC
        elif ip in self._own:
            self.refused = OUR_OWN
        else:
            return
        raise RefusedError(self.refused)
