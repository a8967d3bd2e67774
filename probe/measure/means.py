"""What a cycle has at hand besides the target: health, controls, follow-ups and their bounds."""

from collections.abc import Callable
from dataclasses import dataclass, field

from probe.core.address import parse_endpoint
from probe.core.model import Measurement, Verdict
from probe.judge.evidence import tried_in
from probe.judge.knowledge import EMPTY, Knowledge
from probe.judge.vantage import VantageState
from probe.measure.controls import Controls
from probe.measure.followups import Followups
from probe.measure.health import WINDOW, Health
from probe.measure.measure import Instruments
from probe.measure.places import Places
from probe.measure.quarantine import Quarantine
from probe.plan.jobs import Job, Plan
from probe.plan.knowledge import shipped_knowledge


@dataclass(frozen=True, slots=True)
class Recorders:
    """Where facts and conclusions go as soon as they are there.

    ``anomaly`` and ``anchors`` hear what must be known after a restart too: what was cut off, and
    each whole round of anchors.
    """

    measurement: Callable[[Measurement], None]
    verdict: Callable[[Verdict], None]
    anomaly: Callable[[Measurement], None] = lambda _: None
    anchors: Callable[[tuple[Measurement, ...]], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """How an anomaly is confirmed before it accuses anybody.

    ``needed`` trials must fail alike, ``needed_silent`` where they failed by silence, which loss
    looks like too. ``at_once``: the repeats follow at once, as in a one-off check; else each is a
    cycle of its own, after the quarantine. ``within`` bounds a one-off cycle, in seconds, and on a
    schedule what follows its first trial.
    """

    needed: int = 3
    needed_silent: int = 3
    at_once: bool = False
    within: float = 55.0


@dataclass(slots=True, kw_only=True)
class Means:
    """Shared by all targets of a run.

    ``earlier`` holds each target's failed trials that wait to be confirmed, ``accused`` those whose
    last verdict accused somebody. ``controlled`` says whether there is any control; ``followups``
    None leaves them out.
    """

    instruments: Instruments
    health: Health
    record: Recorders
    controls: Controls
    quarantine: Quarantine
    followups: Followups | None = None
    knowledge: Knowledge = EMPTY
    controlled: bool = False
    confirmation: Confirmation = field(default_factory=Confirmation)
    earlier: dict[str, tuple[Measurement, ...]] = field(default_factory=dict)
    accused: set[str] = field(default_factory=set)

    def quarantined(self, job: Job) -> bool:
        """Whether an address that failed in the target's last cycle may still be blocked by what
        was sent then: measuring it now would be no independent trial."""
        trials = self.earlier.get(job.target.id, ())
        addresses = tried_in(trials[-1]) if trials else ()
        return any(self.quarantine.remaining(parse_endpoint(a)) > 0 for a in addresses)


def means_for(
    plan: Plan,
    instruments: Instruments,
    record: Recorders,
    *,
    at_once: bool,
    quick: bool = False,
    health_changed: Callable[[VantageState], None] = lambda _: None,
    window: float = WINDOW,
) -> Means:
    """Everything that the plan asks for; nothing is sent yet.

    In a one-off check (``at_once``) a failure and its repeat suffice, three for silence; on a
    schedule it takes as many cycles as the plan says. ``quick`` leaves out follow-ups.
    """
    quarantine = Quarantine(instruments.clock.monotonic, plan.quarantine, record.anomaly)
    controls = Controls(plan.controls, instruments, record.measurement)
    confirmation = Confirmation(needed=plan.trials, needed_silent=plan.trials)
    if at_once:
        confirmation = Confirmation(needed=2, needed_silent=3, at_once=True)
    return Means(
        instruments=instruments,
        health=Health(
            plan.anchors,
            instruments,
            record.measurement,
            health_changed,
            window,
            wildcard=plan.wildcard,
            told=record.anchors,
        ),
        record=record,
        controls=controls,
        quarantine=quarantine,
        followups=Followups(
            instruments,
            Places(controls.session, quarantine),
            quarantine,
            record.measurement,
            plan.neutral_name,
        )
        if plan.followups and not quick
        else None,
        knowledge=shipped_knowledge(),
        controlled=bool(plan.controls),
        confirmation=confirmation,
    )
