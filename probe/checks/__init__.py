"""One file per check. A check is a dataclass: its fields are its options, ``run`` its behaviour.

Built-in checks stand in the table below; others are found by the entry-point group
``probe.checks``, under the URL scheme they answer to.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

from probe.checks.kit import Kit
from probe.checks.sending import FirstPacket, Sending

GROUP: Final = "probe.checks"


class Check(Protocol):
    """What every check offers.

    ``name`` is its URL scheme; ``default_port`` None demands a port in the URL. ``run`` does the
    operations and raises nothing but Stopped for what the network did.
    """

    name: ClassVar[str]
    default_port: ClassVar[int | None]

    async def run(self, kit: Kit) -> None:
        """Measure once."""

    def sends(self) -> Iterable[Sending]:
        """What ``run`` would send besides name lookups."""


@runtime_checkable
class Demanding(Protocol):
    """A check that needs something of this machine, such as a file with a key."""

    def require(self) -> None:
        """Raise ValueError, with what to change, unless it is there. Sends nothing."""


@runtime_checkable
class Imitable(Protocol):
    """A check whose first packet can be shown to a stranger, to see whether the path lets it by."""

    def first_packet(self) -> FirstPacket:
        """One of the same shape and length, with fresh randomness in place of everything else."""


# Where each check is; only those that are used are imported, because some need much to run.
BUILT_IN: Final[dict[str, str]] = {
    "dns": "probe.checks.dns:DnsCheck",
    "tcp": "probe.checks.tcp:TcpCheck",
    "tls": "probe.checks.tls:TlsCheck",
    "http": "probe.checks.http:HttpCheck",
    "https": "probe.checks.http:HttpsCheck",
    "openvpn+udp": "probe.checks.openvpn:OpenVpnUdpCheck",
    "openvpn+tcp": "probe.checks.openvpn:OpenVpnTcpCheck",
    "quic": "probe.checks.quic:QuicCheck",
    "wireguard": "probe.checks.wireguard:WireguardCheck",
    "ikev2": "probe.checks.ikev2:Ikev2Check",
    "anyconnect": "probe.checks.anyconnect:AnyConnectCheck",
    "sstp": "probe.checks.sstp:SstpCheck",
    "softether": "probe.checks.softether:SoftEtherCheck",
    "l2tp": "probe.checks.l2tp:L2tpCheck",
    "pptp": "probe.checks.pptp:PptpCheck",
    "socks5": "probe.checks.socks5:Socks5Check",
    "httpconnect": "probe.checks.httpconnect:HttpConnectCheck",
    "stun": "probe.checks.stun:StunCheck",
    "shadowsocks": "probe.checks.shadowsocks:ShadowsocksCheck",
    "trojan": "probe.checks.trojan:TrojanCheck",
    "vmess": "probe.checks.vmess:VmessCheck",
    "obfs4": "probe.checks.obfs4:Obfs4Check",
    "dtls": "probe.checks.dtls:DtlsCheck",
    "mtproto": "probe.checks.mtproto:MtprotoCheck",
}


# Those that begin with TLS over TCP: the server name in it is readable on the way.
WITH_SERVER_NAME: Final = frozenset({"tls", "https", "anyconnect", "sstp", "softether"})


class Checks(Mapping[str, Any]):
    """Check classes by URL scheme, each imported when it is asked for."""

    def __init__(self, entries: Mapping[str, EntryPoint]) -> None:
        """Know where they are; nothing is imported yet."""
        self._entries = entries

    def __getitem__(self, scheme: str) -> Any:
        """The class. KeyError if no check is called so."""
        return self._entries[scheme].load()

    def __iter__(self) -> Iterator[str]:
        """All schemes, built-in ones first."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)


@cache
def load() -> Checks:
    """All checks by URL scheme. ValueError if an installed one takes a name that is in use."""
    checks = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
    for entry in entry_points(group=GROUP):
        if entry.name in checks:
            raise ValueError(f"the check '{entry.name}' of {entry.value} has a name in use")
        checks[entry.name] = entry
    return Checks(checks)
