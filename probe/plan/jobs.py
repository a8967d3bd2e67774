"""From targets and services to jobs: one check of one target, with everything that bounds it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from probe.checks import Check, Demanding
from probe.checks.dns import DnsCheck
from probe.checks.kit import Timeouts
from probe.checks.resolver import Resolver, parse_resolver
from probe.core.model import JSON, Target, Vantage
from probe.core.strictyaml import ConfigError
from probe.judge.policy import Policy
from probe.judge.vantage import DOMESTIC, INTERNATIONAL, PORTAL, WILDCARD
from probe.plan.alerts import AlertsPlace
from probe.plan.catalogue import Service, service
from probe.plan.config import Config, TargetSection, TimeoutsSection
from probe.plan.controls import ControlPlace
from probe.plan.limits import LimitsSection
from probe.plan.metrics import MetricsPlace
from probe.plan.profile import TUNNEL, read_profile
from probe.plan.reach import able, depends_on_no_line
from probe.plan.retention import RetentionSection
from probe.plan.target import WEB, Aim, feature_of, parse_target
from probe.plan.timing import Timing
from probe.plan.wildcard import RANDOM_NAME

ANCHORS = "anchors"  # the service that anchors are recorded under
_ANCHOR_TIMEOUT = 8.0  # seconds; health must be known soon, and these pages are small
_ANCHOR_STEPS = TimeoutsSection(dns=4.0, connect=5.0, tls=5.0, first_byte=5.0, transfer=5.0)
ANY = Policy.parse("any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What ``measure`` needs to measure one target once. Times in seconds.

    ``every`` is its period, under a cron expression the usual one; ``timing`` refines it.
    ``local`` says that the target as configured is in the vantage's own network and does not
    depend on its line; ``private`` that its address is shown to nobody.
    """

    target: Target
    check: Check
    resolvers: tuple[Resolver, ...]
    timeout: float
    timeouts: Timeouts
    every: float
    local: bool
    private: bool
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Targets that together make one function of a service, and how many must be ok."""

    service: str
    feature: str
    policy: Policy
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that one run will do.

    ``wildcard`` asks all resolvers for a name that cannot exist; each time it is drawn anew.
    """

    vantage: Vantage
    jobs: tuple[Job, ...]
    features: tuple[Feature, ...]
    anchors: tuple[Job, ...]
    results: Path
    ca_file: str | None
    max_addresses: int
    user_agent: str
    trials: int = 3
    quarantine: float = 420.0
    followups: bool = True
    neutral_name: str = "www.example.com"
    controls: tuple[ControlPlace, ...] = ()
    limits: LimitsSection = field(default_factory=LimitsSection)
    wildcard: Job | None = None
    metrics: MetricsPlace | None = None
    retention: RetentionSection = field(default_factory=RetentionSection)
    alerts: AlertsPlace | None = None
    notes: tuple[str, ...] = ()


@dataclass
class Planner:
    """Collects jobs under the defaults of one configuration.

    ``base`` is the folder that relative paths in it start from; ``controls`` are asked besides the
    configured ones.
    """

    config: Config
    base: Path
    vantage: Vantage
    resolvers: tuple[Resolver, ...] = ()
    controls: tuple[ControlPlace, ...] = ()
    _jobs: dict[str, Job] = field(default_factory=dict)
    _features: dict[tuple[str, str], Feature] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = [*self.config.resolvers, *self.config.trusted_resolvers]
        self.resolvers = self.resolvers or tuple(
            parse_resolver(text) for text in dict.fromkeys(texts)
        )

    def add_url(self, text: str) -> None:
        """A target given by its URL alone."""
        aim = parse_target(text)
        feature = feature_of(aim.check.name)
        self._add(aim, Target(id=aim.url, service=aim.host, feature=feature, url=aim.url))

    def add_profile(self, path: Path, section: TargetSection | None = None, **given: JSON) -> None:
        """Every server of a profile, private unless the configuration says otherwise; ``given``
        are options of a command line."""
        for aim in read_profile(path, self._paths(section.options) if section else given):
            service_id = (section.service if section else None) or aim.host
            feature = (section.feature if section else None) or TUNNEL
            target = Target(id=aim.url, service=service_id, feature=feature, url=aim.url)
            self._add(aim, target, section)
            if section and section.service:
                self._join(section.service, feature, target.id)

    def add_target(self, section: TargetSection) -> None:
        """A target of the configuration."""
        if section.profile:
            return self.add_profile(self.base / section.profile, section)
        aim = parse_target(section.url, self._paths(section.options))
        feature = section.feature or section.default_feature
        target = Target(
            id=section.id or aim.url,
            service=section.service or aim.host,
            feature=feature,
            url=aim.url,
        )
        self._add(aim, target, section)
        if section.service:
            self._join(section.service, feature, target.id)
        return None

    def add_service(self, known: Service) -> None:
        """All targets of a service of the catalogue."""
        for name, feature in known.features.items():
            for group in feature.targets:
                for url in group.expanded():
                    aim = parse_target(url, group.options)
                    target = Target(id=aim.url, service=known.id, feature=name, url=aim.url)
                    self._add(aim, target)
                    self._join(known.id, name, target.id, feature.policy)

    def add_config(self) -> None:
        """All services and targets of the configuration."""
        for name in self.config.services:
            self.add_service(service(name))
        for index, section in enumerate(self.config.targets):
            try:
                self.add_target(section)
            except ValueError as exc:  # what the file alone could not show: a key that is not there
                where = ".".join((f"targets[{index}]", *getattr(exc, "key", ())))
                raise ConfigError(f"{where}: {exc}") from None

    def plan(self) -> Plan:
        """All that was added, with the anchors."""
        return Plan(
            vantage=self.vantage,
            jobs=tuple(self._jobs.values()),
            features=tuple(self._features.values()),
            anchors=tuple(self._anchors()),
            wildcard=self._wildcard(),
            results=self.base / self.config.results,
            ca_file=self._path(self.config.tls.ca_file),
            max_addresses=self.config.max_addresses,
            user_agent=self.config.user_agent,
            trials=self.config.confirm.trials,
            quarantine=self.config.confirm.quarantine,
            followups=self.config.followups.enabled,
            neutral_name=self.config.followups.neutral_name,
            controls=self._controls(),
            metrics=self.config.metrics.place(),
            retention=self.config.retention,
            alerts=self.config.alerts.place(self.base),
            limits=self.config.limits,
        )

    def _add(self, aim: Aim, target: Target, section: TargetSection | None = None) -> None:
        if isinstance(aim.check, Demanding):
            aim.check.require()
        known = self._jobs.get(target.id)
        if known is None:
            self._jobs[target.id] = self._job(aim, target, section)
        elif section:
            raise ConfigError(
                f"targets: '{target.id}' is a target of the service '{known.target.service}' "
                "already; give yours an id of its own"
            )

    def _job(self, aim: Aim, target: Target, section: TargetSection | None) -> Job:
        own = section.timeouts if section else TimeoutsSection()
        when = dict(section.when) if section else {}
        when["every"] = when.get("every") or aim.common.get("every")
        timing = self.config.schedule.timing(**when)
        return Job(
            target=target,
            check=aim.check,
            resolvers=able(aim, aim.common.get("resolver", self.resolvers)),
            timeout=(section.timeout if section else None)
            or aim.common.get("timeout")
            or self.config.timeout,
            timeouts=own.over(self.config.timeouts.over(Timeouts())),
            every=self.config.schedule.period(timing, when["every"]),
            local=depends_on_no_line(aim),
            private=aim.private if section is None or section.private is None else section.private,
            timing=timing,
        )

    def _join(
        self, service_id: str, feature: str, target: str, policy: Policy | None = None
    ) -> None:
        key = (service_id, feature)
        wanted = self.config.policies.get(service_id, {}).get(feature)
        chosen = Policy.parse(wanted) if wanted else policy or ANY
        known = self._features.get(key)
        if known is None:
            known = Feature(service=service_id, feature=feature, policy=chosen, targets=())
        members = tuple(dict.fromkeys((*known.targets, target)))
        self._features[key] = replace(known, targets=members)

    def _controls(self) -> tuple[ControlPlace, ...]:
        """Each URL once: a control that is given twice was configured, with all that it needs."""
        places = [section.place(self.base) for section in self.config.controls]
        for place in self.controls:
            if place.url in {other.url for other in places}:
                continue
            taken = place.id in {other.id for other in places}
            places.append(replace(place, id=f"{place.id}:{place.port}") if taken else place)
        return tuple(places)

    def _anchors(self) -> Iterable[Job]:
        anchors = self.config.anchors
        for kind, urls in ((INTERNATIONAL, anchors.international), (DOMESTIC, anchors.domestic)):
            for url in urls:
                web = url.partition("://")[0] in WEB
                options: Mapping[str, JSON] = (
                    {"expect": {"status": [200, 204]}, "transfer": 4096} if web else {}
                )
                yield self._anchor(parse_target(url, options), kind)
        for page in anchors.portal:
            expected: dict[str, JSON] = {"status": page.status, "body": page.body}
            # The word may stand in a portal's page too: no more is read than the whole right page.
            limit = 4096 if page.body is None else len(page.body.encode()) + len("\r\n")
            aim = parse_target(page.url, {"expect": expected, "transfer": limit})
            yield self._anchor(aim, PORTAL)

    def _wildcard(self) -> Job | None:
        if not self.config.anchors.international and not self.config.anchors.domestic:
            return None
        check = DnsCheck(host=RANDOM_NAME, port=DnsCheck.default_port or 0)
        url = f"dns://{RANDOM_NAME}"
        return self._anchor(Aim(check=check, url=url, host=RANDOM_NAME, common={}), WILDCARD)

    def _anchor(self, aim: Aim, kind: str) -> Job:
        target = Target(id=aim.url, service=ANCHORS, feature=kind, url=aim.url)
        job = self._job(aim, target, None)
        timeout = min(job.timeout, _ANCHOR_TIMEOUT)
        return replace(job, timeout=timeout, timeouts=_tighter(job.timeouts))

    def _paths(self, options: dict[str, JSON]) -> dict[str, JSON]:
        """Files are named from the configuration's own folder."""
        for key, value in options.items():
            if key.endswith("_file") and isinstance(value, str):
                options[key] = self._path(value)
        return options

    def _path(self, text: str | None) -> str | None:
        return str(self.base / text) if text else None


def _tighter(timeouts: Timeouts) -> Timeouts:
    limits = _ANCHOR_STEPS.model_dump(exclude_none=True)
    return replace(
        timeouts, **{name: min(getattr(timeouts, name), limit) for name, limit in limits.items()}
    )
