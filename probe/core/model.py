"""Facts (measurements) and conclusions (verdicts), as they are recorded.

Everything here is frozen: what happened does not change, and a new conclusion is a new record.
The field order is the order in the files. ``docs/data-format.md`` describes each field.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

SCHEMA: Final = 1
UNKNOWN_COUNTRY: Final = "ZZ"  # ISO 3166 reserves it for private use; OONI writes it too

Network = Literal["residential", "mobile", "datacenter", "leased_line"]
Role = Literal["target", "followup", "anchor"]
Covered = Literal["lookup", "handshake", "response", "transfer"]
Locus = Literal["network", "server", "vantage", "unknown"]
Outcome = Literal[
    "ok",
    "blocked",
    "degraded",
    "denied",
    "down",
    "unreachable",
    "inconclusive",
    "offline",
    "invalid",
]
VANTAGE: Final = "vantage"  # a measurement's origin when it was made here, not at a control
JSON = Any  # what json can hold; mypy has no finite type for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Vantage:
    """Where measurements are made. ``country`` is ISO 3166 alpha-2, ``asn`` without "AS"."""

    id: str
    country: str = UNKNOWN_COUNTRY
    asn: int | None = None
    network: Network | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is measured, as it is recorded: ``url`` carries no secret."""

    id: str
    service: str
    feature: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One network operation.

    ``transaction`` groups the steps of one resolver query or one address; ``t0`` and ``t`` are
    seconds since the measurement's ``started``; ``failure`` is a name of ``core.failure`` or null.
    """

    op: str
    transaction: int
    address: str | None = None
    t0: float
    t: float
    failure: str | None = None
    detail: dict[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """Which program wrote a measurement."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One check of one target in one trial: what happened, without any conclusion.

    ``cycle`` names the round of this target that the measurement belongs to. A follow-up names the
    trial that it belongs to, and in ``followup`` its kind (``judge.followups``). ``invalid`` holds
    our own error, if there was one: such a measurement says nothing about its target.
    """

    schema: int = SCHEMA
    id: str
    run: str
    cycle: str
    started: datetime
    vantage: Vantage
    target: Target
    check: str
    trial: int = 1
    origin: str = VANTAGE
    role: Role = "target"
    followup_of: str | None = None
    followup: str | None = None
    steps: tuple[Step, ...] = ()
    covered: Covered = "lookup"
    invalid: str | None = None
    software: Software


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the controls saw: the ids of their measurements and the outcome they amount to."""

    ids: tuple[str, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """How many independent trials failed in the same way, and how many an accusation needs."""

    failed: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """How many targets of a feature were ok, and how many were not."""

    ok: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one cycle of a target means, or (``target`` null) what a feature's targets mean.

    ``rules`` is the version of the rule table: under the same version the same measurements give
    the same verdict. ``evidence`` lists the measurements that it rests on.
    """

    id: str
    at: datetime
    cycle: str
    vantage: Vantage
    target: str | None
    service: str
    feature: str
    url: str | None
    outcome: Outcome
    mechanism: str | None
    locus: Locus | None
    rule: str
    rules: int
    covered: Covered
    control: Control
    evidence: tuple[str, ...]
    note: str | None = None
    trials: Trials | None = None
    policy: str | None = None
    members: Members | None = None
    partial: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to the probe itself; never a measurement."""

    at: datetime
    event: str
    vantage: str
    detail: dict[str, JSON] = field(default_factory=dict)
