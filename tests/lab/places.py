"""Where everything is: the laboratory's namespaces, links and addresses.

The addresses look public, because a probe treats private ones differently; none can be reached
from here, since the namespaces have no link but those to one another.

    vantage ── router ── transit ── internet   (every host of the world)
               censor    latency └─ control    (the helper and its decoys)
"""

from dataclasses import dataclass
from typing import Final

NAMESPACES: Final = ("vantage", "router", "transit", "internet", "control")

VANTAGE: Final = "45.10.1.2"
ROUTER: Final = "45.10.1.1"
CONTROL: Final = "51.15.1.1"  # the control's API
DECOY: Final = "51.15.2.1"  # its decoys and its echo
RESOLVER: Final = "93.184.53.1"  # knows every name of the laboratory
RESOLVER6: Final = "2606:2800:53::1"
TRUSTED: Final = "93.184.53.2"  # the same resolver over TLS, port 853, as TRUSTED_NAME
TRUSTED_NAME: Final = "dns.lab.example"
WILDCARD: Final = "93.184.53.9"  # a resolver that answers for names which do not exist
FRONT: Final = "93.184.60.1"  # a front server; sites say which of their names it resets

# Everything that a client behind the router can have as its own address.
CLIENTS: Final = ("45.10.1.", "2a0d:10:1:")
# Prefixes of which every address is a host in the internet namespace: foreign data centres,
# the addresses that forged answers like to point at, and the vantage's own country.
WORLD: Final = ("93.184.0.0/16", "31.13.0.0/16", "114.114.0.0/16", "2606:2800::/32", "2001::/32")
DOMESTIC: Final = "114.114.0.0/16"
DARK: Final = "93.184.200.0/24"  # hosts that are switched off: nothing answers
CONTROLS: Final = ("51.15.0.0/16", "2001:bc8::/32")


@dataclass(frozen=True)
class Link:
    """A veth pair: two namespaces, and the addresses of both ends (IPv4, IPv6)."""

    near: str
    far: str
    near_addresses: tuple[str, str]
    far_addresses: tuple[str, str]

    @property
    def near_device(self) -> str:
        return f"to-{self.far}"

    @property
    def far_device(self) -> str:
        return f"to-{self.near}"


LINKS: Final = (
    Link(
        near="vantage",
        far="router",
        near_addresses=(f"{VANTAGE}/24", "2a0d:10:1::2/64"),
        far_addresses=(f"{ROUTER}/24", "2a0d:10:1::1/64"),
    ),
    Link(
        near="router",
        far="transit",
        near_addresses=("45.10.255.1/30", "2a0d:10:ff::1/64"),
        far_addresses=("45.10.255.2/30", "2a0d:10:ff::2/64"),
    ),
    Link(
        near="transit",
        far="internet",
        near_addresses=("62.115.1.1/30", "2001:2034:1::1/64"),
        far_addresses=("62.115.1.2/30", "2001:2034:1::2/64"),
    ),
    Link(
        near="transit",
        far="control",
        near_addresses=("62.115.2.1/30", "2001:2034:2::1/64"),
        far_addresses=("62.115.2.2/30", "2001:2034:2::2/64"),
    ),
)

# namespace → arguments of `ip route add`, IPv4 and IPv6 alike
ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "vantage": ("default via 45.10.1.1", "default via 2a0d:10:1::1"),
    "router": ("default via 45.10.255.2", "default via 2a0d:10:ff::2"),
    "transit": (
        "45.10.1.0/24 via 45.10.255.1",
        "2a0d:10:1::/64 via 2a0d:10:ff::1",
        "51.15.0.0/16 via 62.115.2.2",
        "2001:bc8::/32 via 2001:2034:2::2",
        "default via 62.115.1.2",
        "default via 2001:2034:1::2",
    ),
    "internet": (
        *(f"local {prefix} dev lo table local" for prefix in WORLD),
        f"blackhole {DARK} table local",
        "default via 62.115.1.1 src 93.184.0.1",
        "default via 2001:2034:1::1",
    ),
    "control": (
        *(f"local {prefix} dev lo table local" for prefix in CONTROLS),
        f"default via 62.115.2.1 src {CONTROL}",
        "default via 2001:2034:2::1",
    ),
}
