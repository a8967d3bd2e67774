"""The story that the replay plays, read strictly: who is where, what they serve, what is filtered.

Every moment is a moment of the story's own time. Names are reserved ones (RFC 2606, RFC 6761) and
addresses those of a network that was taken down in 2006 (RFC 3701): a script can point at nobody.
"""

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from probe.core import strictyaml
from probe.core.model import Network, Vantage
from probe.core.strictyaml import ConfigError
from probe.core.times import parse_instant
from probe.core.units import Duration, Size
from probe.demo.world import Name

SHIPPED: Final = Path(__file__).with_name("july2017.yaml")
# Two reports that the demo adds to the shipped ones: a false one, and one nobody can judge.
MADE_UP: Final = Path(__file__).with_name("reports2017.yaml")

_6BONE: Final = ipaddress.ip_network("3ffe::/16")


def _nobody(text: str) -> str:
    try:
        inside = ipaddress.ip_address(text) in _6BONE
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(f"'{text}' is no address of the former 6bone, {_6BONE}")
    return text


def _moment(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(_nobody)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Strict):
    """A half-open span of the story's time."""

    since: Moment = Field(alias="from")
    until: Moment

    def __contains__(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.since <= at < self.until

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.until <= self.since:
            raise ValueError("'until' must be later than 'from'")
        return self


class Closer(Span):
    """A span in which rounds come more often."""

    every: Duration


class Host(_Strict):
    """One server; ``size`` is the length of what HTTP answers. From ``gone`` on it is silent."""

    name: Name
    address: Address
    serves: Literal["accept", "http", "https"]
    size: Size = 64
    gone: Moment | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return 80 if self.serves == "http" else 443


class Place(_Strict):
    """A vantage, or the control; ``distance`` is the time to a server abroad and back."""

    id: str
    country: str
    asn: int
    network: Network
    distance: Duration
    offline: tuple[Span, ...] = ()

    @property
    def vantage(self) -> Vantage:
        """As measurements record it."""
        return Vantage(id=self.id, country=self.country, asn=self.asn, network=self.network)


class Cut(Span):
    """A server name that is reset for some vantages, in a share of the hours of a span."""

    name: Name
    vantages: tuple[str, ...]
    share: Share = 1.0


class Anchors(_Strict):
    """Pages by which a vantage tells whether it has a network."""

    international: list[str]
    domestic: list[str]


class Story(_Strict):
    """All of it."""

    begins: Moment
    ends: Moment
    every: Duration
    closer: Closer
    seed: int
    losses: Share
    decoy: Address
    control: Place
    anchors: Anchors
    hosts: tuple[Host, ...]
    targets: list[dict[str, Any]]
    vantages: tuple[Place, ...]
    filter: tuple[Cut, ...]

    def rounds(self, place: int = 0) -> Iterator[datetime]:
        """When each round of measurements begins; each vantage has minutes of its own."""
        at = self.begins + timedelta(minutes=7 * place)
        while at < self.ends:
            yield at
            every = self.closer.every if at in self.closer else self.every
            at += timedelta(seconds=every)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        known = {place.id for place in self.vantages}
        names = {host.name for host in self.hosts}
        if len(known) < len(self.vantages) or len(names) < len(self.hosts):
            raise ValueError("a vantage or a host stands in the story twice")
        for cut in self.filter:
            if cut.name not in names:
                raise ValueError(f"filter: there is no host {cut.name}")
            if strangers := set(cut.vantages) - known:
                raise ValueError(f"filter: there is no vantage {min(strangers)}")
        return self


def read_story(path: Path = SHIPPED) -> Story:
    """Read a story strictly. ConfigError names file, line and key of each mistake."""
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    return strictyaml.read(Story, text, path.name)
