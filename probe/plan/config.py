"""The configuration file: strict, so that a misspelt key is an error and never a silent default.

``Config`` is the file as it was written; ``plan.jobs`` makes jobs of it.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from probe.checks.kit import MAX_ADDRESSES, Timeouts
from probe.checks.resolver import parse_resolver
from probe.core.model import UNKNOWN_COUNTRY, Network, Vantage
from probe.core.strictyaml import ConfigError, read
from probe.core.units import Delay, Duration
from probe.judge.policy import Policy
from probe.plan.alerts import AlertsSection
from probe.plan.anchors import AnchorsSection
from probe.plan.controls import ControlSection
from probe.plan.limits import LimitsSection
from probe.plan.metrics import MetricsSection
from probe.plan.profile import TUNNEL
from probe.plan.retention import RetentionSection
from probe.plan.schedule import Cron, Every, QuietHours, ScheduleSection, keyed
from probe.plan.section import Strict
from probe.plan.target import OptionError, feature_of, parse_target

# The most ordinary browser there is: naming the probe is opt-in, because in some places it
# endangers whoever runs it.
USER_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,199}")


def _resolver(text: str) -> str:
    parse_resolver(text)
    return text


def _policy(text: str) -> str:
    Policy.parse(text)
    return text


ResolverUrl = Annotated[str, AfterValidator(_resolver)]


PolicyText = Annotated[str, AfterValidator(_policy)]


class VantageSection(Strict):
    """Who measures from where."""

    id: str = "local"
    country: str = Field(default=UNKNOWN_COUNTRY, pattern=r"^[A-Z]{2}$")
    asn: int | None = Field(default=None, gt=0, lt=2**32, strict=True)
    network: Network | None = None

    @field_validator("id")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            raise ValueError(f"'{value}' is no vantage id: use letters, digits, '.', '_' and '-'")
        return value

    def vantage(self) -> Vantage:
        """As measurements record it."""
        return Vantage(id=self.id, country=self.country, asn=self.asn, network=self.network)


class TimeoutsSection(Strict):
    """Deadlines of steps; what is not given keeps its default."""

    dns: Duration | None = None
    connect: Duration | None = None
    tls: Duration | None = None
    first_byte: Duration | None = None
    transfer: Duration | None = None
    late_answers: Duration | None = None

    def over(self, base: Timeouts) -> Timeouts:
        """These deadlines, and the base's where none is given."""
        given = self.model_dump(exclude_none=True)
        slots = {name: getattr(base, name) for name in Timeouts.__dataclass_fields__}
        return Timeouts(**{**slots, **given})


class TlsSection(Strict):
    """Further authorities to trust, besides the system's."""

    ca_file: str | None = None


class TargetSection(BaseModel):
    """One target. Keys besides the named ones are options of the check that its URL names.

    In place of a URL there may be a profile, which stands for all servers in it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str | None = None
    service: str | None = None
    feature: str | None = None
    url: str = ""
    profile: str | None = None
    every: Every | None = None
    spread: Delay | None = None
    cron: Cron | None = None
    quiet: list[QuietHours] | None = Field(default=None, max_length=24)
    timeout: Duration | None = None
    timeouts: TimeoutsSection = TimeoutsSection()
    private: bool | None = None

    @field_validator("id")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is not None and not _ID.fullmatch(value):
            raise ValueError(f"'{value}' is no id: use letters, digits and . _ : / @ - only")
        return value

    @model_validator(mode="after")
    def _understood(self) -> "TargetSection":
        if self.profile is not None:
            if self.url or self.id:
                name = "url" if self.url else "id"
                raise OptionError("not with a profile: its servers have their own", name)
            return self
        if not self.url:
            raise ValueError("give a url, or a profile")
        try:
            parse_target(self.url, self.options)
        except OptionError:
            raise
        except ValueError as exc:
            raise OptionError(str(exc), "url") from None
        return self

    @property
    def when(self) -> dict[str, Any]:
        """What it says itself of when it is due."""
        return {name: getattr(self, name) for name in ("every", "spread", "cron", "quiet")}

    @property
    def options(self) -> dict[str, Any]:
        """The options of the check."""
        return dict(self.model_extra or {})

    @property
    def default_feature(self) -> str:
        """What the target is a feature of, where nobody says it."""
        return TUNNEL if self.profile else feature_of(self.url.partition("://")[0])


class ConfirmSection(Strict):
    """How an anomaly is confirmed before it accuses anybody.

    ``trials`` must fail alike; ``quarantine`` is how long blocking that was triggered may stay on
    an address and port, whatever the name (60 to 420 s have been measured).
    """

    trials: int = Field(default=3, ge=2, le=20, strict=True)
    quarantine: Duration = 420.0


class FollowupsSection(Strict):
    """Further measurements after a failure; ``neutral_name`` is one that nobody blocks."""

    enabled: bool = True
    neutral_name: str = Field(default="www.example.com", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")


class Config(Strict):
    """A whole configuration file."""

    vantage: VantageSection = VantageSection()
    resolvers: list[ResolverUrl] = Field(default=["system"], min_length=1)
    trusted_resolvers: list[ResolverUrl] = Field(default_factory=list)
    controls: list[ControlSection] = Field(default_factory=list)
    anchors: AnchorsSection = AnchorsSection()
    schedule: ScheduleSection = ScheduleSection()
    limits: LimitsSection = LimitsSection()
    services: list[str] = Field(default_factory=list)
    policies: dict[str, dict[str, PolicyText]] = Field(default_factory=dict)
    targets: list[TargetSection] = Field(default_factory=list)
    confirm: ConfirmSection = ConfirmSection()
    followups: FollowupsSection = FollowupsSection()
    results: str = "results"
    metrics: MetricsSection = MetricsSection()
    alerts: AlertsSection = AlertsSection()
    retention: RetentionSection = RetentionSection()
    tls: TlsSection = TlsSection()
    timeout: Duration = 30.0
    timeouts: TimeoutsSection = TimeoutsSection()
    max_addresses: int = Field(default=MAX_ADDRESSES, ge=1, le=64, strict=True)
    user_agent: str = Field(default=USER_AGENT, pattern=r"^[\x20-\x7e]{1,256}$")

    @field_validator("targets")
    @classmethod
    def _ids_once(cls, targets: list[TargetSection]) -> list[TargetSection]:
        seen: dict[str, int] = {}
        for index, target in enumerate(targets):
            if target.profile:  # what is in it is known once it has been read
                continue
            name = target.id or parse_target(target.url, target.options).url
            if name in seen:
                problem = ValueError(f"'{name}' is the id of targets[{seen[name]}] already")
                problem.key = (index, "id" if target.id else "url")  # type: ignore[attr-defined]
                raise problem
            seen[name] = index
        return targets

    @field_validator("controls")
    @classmethod
    def _controls_once(cls, controls: list[ControlSection]) -> list[ControlSection]:
        names = [control.name for control in controls]
        for index, name in enumerate(names):
            if name in names[:index]:
                problem = ValueError(f"'{name}' is the id of an earlier one; give one an id")
                problem.key = (index, "id")  # type: ignore[attr-defined]
                raise problem
        return controls

    @field_validator("services")
    @classmethod
    def _known(cls, services: list[str]) -> list[str]:
        from probe.plan.catalogue import names, no_more, service, which_there_are

        for index, name in enumerate(services):
            reason = f"there is no service '{name}'; {which_there_are(name)}"
            if name not in names() or (reason := no_more(service(name)) or ""):
                problem = ValueError(reason)
                problem.key = (index,)  # type: ignore[attr-defined]
                raise problem
        return services

    @model_validator(mode="after")
    def _something(self) -> "Config":
        if not self.targets and not self.services:
            raise ValueError("nothing to measure: give targets or services")
        return self

    @model_validator(mode="after")
    def _due_at_some_time(self) -> "Config":
        for index, target in enumerate(self.targets):
            if target.every and target.cron:
                raise keyed("give either 'every' or 'cron'", "targets", index, "cron")
            try:
                self.schedule.timing(**target.when)
            except ValueError as exc:
                key = "quiet" if target.quiet is not None else "cron"
                raise keyed(str(exc), "targets", index, key) from None
        return self

    @model_validator(mode="after")
    def _policies_meet_something(self) -> "Config":
        from probe.plan.catalogue import service

        known = {(t.service, t.feature or t.default_feature) for t in self.targets if t.service}
        known |= {(name, feature) for name in self.services for feature in service(name).features}
        for name, features in self.policies.items():
            for feature in features:
                if (name, feature) not in known:
                    problem = ValueError("nothing here has this service and feature")
                    problem.key = ("policies", name, feature)  # type: ignore[attr-defined]
                    raise problem
        return self


def read_config(path: Path) -> Config:
    """Read and validate a configuration file. ConfigError has a line per mistake."""
    try:
        text = path.read_bytes()
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder, not a configuration file") from None
    except OSError as exc:
        raise ConfigError(f"{path}: {(exc.strerror or str(exc)).lower()}") from None
    return read(Config, text, str(path))
