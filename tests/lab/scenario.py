"""What a scenario is: a target of its own, what is done to it, and which verdicts are right.

Every scenario has names and addresses of its own, so that all those that need the same line, the
same vantage and the same control share one laboratory and one run of the probe (``settings``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from lab.places import DARK
from lab.rules import Act, Rule, Where
from lab.servers import Certificate, Site

ACCUSING: Final = frozenset({"blocked", "degraded"})
_NETWORK: Final = "93.184.{}.{}"
_FIRST: Final = 100  # 93.184.100.1 is the first scenario's address
_EACH: Final = 200  # addresses of one /24 that are used
_DARK: Final = DARK.rpartition(".")[0]


@dataclass(frozen=True)
class Right:
    """The outcomes that are right, the best first, and the deepest mechanism that the evidence
    supports (None: none). An outcome that accuses is right only if it stands here."""

    outcomes: tuple[str, ...]
    mechanism: str | None = None

    def __post_init__(self) -> None:
        assert len(ACCUSING & set(self.outcomes)) in (0, len(self.outcomes))

    @property
    def accuses(self) -> bool:
        """Whether somebody interferes here."""
        return bool(ACCUSING & set(self.outcomes))


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One target, and what happens to it.

    ``url`` may hold ``{name}``; ``options`` are those of the target in the configuration. ``acts``
    are what the censor does to the name or to the address: a string of ``where`` for each.
    """

    id: str
    right: Right
    url: str = "https://{name}/"
    options: Mapping[str, Any] = field(default_factory=dict)
    by_name: tuple[Act, ...] = ()
    by_address: tuple[Act, ...] = ()
    at_both: tuple[Act, ...] = ()  # at the target's address, for the target's name only
    ports: tuple[int, ...] = ()  # to which the rules by address are limited
    site: Mapping[str, Any] = field(default_factory=dict)  # of ``servers.Site``
    exists: bool = True
    dark: bool = False  # its address belongs to a host that is switched off
    ipv6: bool = False  # it has an IPv6 address only
    # What the control meets on its own way to the server: silence, or resets of the name.
    at_control: Literal["null", "sni"] | None = None

    def name(self) -> str:
        """The target's name."""
        return f"{self.id}.site.example"

    def address(self, number: int) -> str:
        """The address that it has as the number-th of all scenarios."""
        if self.ipv6:
            return f"2606:2800:100::{number + 1:x}"
        if self.dark:
            return f"{_DARK}.{number % _EACH + 1}"
        return _NETWORK.format(_FIRST + number // _EACH, number % _EACH + 1)

    def target(self) -> dict[str, Any]:
        """Its entry in the probe's configuration."""
        url = self.url.format(name=self.name())
        return {"id": self.id, "url": url, **self.options}

    def website(self, number: int) -> Site:
        """The server, or the name without one."""
        own = dict(self.site)
        addresses = own.pop("addresses", (self.address(number),)) if self.exists else ()
        return Site(names=(self.name(),), addresses=addresses, **own)

    def rules(self, number: int) -> tuple[Rule, ...]:
        """What the censor is told."""
        names, addresses = (self.name(),), (self.address(number),)
        return (
            *(Rule(where=Where(names=names), act=act) for act in self.by_name),
            *(
                Rule(where=Where(addresses=addresses, ports=self.ports), act=act)
                for act in self.by_address
            ),
            *(Rule(where=Where(names=names, addresses=addresses), act=act) for act in self.at_both),
        )


def certificate(kind: Certificate) -> dict[str, Any]:
    """A site with such a certificate."""
    return {"certificate": kind}
