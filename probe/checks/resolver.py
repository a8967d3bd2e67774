"""How a name is asked for: one resolver, written as a URL.

``system`` is getaddrinfo. ``udp://ip[:53]`` and ``tcp://ip[:53]`` are plain DNS,
``tls://host[:853]`` is DNS over TLS (RFC 7858), ``https://host/path`` DNS over HTTPS (RFC 8484).
The name of a DoT or DoH server is looked up by the system unless its address is pinned; that stands
behind a ``#``
because a fragment is never sent: ``tls://dns.example#addresses=192.0.2.1``.
"""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from probe.core.address import is_ip
from probe.core.masking import mask

Kind = Literal["system", "udp", "tcp", "tls", "https"]
PORTS: Final = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}
ENGINES: Final = {
    "system": "getaddrinfo",
    "udp": "udp",
    "tcp": "tcp",
    "tls": "dot",
    "https": "doh",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """One resolver; ``url`` is how results name it."""

    url: str
    kind: Kind
    host: str = ""
    port: int = 0
    path: str = ""
    addresses: tuple[str, ...] = ()

    @property
    def engine(self) -> str:
        """OONI's word for the way of asking (df-002)."""
        return ENGINES[self.kind]


SYSTEM: Final = Resolver(url="system", kind="system")


def parse_resolver(text: str) -> Resolver:
    """Read a resolver as it is written in a configuration. ValueError says what is wrong."""
    if text == "system":
        return SYSTEM
    shown = mask(text)
    if is_ip(text):
        raise ValueError(f"'{text}' is no resolver: write udp://{text}")
    parts, given_port = _split(text, shown)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(
            f"'{shown}' is no resolver: write system, udp://192.0.2.1, tcp://192.0.2.1, "
            "tls://dns.example or https://dns.example/dns-query"
        )
    kind: Kind = parts.scheme  # type: ignore[assignment]  # one of PORTS, as was just checked
    host = parts.hostname
    if kind in {"udp", "tcp"} and not is_ip(host):
        raise ValueError(f"'{shown}': a {kind} resolver is given by its address, not by a name")
    if parts.username or parts.password:
        raise ValueError(f"'{parts.scheme}://{host}': a resolver takes no user name or password")
    port = given_port or PORTS[kind]
    path = (parts.path or "/dns-query") + (f"?{parts.query}" if parts.query else "")
    return Resolver(
        url=mask(text),
        kind=kind,
        host=host,
        port=port,
        path=path if kind == "https" else "",
        addresses=_pinned(text, parts.fragment),
    )


def _split(text: str, shown: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text)
        return parts, parts.port
    except ValueError:  # its text would repeat parts of the URL that may be a password's
        raise ValueError(f"'{shown}' is no URL: look at its host and its port") from None


def _pinned(text: str, fragment: str) -> tuple[str, ...]:
    pinned: tuple[str, ...] = ()
    for key, value in parse_qsl(fragment, keep_blank_values=True):
        if key != "addresses":
            raise ValueError(f"'{mask(text)}': unknown option '{key}'; there is only 'addresses'")
        pinned = tuple(value.split(","))
        if bad := [ip for ip in pinned if not is_ip(ip)]:
            raise ValueError(f"'{mask(text)}': '{bad[0]}' is no IP address")
    return pinned
