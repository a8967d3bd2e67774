"""The control helper's configuration: what a probe's has too, and the section ``control``."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from probe.checks.kit import MAX_ADDRESSES
from probe.core.address import Endpoint, is_ip, is_local, parse_endpoint
from probe.core.strictyaml import ConfigError, read
from probe.core.units import Duration
from probe.plan.anchors import AnchorsSection
from probe.plan.config import (
    USER_AGENT,
    Config,
    ResolverUrl,
    TargetSection,
    TimeoutsSection,
    TlsSection,
    VantageSection,
)
from probe.plan.jobs import Plan, Planner
from probe.plan.target import parse_target, secrets_of

SHORTEST_TOKEN: Final = 16  # characters; a shorter one could be found by trying
MOST_TARGETS: Final = 256  # that it has secrets of its own for
MOST_ANCHORS: Final = 24  # they go out with every answer, and a client takes 32
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,512}")  # what a header's value may hold, RFC 9110 5.5
_ANYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  (compared with, not bound to)


def _endpoint(text: str) -> str:
    try:
        endpoint = parse_endpoint(text)
    except ValueError:
        endpoint = Endpoint("", 0)
    if not 0 < endpoint.port < 65536 or "%" in endpoint.ip:
        raise ValueError(f"'{text[:80]}' is no address and port: write 0.0.0.0:8443 or [::]:8443")
    return text


def _address(text: str) -> str:
    if not is_ip(text) or "%" in text or text in _ANYWHERE:
        raise ValueError(f"'{text[:80]}' is no IP address that a client could connect to")
    return text


EndpointText = Annotated[str, AfterValidator(_endpoint)]
AddressText = Annotated[str, AfterValidator(_address)]


class HelperSection(BaseModel):
    """What the control listens on, whom it knows, and how much it does for them.

    ``rate`` is requests a minute for each client, ``parallel`` measurements at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: EndpointText
    public: AddressText | None = None
    decoy: list[EndpointText] = Field(default=[], max_length=16)
    echo: EndpointText | None = None
    cert: str | None = None
    key: str | None = None
    client_ca: str | None = None
    token_env: str | None = None
    token_file: str | None = None
    allow_private: bool = Field(default=False, strict=True)
    rate: int = Field(default=60, ge=1, le=100_000, strict=True)
    parallel: int = Field(default=8, ge=1, le=256, strict=True)
    log_clients: bool = Field(default=False, strict=True)

    @field_validator("decoy", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @model_validator(mode="after")
    def _apart(self) -> "HelperSection":
        """Residual blocking falls on an address and port: on the API's it would end everything."""
        taken = [("the API", parse_endpoint(self.listen))]
        for index, text in enumerate(self.decoy):
            key = ("decoy", index)
            _refuse_shared(parse_endpoint(text), taken, key)
            taken.append(("another decoy", parse_endpoint(text)))
        if self.echo:
            _refuse_shared(parse_endpoint(self.echo), taken, ("echo",))
        return self

    @model_validator(mode="after")
    def _known_by_something(self) -> "HelperSection":
        if self.token_env and self.token_file:
            raise _wrong("give token_env or token_file, not both", "token_file")
        if not (self.token_env or self.token_file or self.client_ca):
            raise ValueError("say by what it knows clients: token_env, token_file or client_ca")
        return self

    @model_validator(mode="after")
    def _read_by_nobody(self) -> "HelperSection":
        for given, wanted in (("cert", "key"), ("key", "cert"), ("client_ca", "cert")):
            if getattr(self, given) and not getattr(self, wanted):
                raise _wrong(f"is of no use without {wanted}", given)
        if not self.cert and not is_local(parse_endpoint(self.listen).ip):
            raise _wrong("give cert and key, or the token could be read on the way", "listen")
        if not self.cert and parse_endpoint(self.listen).ip in _ANYWHERE:
            raise _wrong("give cert and key, or listen on 127.0.0.1 only", "listen")
        return self


class HelperConfig(BaseModel):
    """A whole configuration file of the control helper."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vantage: VantageSection = VantageSection()
    resolvers: list[ResolverUrl] = Field(default=["system"], min_length=1)
    anchors: AnchorsSection = AnchorsSection()
    tls: TlsSection = TlsSection()
    timeout: Duration = 30.0
    timeouts: TimeoutsSection = TimeoutsSection()
    max_addresses: int = Field(default=MAX_ADDRESSES, ge=1, le=16, strict=True)
    user_agent: str = Field(default=USER_AGENT, pattern=r"^[\x20-\x7e]{1,256}$")
    targets: list[TargetSection] = Field(default=[], max_length=MOST_TARGETS)
    control: HelperSection

    @field_validator("anchors")
    @classmethod
    def _not_too_many(cls, anchors: AnchorsSection) -> AnchorsSection:
        if len(anchors.international) + len(anchors.domestic) > MOST_ANCHORS:
            raise ValueError(f"more than {MOST_ANCHORS}, which go out with every answer")
        return anchors

    @field_validator("targets")
    @classmethod
    def _with_secrets(cls, targets: list[TargetSection]) -> list[TargetSection]:
        for index, target in enumerate(targets):
            if target.url and not secrets_of(parse_target(target.url, target.options).check):
                problem = "has no key or password: it is measured without being listed here"
                raise _wrong(problem, index, "url")
        return targets

    def plan(self, base: Path) -> Plan:
        """Its anchors and means of measuring. Its jobs are never due: they hold the control's own
        keys and passwords for targets that it may be asked for."""
        shared = self.model_dump(exclude={"control"}).keys()
        settings = Config.model_construct(**{name: getattr(self, name) for name in shared})
        planner = Planner(settings, base, self.vantage.vantage())
        planner.add_config()
        return planner.plan()


class HelperFile:
    """A configuration file that was read, with the secrets and files that it names."""

    def __init__(self, path: Path) -> None:
        """Read and validate. ConfigError has a line per mistake."""
        self._path = path
        self.folder = path.parent
        try:
            self._text = path.read_bytes()
        except IsADirectoryError:
            raise ConfigError(f"{path}: is a folder, not a configuration file") from None
        except OSError as exc:
            raise ConfigError(f"{path}: {(exc.strerror or str(exc)).lower()}") from None
        self.config = read(HelperConfig, self._text, str(path))

    def token(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """The token that clients show; None where their certificates stand for it.

        Raises ConfigError, which names the variable or the file and never what is in it.
        """
        section = self.config.control
        if section.token_env:
            key, text = "token_env", environment.get(section.token_env, "")
            if not text:
                raise self.wrong(key, f"the variable {section.token_env} is not set")
        elif section.token_file:
            key = "token_file"
            try:
                text = (self.folder / section.token_file).read_bytes().decode("ascii", "replace")
            except OSError as exc:
                raise self.wrong(key, f"{section.token_file}: {exc.strerror}") from None
        else:
            return None
        token = text.strip()
        if not _TOKEN.fullmatch(token):
            raise self.wrong(key, "it holds no token: one word in ASCII")
        if len(token) < SHORTEST_TOKEN:
            raise self.wrong(key, f"the token has fewer than {SHORTEST_TOKEN} characters")
        return token

    def file(self, key: str) -> Path | None:
        """The file that a key of the section ``control`` names, from the folder of this one."""
        text = getattr(self.config.control, key)
        return self.folder / text if text else None

    def wrong(self, key: str, problem: str) -> ConfigError:
        """A mistake at a key of the section ``control`` that only using it has shown."""
        found = re.search(rf"^(?s:.*?)\b{key}\b[\"']?\s*:".encode(), self._text)
        line = found[0].count(b"\n") + 1 if found else 1
        return ConfigError(f"{self._path}:{line}: control.{key}: {problem}")


def _wrong(problem: str, *key: str | int) -> ValueError:
    error = ValueError(problem)
    error.key = key  # type: ignore[attr-defined]
    return error


def _refuse_shared(
    endpoint: Endpoint, taken: list[tuple[str, Endpoint]], key: tuple[str | int, ...]
) -> None:
    for name, other in taken:
        if endpoint.port == other.port and _overlap(endpoint.ip, other.ip):
            raise _wrong(f"shares its address and port with {name} ({other})", *key)


def _overlap(one: str, other: str) -> bool:
    """Whether two listeners on one port would be at one address; ``::`` takes IPv4 too."""
    if one == other or "::" in {one, other}:
        return True
    return bool({one, other} & _ANYWHERE) and (":" in one) == (":" in other)
