"""IP endpoints, and which addresses belong to no public network."""

import ipaddress
from functools import lru_cache
from typing import Final, NamedTuple

_LOCAL: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",  # RFC 1122 section 3.2.1.3: this host
        "127.0.0.0/8",
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598, shared by carriers, overlay networks and cloud metadata
        "169.254.0.0/16",  # RFC 3927, where clouds serve their metadata too
        "::/128",
        "::1/128",
        "fc00::/7",  # RFC 4193
        "fe80::/10",  # RFC 4291
    )
)


class Endpoint(NamedTuple):
    """An IP address (text, never a name) and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        """As results hold it: 192.0.2.1:443 or [2001:db8::1]:443."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Read what ``str(Endpoint)`` wrote. ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    ip = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not is_ip(ip) or not port.isascii() or not port.isdigit():
        raise ValueError(f"'{text[:80]}' is no address and port")
    return Endpoint(ip, int(port))


@lru_cache(maxsize=4096)  # the same few are asked about all the time
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
    ip = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in _LOCAL if network.version == ip.version)
