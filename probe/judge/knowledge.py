"""What is known of censors: the pages and the addresses that they answer with.

The knowledge itself is data (``configs/fingerprints/``, described in ``docs/fingerprints.md``);
here is only how it is applied. Matching is pure and bounded, as pages are written by strangers.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal

from probe.core.model import UNKNOWN_COUNTRY
from probe.judge.pages import LOOKED_AT, PageFacts
from probe.judge.patterns import refuse_slow

# Raised whenever a shipped file changes, together with the version of the rules: verdicts must
# come out the same under one version.
KNOWLEDGE_VERSION: Final = 1

Scope = Literal["national", "isp", "product", "institution", "vague", "not_blocking"]
Where = Literal["status", "header", "location", "location_host", "title", "body"]
Kind = Literal["contains", "prefix", "full", "regexp"]

_ACCUSING: Final = frozenset({"national", "isp", "product"})
_MAX_PATTERN: Final = 500  # characters

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class PageFingerprint:
    """Something by which a page is known, and what it says about who wrote the page.

    ``header`` names the header (lower case) where ``where`` is ``header``. ``source`` is a URL,
    ``countries`` ISO 3166 codes: where it has been seen, none meaning anywhere. Whoever knows an
    innocent page that it matches says so in ``known_false_positives``.
    ValueError for a pattern that is not allowed.
    """

    id: str
    scope: Scope
    where: Where
    kind: Kind
    pattern: str
    source: str
    added: date
    countries: tuple[str, ...] = ()
    header: str | None = None
    known_false_positives: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what matches everything, means nothing, or could take long."""
        if not self.pattern.strip() or len(self.pattern) > _MAX_PATTERN:
            raise ValueError(f"a pattern has 1 to {_MAX_PATTERN} characters")
        if (self.where == "header") != (self.header is not None):
            raise ValueError("'header' names the header where 'where' is header, and only there")
        if self.header is not None and self.header != self.header.lower():
            raise ValueError("a header's name is written in small letters")
        if self.kind == "regexp":
            refuse_slow(self.pattern)
            if self._compiled.search(""):
                raise ValueError("the regular expression matches an empty text")

    def proves(self, country: str) -> bool:
        """Whether a match proves blocking, with no control, at a vantage in this country."""
        return (
            self.scope in _ACCUSING
            and not self.known_false_positives
            and _there(self.countries, country)
        )

    def matches(self, page: PageFacts) -> bool:
        """Whether the page, in its first 32 KiB, bears this fingerprint."""
        return any(self._fits(value[:LOOKED_AT]) for value in self._values(page))

    def _values(self, page: PageFacts) -> tuple[str, ...]:
        match self.where:
            case "status":
                return () if page.status is None else (str(page.status),)
            case "header":
                return page.header(self.header or "")
            case "location":
                return page.header("location")
            case "location_host":
                return (page.location_host or "",)
            case "title":
                return (page.title,)
            case "body":
                return (page.text,)

    def _fits(self, value: str) -> bool:
        match self.kind:
            case "contains":
                return self.pattern in value
            case "prefix":
                return value.startswith(self.pattern)
            case "full":
                return value == self.pattern
            case "regexp":
                return self._compiled.search(value) is not None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        try:
            return re.compile(self.pattern)
        except (re.error, OverflowError, RecursionError) as exc:
            raise ValueError(f"no regular expression: {exc}") from None


@dataclass(frozen=True)
class ForgedAddress:
    """An address, or a network of them, that forged DNS answers are known to hold.

    ``blockpage``: a page is served there that says that the name is blocked.
    """

    network: _Network
    source: str
    added: date
    countries: tuple[str, ...] = ()
    blockpage: bool = False


@dataclass(frozen=True)
class Knowledge:
    """All that is known. Rows are tried in their order."""

    pages: tuple[PageFingerprint, ...]
    forged_addresses: tuple[ForgedAddress, ...]

    def page(self, facts: PageFacts, country: str) -> PageFingerprint | None:
        """What this page is known as: by a fingerprint that proves blocking, else by any."""
        found = [row for row in self.pages if row.matches(facts)]
        return next((row for row in found if row.proves(country)), found[0] if found else None)

    def forged(self, ip: str, country: str) -> ForgedAddress | None:
        """The known forgery that this address is, for a vantage in this country."""
        address = _address(ip)
        return next(
            (
                row
                for row in self.forged_addresses
                if address is not None and address in row.network and _there(row.countries, country)
            ),
            None,
        )


EMPTY: Final = Knowledge((), ())

# Written out, because Python's own is_global changed its mind between patch versions.
# IANA's special-purpose address registries (RFC 6890).
_BOGONS_V4: Final = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")  # all that is handed out (RFC 4291)
_BOGONS_V6: Final = tuple(
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/32",  # Teredo: every AAAA forged by the GFW lay in it (Hoang et al. 2021)
        "2001:2::/48",
        "2001:10::/28",
        "2001:20::/28",
        "2001:db8::/32",
        "3fff::/20",
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an honest DNS64 answers with it
_NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215, the same


def bogon(ip: str) -> bool:
    """Whether a public name cannot be served at this address; False for what is no address.

    Private, loopback, link-local, reserved, documentation and multicast addresses, Teredo, and
    everything that was never handed out. An IPv6 address that stands for an IPv4 one is judged by
    that.
    """
    address = _address(ip)
    if address is None:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in block for block in _BOGONS_V4)
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return any(inner in block for block in _BOGONS_V4)
    if address in _NAT64_LOCAL:
        return False
    return address not in _GLOBAL_V6 or any(address in block for block in _BOGONS_V6)


def _there(countries: tuple[str, ...], country: str) -> bool:
    return not countries or country in countries or country == UNKNOWN_COUNTRY


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
