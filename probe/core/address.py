"""IP endpoints, and which addresses belong to no public network."""

import ipaddress
from typing import NamedTuple


class Endpoint(NamedTuple):
    """An IP address (text, never a name) and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        """As results hold it: 192.0.2.1:443 or [2001:db8::1]:443."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


def is_ip(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address rather than a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Whether a *configured* host is on this machine or its own network.

    True for loopback, private and link-local literals and for ``localhost`` (RFC 6761). A public
    name that merely resolves to such an address is not local: forged answers and captive portals
    give just that.
    """
    if not is_ip(host):
        name = host.rstrip(".").lower()
        return name == "localhost" or name.endswith(".localhost")
    ip = ipaddress.ip_address(host)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    ip = mapped or ip
    return ip.is_loopback or ip.is_private or ip.is_link_local
