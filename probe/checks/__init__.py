"""One file per check. A check is a dataclass: its fields are its options, ``run`` its behaviour.

Built-in checks stand in the table below; others are found by the entry-point group
``probe.checks``, under the URL scheme they answer to.
"""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

from probe.checks.dns import DnsCheck
from probe.checks.http import HttpCheck, HttpsCheck
from probe.checks.kit import Kit
from probe.checks.sending import FirstPacket, Sending
from probe.checks.tcp import TcpCheck
from probe.checks.tls import TlsCheck

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


BUILT_IN: Final[dict[str, Any]] = {
    check.name: check for check in (DnsCheck, TcpCheck, TlsCheck, HttpCheck, HttpsCheck)
}


@cache
def load() -> dict[str, Any]:
    """All checks by URL scheme. ValueError if an installed one takes a name that is in use."""
    checks = dict(BUILT_IN)
    for entry in entry_points(group=GROUP):
        if entry.name in checks:
            raise ValueError(f"the check '{entry.name}' of {entry.value} has a name in use")
        checks[entry.name] = entry.load()
    return checks
