"""The embedded internet as a configuration: who is there, what they serve, and how they behave.

Only names that RFC 2606 and RFC 6761 reserve may stand in it, and only loopback addresses: whatever
a world says, nothing of it can leave the machine.
"""

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from probe.core import strictyaml
from probe.core.strictyaml import ConfigError
from probe.core.units import Duration, Size

SHIPPED: Final = Path(__file__).with_name("internet.yaml")

Behaviour = Literal["healthy", "refused", "silent", "reset", "filtered", "close", "stall"]
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


Name = Annotated[str, AfterValidator(_reserved)]
Loopback = Annotated[str, AfterValidator(_loopback)]
Port = Annotated[int, Field(ge=0, le=65535)]
Body = Annotated[Size, Field(le=16 * 1024 * 1024)]


class _Misfit(ValueError):  # noqa: N818  (what does not fit, for the message)
    """Something does not fit its surroundings; ``key`` is the way down to where it stands."""

    def __init__(self, problem: str, *key: str | int) -> None:
        super().__init__(problem)
        self.key = key


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Conduct(_Strict):
    """What a host does with a connection.

    ``reset`` and ``close`` come after the client's first bytes, ``filtered`` resets only who sends
    the host's own server name, ``silent`` reads and never answers, ``stall`` stops in the middle of
    the body, ``refused`` has nobody listening.
    """

    behaviour: Behaviour = "healthy"
    status: Annotated[int, Field(ge=200, le=599)] = 200
    certificate: Certificate = "valid"


class Change(Conduct):
    """Another conduct for a while; both ends are seconds after the world's story begins."""

    since: Duration = Field(alias="from")
    until: Duration

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.until <= self.since:
            raise _Misfit("must be later than 'from'", "until")
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
    size: Body = 0
    changes: list[Change] = []

    def at(self, elapsed: float) -> Conduct:
        """The conduct that holds this many seconds after the story began."""
        for change in self.changes:
            if change.since <= elapsed < change.until:
                return change
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.body and self.size:
            raise _Misfit("give either 'body' or 'size', not both", "size")
        _check(self, self.serves)
        for index, change in enumerate(self.changes):
            if change.behaviour == "refused":
                raise _Misfit("a host is 'refused' always or never", "changes", index, "behaviour")
            _check(change, self.serves, "changes", index)
        return self


def _check(conduct: Conduct, serves: Serves, *key: str | int) -> None:
    if serves != "https" and conduct.certificate != "valid":
        raise _Misfit("only https shows a certificate", *key, "certificate")
    if serves != "https" and conduct.behaviour == "filtered":
        raise _Misfit("only https tells a filter its server name", *key, "behaviour")
    if serves == "tcp" and conduct.status != 200:
        raise _Misfit("a tcp service has no status", *key, "status")
    if serves == "tcp" and conduct.behaviour == "stall":
        raise _Misfit("a tcp service has no body to stall in", *key, "behaviour")


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
    """What the demo measures: ``scheme`` and ``path`` at a host, as one feature of a service.

    ``sni`` is another server name to send there; no certificate is demanded for it.
    """

    id: str
    service: str
    feature: str
    scheme: Scheme
    host: Name
    path: str = ""
    transfer: str | None = None
    sni: Name | None = None


class World(_Strict):
    """The whole embedded internet, and what is measured in it.

    ``every`` and ``quarantine`` are the configuration's: how often targets are measured, and how
    long a place rests at which something was cut off.
    """

    vantage: Vantage
    nameserver: Nameserver
    hosts: list[Host]
    anchors: Anchors
    every: str
    quarantine: str = "7m"
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
        _each_once([host.name for host in self.hosts], "hosts", "name")
        _each_once([(h.address, h.port or h.name) for h in self.hosts], "hosts", "port")
        _each_once([target.id for target in self.targets], "targets", "id")
        serves = {host.name: host.serves for host in self.hosts}
        for name in self.nameserver.answers:
            if name in serves:
                raise _Misfit("is a host, so it resolves", "nameserver", "answers", name)
        for kind in ("international", "domestic"):
            for index, name in enumerate(getattr(self.anchors, kind)):
                if serves.get(name) not in {"http", "https"}:
                    raise _Misfit(f"{name} serves no page", "anchors", kind, index)
        for index, target in enumerate(self.targets):
            if target.host in self.nameserver.answers:
                continue
            if target.host not in serves:
                raise _Misfit(f"there is no host {target.host}", "targets", index, "host")
            if serves[target.host] not in _SPOKEN_TO_BY[target.scheme]:
                problem = f"{target.host} serves no {target.scheme}"
                raise _Misfit(problem, "targets", index, "scheme")
        return self


def _each_once(values: Sequence[object], section: str, key: str) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise _Misfit("stands in this world already", section, index, key)


def read_world(path: Path = SHIPPED) -> World:
    """Read a world strictly. ConfigError names file, line and key of each mistake."""
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    return strictyaml.read(World, text, path.name)
