"""What a verdict rests on, sorted by what it is, and the first questions that rules ask of it.

Everything here stands in stored measurements: under the same rules the same verdict comes of it.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, Self
from urllib.parse import urlsplit

from probe.core import failure
from probe.core.address import is_ip, is_local
from probe.core.model import VANTAGE, Measurement, Step
from probe.judge.deciding import HANDSHAKES, LOOKUPS, Deciding, deciding, lookups
from probe.judge.knowledge import EMPTY, Knowledge, bogon
from probe.judge.mechanism import neutral
from probe.judge.vantage import VantageState, vantage_state

_UNANSWERED: Final = {failure.TIMEOUT, failure.EOF, failure.RESET}
TRIALS: Final = 3  # independent trials that an accusation needs, unless the plan says otherwise


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One cycle of one target.

    ``trials`` are oldest first; those of earlier cycles may stand before this one's. ``anchors``
    may hold several rounds: one from before the failure, one from after it. ``controls`` are what
    the controls measured of this target, ``control_anchors`` their own health. ``neighbours`` are
    failures of other targets at the same address and port. ``bodies`` holds kept page texts by
    their SHA-256; ``needed`` is how many trials must fail alike before anybody is accused.
    """

    trials: tuple[Measurement, ...]
    anchors: tuple[Measurement, ...] = ()
    controls: tuple[Measurement, ...] = ()
    control_anchors: tuple[Measurement, ...] = ()
    followups: tuple[Measurement, ...] = ()
    neighbours: tuple[Measurement, ...] = ()
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    knowledge: Knowledge = EMPTY
    needed: int = TRIALS

    @classmethod
    def of(
        cls,
        measurements: Iterable[Measurement],
        *,
        target: str,
        bodies: Mapping[str, bytes] | None = None,
        knowledge: Knowledge = EMPTY,
        needed: int = TRIALS,
    ) -> Self:
        """Sort the measurements that a verdict on this target names."""
        sorted_: dict[str, list[Measurement]] = {}
        for measurement in sorted(measurements, key=lambda m: (m.started, m.trial, m.id)):
            sorted_.setdefault(_part(measurement, target), []).append(measurement)
        parts = {name: tuple(found) for name, found in sorted_.items()}
        return cls(
            **{"trials": (), **parts}, bodies=bodies or {}, knowledge=knowledge, needed=needed
        )

    @cached_property
    def trial(self) -> Measurement:
        """The trial that decides: of the last cycle the first that succeeded, else the last."""
        for trial in self.trials:
            decided = deciding(trial)
            current = trial.cycle == self.trials[-1].cycle
            if current and trial.invalid is None and decided and decided.succeeded:
                return trial
        return self.trials[-1]

    @cached_property
    def decided(self) -> Deciding | None:
        """The deciding transaction of that trial."""
        return deciding(self.trial)

    @property
    def succeeded(self) -> bool:
        """Whether the check did what it is for."""
        return self.decided is not None and self.decided.succeeded

    @property
    def failed(self) -> Step | None:
        """The step that failed, if one did."""
        return self.decided.failed if self.decided else None

    @property
    def failure(self) -> str | None:
        """The name of what failed, if something did."""
        return self.failed.failure if self.failed else None

    @property
    def errno(self) -> str | None:
        """The kernel's own name of the error, where the failed step tells it."""
        return self.failed.detail.get("errno") if self.failed else None

    @cached_property
    def neutral(self) -> str | None:
        """Where it failed, in words that accuse nobody."""
        return neutral(self.decided) if self.decided else None

    @cached_property
    def alike(self) -> int:
        """How many trials up to the deciding one failed at the same place, one after another."""
        count = 0
        for trial in reversed(self.trials):
            decided = deciding(trial)
            if decided is None or decided.failed is None or neutral(decided) != self.neutral:
                break
            count += 1
        return count

    @property
    def confirmed(self) -> bool:
        """Whether enough trials failed alike; what is no failure is confirmed by being repeated."""
        if self.failed is None:
            return sum(t.cycle == self.trial.cycle for t in self.trials) >= min(2, self.needed)
        return self.alike >= self.needed

    @cached_property
    def vantage(self) -> VantageState:
        """The state of the vantage's network around these trials."""
        return vantage_state(self.anchors)

    @property
    def host(self) -> str:
        """The name or address that the target was configured with."""
        return urlsplit(self.trial.target.url).hostname or ""

    @property
    def local(self) -> bool:
        """Whether the target, as it was configured, is in the vantage's own network.

        Then its failures do not depend on the vantage's line, and the anchors say nothing.
        """
        if self.trial.check == "dns":
            return False
        if is_local(self.host):
            return True
        pinned = lookups(self.trial) is None
        hosts = [ip_of(step.address) for step in self.trial.steps if step.address]
        return pinned and bool(hosts) and all(is_local(host) for host in hosts)

    @property
    def only_ipv6(self) -> bool:
        """Whether every address that was tried is an IPv6 one."""
        return bool(self.tried) and all(":" in ip_of(address) for address in self.tried)

    @cached_property
    def tried(self) -> tuple[str, ...]:
        """The target's endpoints that were dialled in the deciding trial."""
        if self.decided is None or self.decided.lookup:
            return ()
        return tried_in(self.trial)

    @property
    def unproven(self) -> bool:
        """Whether anyone on the path could have given the answer as well: no name was proven, and
        no answer was made with the target's own key."""
        steps = self.decided.steps if self.decided else ()
        if any(step.detail.get("authenticated") for step in steps):
            return False
        handshakes = [step for step in steps if step.op in HANDSHAKES]
        return not handshakes or any(not s.detail.get("verify", True) for s in handshakes)

    @property
    def at_forged(self) -> bool:
        """Whether a success was had only at an address that cannot serve this public name."""
        if self.decided is None or self.decided.lookup or is_ip(self.host) or self.local:
            return False
        address = self.decided.steps[-1].address
        return bool(address) and lookups(self.trial) is not None and self.odd(ip_of(address))

    def odd(self, ip: str) -> bool:
        """Whether no honest answer for a public name holds this address."""
        return bogon(ip) or self.knowledge.forged(ip, self.trial.vantage.country) is not None


def _part(measurement: Measurement, target: str) -> str:
    if measurement.role == "anchor":
        return "anchors" if measurement.origin == VANTAGE else "control_anchors"
    if measurement.origin != VANTAGE:
        return "controls"
    if measurement.role == "followup":
        return "followups"
    return "trials" if measurement.target.id == target else "neighbours"


def tried_in(measurement: Measurement) -> tuple[str, ...]:
    """The target's endpoints that a measurement sent to, resolvers' own not counted."""
    return tuple(dict.fromkeys(step.address or "" for step in dialled(measurement)))


def dialled(measurement: Measurement) -> Iterator[Step]:
    """The steps that say where the target was sent to: its connections, and every exchange of a
    transaction that has none, because it went over UDP."""
    over_tcp = {step.transaction for step in measurement.steps if step.op == "connect"}
    for step in measurement.steps:
        first = step.op == "connect" or step.transaction not in over_tcp
        if step.address and first and is_targets(step):
            yield step


def is_targets(step: Step) -> bool:
    """Whether a step was an exchange with the target, not with a resolver."""
    return step.op not in LOOKUPS and not step.detail.get("resolver")


@lru_cache(maxsize=4096)  # of the same few, for nearly every rule
def ip_of(address: str | None) -> str:
    """The address without its port, in one spelling."""
    host = (address or "").rpartition(":")[0].strip("[]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def keyless(step: Step | None) -> bool:
    """Whether a step failed as a healthy server makes it fail that was asked without its key: it
    stays silent, or closes (OpenVPN over TCP closes)."""
    return step is not None and bool(step.detail.get("keyed")) and step.failure in _UNANSWERED
