"""What the censor is told: rules that say where they act and what they do there.

All rules are in force at once, so that many scenarios share one laboratory, each with names and
addresses of its own. They travel as JSON. Times are seconds.
"""

from typing import Literal

import msgspec


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all of these have in common: immutable, and strict about keys."""


class Where(Said):
    """Which traffic a rule concerns; an empty field leaves it open.

    ``names``: server names (TLS SNI, HTTP Host, DNS question): exact, ``*.suffix``, or ``*``.
    ``addresses``: of the far end, single ones or networks; ``spared`` are excepted.
    """

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    protocol: Literal["tcp", "udp", "icmp"] | None = None


class Residual(Said):
    """After the trigger, (client, address, port) is blocked for any name. The time is counted from
    the last trigger and not renewed by what is blocked meanwhile. ``reset``: at the first data of
    every connection; ``drop``: whatever the client sends."""

    seconds: float
    by: Literal["reset", "drop"] = "reset"


class Forged(Said):
    """One forged answer. Addresses of the asked type are used (A or AAAA); with ``rcode`` NOERROR
    and addresses of the other type only, nothing is sent for this question; with none at all, an
    answer without records."""

    addresses: tuple[str, ...] = ()
    rcode: Literal["NOERROR", "NXDOMAIN", "REFUSED", "SERVFAIL"] = "NOERROR"
    after: float = 0.001
    injector: Literal[1, 2, 3] = 2  # the known injectors' IP and DNS header fields


class DnsInject(Said, tag="dns_inject"):
    """Forged answers to a query, whatever host it goes to; ``suppress``: the query goes no
    further, so that no real answer comes."""

    answers: tuple[Forged, ...]
    suppress: bool = False


class DnsDrop(Said, tag="dns_drop"):
    """Queries vanish."""


class DnsProxy(Said, tag="dns_proxy"):
    """An honest transparent proxy: whatever host is asked, ``upstream`` answers in its name. No
    query reaches it that another rule keeps from going on."""

    upstream: str


class DnsDuplicate(Said, tag="dns_duplicate"):
    """Each query is sent on twice, so that two honest answers come."""


class NullRoute(Said, tag="null_route"):
    """Packets vanish: both ways, only those to the client (``in``), or only its own (``out``).
    With ports: those only; with protocol ``udp`` and port 443: QUIC."""

    direction: Literal["both", "in", "out"] = "both"


class IcmpUnreachable(Said, tag="icmp_unreachable"):
    """The router says that there is no way: 0 network, 1 host, 3 port, 13 prohibited (RFC 1812)."""

    code: int = 1


class RstToSyn(Said, tag="rst_to_syn"):
    """The connection is refused on the server's behalf."""


class RstAnyData(Said, tag="rst_any_data"):
    """The connection is made; the first data, whatever they are, are reset."""


class NameReset(Said, tag="name_reset"):
    """Resets when a server name is seen in ``layer`` (TLS SNI or HTTP Host).

    ``fingerprint``: as published for the three injectors of the GFW and for Henan; by default
    each goes to the ends that it is known for. ``delay`` counts from the trigger. ``hold``: the
    trigger itself goes no further, so that the server's answer cannot win against a late reset.
    ``bare_only``: fires only on TCP headers without options, as Henan's does.
    """

    layer: Literal["tls", "http"] = "tls"
    fingerprint: Literal["gfw1", "gfw2", "gfw3", "henan"] = "gfw1"
    delay: float = 0.002
    to: Literal["both", "client"] | None = None
    hold: bool = False
    bare_only: bool = False
    residual: Residual | None = None


class NameDrop(Said, tag="name_drop"):
    """From the packet with the server name on, the connection is silence, in both directions or
    only from the client (``out``)."""

    layer: Literal["tls", "http"] = "tls"
    direction: Literal["both", "out"] = "both"
    residual: Residual | None = None


class HttpPage(Said, tag="http_page"):
    """A forged answer to a plain-HTTP request for a name.

    ``in_path``: the request goes no further, and the connection ends by a reset or a FIN; ``race``:
    the real answer still arrives, after the forged one."""

    status: int = 200
    location: str | None = None
    body: str = "<html><title>Blocked</title><h1>This site is blocked</h1></html>"
    way: Literal["in_path", "race"] = "in_path"
    end: Literal["reset", "fin"] = "reset"
    delay: float = 0.001


class Freeze(Said, tag="freeze"):
    """After so many octets from the server on one connection: silence both ways, no reset."""

    after: int = 16 * 1024


class Throttle(Said, tag="throttle"):
    """A rate per connection and direction, for packets with data. What exceeds it is dropped, or
    held back where ``shape``."""

    kbit: float
    burst: int = 10_000  # octets
    shape: bool = False


class ShapeFilter(Said, tag="shape_filter"):
    """What looks like a protocol (``shapes.shape_of``) vanishes, or the connection is reset at it;
    the (client, address, port) is blocked for anything else while the residual lasts."""

    protocol: Literal["openvpn", "wireguard", "ike", "quic", "encrypted"]
    by: Literal["drop", "reset"] = "drop"
    residual: Residual | None = None


class Mitm(Said, tag="mitm"):
    """TLS to these addresses and ports is taken over where the server name is one of the names;
    other names pass untouched. The certificate is self-signed or signed by the state's authority
    (which the file of trust ``Lab.trust`` holds and the control does not trust), for this name or
    (``other``) for another one, as the box of a provider that shows a notice has it."""

    signer: Literal["self", "authority", "other"] = "self"


class Captive(Said, tag="captive"):
    """A portal in front of everything: plain HTTP is redirected to its page, TLS shows its own
    certificate or is reset, and the resolver's answers stay honest."""

    https: Literal["certificate", "reset"] = "reset"


Act = (
    DnsInject | DnsDrop | DnsProxy | DnsDuplicate | NullRoute | IcmpUnreachable | RstToSyn
    | RstAnyData | NameReset | NameDrop | HttpPage | Freeze | Throttle | ShapeFilter | Mitm
    | Captive
)  # fmt: skip


class Rule(Said):
    """One behaviour of the censor."""

    where: Where
    act: Act


def encode(rules: tuple[Rule, ...]) -> str:
    """The rules as one line of JSON."""
    return msgspec.json.encode(rules).decode()


def decode(text: str | bytes) -> tuple[Rule, ...]:
    """The rules from JSON; msgspec.ValidationError says what is wrong where."""
    return msgspec.json.decode(text, type=tuple[Rule, ...])
