"""Which addresses belong to the public internet, and to nobody's inner network.

A control connects to whatever its clients name. What answers at an address that is not public is
the operator's own (a database, a router, a cloud's metadata with its keys), so such addresses are
refused: the special-purpose registries of IANA (RFC 6890) say which they are. IPv6 addresses that
carry an IPv4 address lead to that one and are judged by it.
"""

import ipaddress
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

_V4_REFUSED: Final = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this host, RFC 1122 section 3.2.1.3
        "10.0.0.0/8",  # RFC 1918
        "100.64.0.0/10",  # shared by carriers and overlay networks, RFC 6598
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, RFC 3927; clouds serve metadata at 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocols, RFC 6890
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
# Everything else in IPv6 is unallocated, local or multicast: fc00::/7 (which holds the metadata
# address fd00:ec2::254), fe80::/10, ff00::/8, ::1, and the IPv4-compatible ::/96.
_V6_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
_V6_REFUSED: Final = tuple(
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/23",  # IETF protocols, RFC 2928; Teredo in it is judged by what it carries
        "2001:db8::/32",  # documentation, RFC 3849
        "3fff::/20",  # documentation, RFC 9637
    )
)
_TEREDO: Final = ipaddress.IPv6Network("2001::/32")
_6TO4: Final = ipaddress.IPv6Network("2002::/16")
# RFC 6052. The prefix for local use (64:ff9b:1::/48, RFC 8215) embeds an address at a place that
# its operator chose; it is in no allowed block and is refused whole.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an IP address, in any spelling, is of the public internet. False for a name."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in block for block in _V4_REFUSED)
    if ip.scope_id is not None:  # fe80::1%eth0: means something on this machine only
        return False
    carried = tuple(_carried(ip))
    if carried:
        return all(is_public(str(inner)) for inner in carried)
    return ip in _V6_GLOBAL and not any(ip in block for block in _V6_REFUSED)


def _carried(ip: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that packets to this address end up at, or pass through."""
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    elif ip in _NAT64:
        yield IPv4Address(int(ip) & 0xFFFFFFFF)
    elif ip in _6TO4:  # RFC 3056: the 32 bits after the prefix
        yield IPv4Address(int(ip) >> 80 & 0xFFFFFFFF)
    elif ip in _TEREDO and ip.teredo is not None:  # RFC 4380: a server's, and the client's own
        yield from ip.teredo
