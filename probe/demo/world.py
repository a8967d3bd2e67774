"""The embedded internet as a configuration: who is there, what they serve, and how they behave.

Only names that RFC 2606 and RFC 6761 reserve may stand in it, and only loopback addresses: whatever
a world says, nothing of it can leave the machine.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from probe.core import strictyaml
from probe.core.strictyaml import ConfigError
from probe.core.units import parse_duration, parse_size

SHIPPED: Final = Path(__file__).with_name("internet.yaml")

Behaviour = Literal["healthy", "refused", "silent", "reset", "close", "stall"]
Certificate = Literal["valid", "expired", "wrong_name", "self_signed"]
Serves = Literal["tcp", "http", "https"]
Scheme = Literal["dns", "tcp", "tls", "http", "https"]
LookupAnswer = Literal["nxdomain", "servfail", "refused", "empty"]

_NAME: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:example|test)")
_SPOKEN_TO_BY: Final[dict[Scheme, set[Serves]]] = {
    "dns": {"tcp", "http", "https"},
    "tcp": {"tcp", "http", "https"},
    "tls": {"https"},
    "http": {"http"},
    "https": {"https"},
}


def _reserved(name: str) -> str:
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' is not a name in lower case under .example or .test")
    return name


def _loopback(text: str) -> str:
    try:
        inside = ipaddress.ip_address(text).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(f"'{text}' is no loopback address (127.x.y.z or ::1)")
    return text


def _seconds(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError(f"'{value}' is no duration: write a number and a unit, as in 4s")
    return parse_duration(value)


def _bytes(value: object) -> int:
    return parse_size(str(value))


Name = Annotated[str, AfterValidator(_reserved)]
Loopback = Annotated[str, AfterValidator(_loopback)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
Size = Annotated[int, BeforeValidator(_bytes), Field(ge=0, le=16 * 1024 * 1024)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Conduct(_Strict):
    """What a host does with a connection.

    ``reset`` and ``close`` come after the client's first bytes, ``silent`` reads and never answers,
    ``stall`` stops in the middle of the body, ``refused`` has nobody listening.
    """

    behaviour: Behaviour = "healthy"
    status: Annotated[int, Field(ge=200, le=599)] = 200
    certificate: Certificate = "valid"


class Change(Conduct):
    """Another conduct for a while; both ends are seconds after the world's story begins."""

    since: Seconds = Field(alias="from")
    until: Seconds

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.until <= self.since:
            raise ValueError("'until' must be later than 'from'")
        return self


class Host(Conduct):
    """One server: a name, an address and a port of its own (0: one that is free), and its conduct.

    ``body`` or, for a large one, ``size`` is what HTTP answers; ``greeting`` is what a TCP service
    says first.
    """

    name: Name
    address: Loopback
    port: Port = 0
    serves: Serves
    greeting: str = ""
    body: str = ""
    size: Size = 0
    changes: list[Change] = []

    def at(self, elapsed: float) -> Conduct:
        """The conduct that holds this many seconds after the story began."""
        for change in self.changes:
            if change.since <= elapsed < change.until:
                return change
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if any(change.behaviour == "refused" for change in self.changes):
            raise ValueError(f"{self.name}: only a whole host can be 'refused', not a change")
        if self.body and self.size:
            raise ValueError(f"{self.name}: give either 'body' or 'size'")
        conducts: tuple[Conduct, ...] = (self, *self.changes)
        for conduct in conducts:
            if self.serves == "tcp" and (conduct.status != 200 or conduct.behaviour == "stall"):
                raise ValueError(f"{self.name}: a tcp service has no status and no body to stall")
            if self.serves != "https" and conduct.certificate != "valid":
                raise ValueError(f"{self.name}: only https has a certificate")
        return self


class Nameserver(_Strict):
    """The one resolver. It knows every host; ``answers`` are names that it does not resolve."""

    address: Loopback
    port: Port = 0
    answers: dict[Name, LookupAnswer] = {}


class Vantage(_Strict):
    """Where the demo pretends to be. The country is one that ISO 3166 never assigns (XA to XZ)."""

    id: str
    country: Annotated[str, Field(pattern=r"^X[A-Z]$")]
    asn: Annotated[int, Field(ge=64496, le=64511)]  # for documentation, RFC 5398
    network: Literal["residential", "mobile", "datacenter", "leased_line"]


class Anchors(_Strict):
    """Hosts by which the vantage tells whether it has a network at all."""

    international: list[Name]
    domestic: list[Name]


class Target(_Strict):
    """What the demo measures: ``scheme`` and ``path`` at a host, as one feature of a service."""

    id: str
    service: str
    feature: str
    scheme: Scheme
    host: Name
    path: str = ""
    transfer: str | None = None


class World(_Strict):
    """The whole embedded internet, and what is measured in it."""

    vantage: Vantage
    nameserver: Nameserver
    hosts: list[Host]
    anchors: Anchors
    every: str
    timeouts: dict[str, str]
    targets: list[Target]

    def host(self, name: str) -> Host:
        """The host of that name; KeyError if there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        hosts = {host.name: host for host in self.hosts}
        places = [(host.address, host.port) for host in self.hosts if host.port]
        for what, all_of_them in (
            ("host", [host.name for host in self.hosts]),
            ("address and port", places),
            ("target", [target.id for target in self.targets]),
        ):
            if len(set(all_of_them)) < len(all_of_them):
                raise ValueError(f"a {what} stands twice in this world")
        for name in self.nameserver.answers:
            if name in hosts:
                raise ValueError(f"{name}: is a host, so the nameserver resolves it")
        for name in (*self.anchors.international, *self.anchors.domestic):
            if name not in hosts or hosts[name].serves == "tcp":
                raise ValueError(f"{name}: an anchor must be a host that serves http or https")
        for target in self.targets:
            if target.host in self.nameserver.answers:
                continue
            if target.host not in hosts:
                raise ValueError(f"target {target.id}: there is no host {target.host}")
            if hosts[target.host].serves not in _SPOKEN_TO_BY[target.scheme]:
                raise ValueError(f"target {target.id}: {target.host} serves no {target.scheme}")
        return self


def read_world(path: Path = SHIPPED) -> World:
    """Read a world strictly. ConfigError names file, line and key of each mistake."""
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    return strictyaml.read(World, text, path.name)
