"""Remembers the newest of everything that happens, for whoever asks how the probe is."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from probe.core.failure import UNKNOWN
from probe.core.model import VANTAGE, Event, Measurement, Verdict
from probe.judge.deciding import deciding
from probe.judge.vantage import VantageState
from probe.net.clocks import Clock
from probe.plan.jobs import Plan
from probe.run.metrics.phases import Phases, phases
from probe.run.names import Names

# Upper bounds in seconds: a cycle that is a second late is news, one that is a minute late is bad.
LAGS: Final = (0.01, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)
MOST_FAILURES: Final = 64  # names for one target; checks that were installed may bring their own
OTHER: Final = UNKNOWN.rstrip(": ")
_NAME: Final = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(slots=True)
class Newest:
    """What is newest of one target or feature, and what was counted since the start.

    Instants in seconds since 1970, ``lag`` in seconds.
    """

    verdict: Verdict | None = None
    phases: Phases | None = None
    success: float | None = None
    ended: float | None = None
    lag: float | None = None
    missed: int = 0
    skipped: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


class Seen:
    """A watcher. Only what the plan names is kept by name, so it never grows.

    ``lags`` counts cycles by the first of LAGS that their lag does not exceed (the last: none);
    ``last_end`` is when the newest cycle was over, on the clock that is never set.
    """

    def __init__(self, plan: Plan, clock: Clock) -> None:
        """Nothing has been measured yet."""
        self._clock = clock
        self.targets: dict[str, Newest] = {}
        self.features: dict[tuple[str, str], Newest] = {}
        self.waiting: Counter[str] = Counter()
        self.under_way: Counter[str] = Counter()
        self.lags = [0] * (len(LAGS) + 1)
        self.lag_sum = 0.0
        self.measurements: Counter[tuple[str, str]] = Counter()
        self.events: Counter[str] = Counter()
        self.state = VantageState.UNTESTED
        self.began = clock.monotonic()
        self.last_end: float | None = None
        self.planned(plan)

    def planned(self, plan: Plan) -> None:
        """Forget the targets and features that are no longer measured."""
        self.plan = plan
        self.names = Names(plan)
        self.targets = {name: self.targets.get(name) or Newest() for name in self.names.targets}
        self.features = {key: self.features.get(key) or Newest() for key in self.names.features}

    def due(self, target: str) -> None:
        """A cycle waits for its turn."""
        self.waiting[target] += 1

    def started(self, target: str, lag: float) -> None:
        """A cycle begins."""
        _less(self.waiting, target)
        self.under_way[target] += 1
        self.lags[next((n for n, most in enumerate(LAGS) if lag <= most), len(LAGS))] += 1
        self.lag_sum += max(lag, 0.0)
        if target in self.targets:
            self.targets[target].lag = lag

    def ended(self, target: str) -> None:
        """Count out a cycle that is over, or has never begun."""
        _less(self.under_way if target in self.under_way else self.waiting, target)
        self.last_end = self._clock.monotonic()
        if target in self.targets:
            self.targets[target].ended = self._clock.now().timestamp()

    def measurement(self, measurement: Measurement) -> None:
        """Count it; of a target's own trials, remember how long they took and what failed."""
        ours = measurement.origin == VANTAGE
        self.measurements[measurement.role, VANTAGE if ours else "control"] += 1
        newest = self.targets.get(measurement.target.id)
        if newest is None or not ours or measurement.role != "target":
            return
        if measurement.invalid is None:
            newest.phases = phases(measurement)
            decided = deciding(measurement)
            if decided and decided.failed and decided.failed.failure:
                name = _named(decided.failed.failure)
                known = name in newest.failures or len(newest.failures) < MOST_FAILURES
                newest.failures[name if known else OTHER] += 1

    def verdict(self, verdict: Verdict) -> None:
        """Remember it in place of the one before."""
        if verdict.target is None:
            newest = self.features.get((verdict.service, verdict.feature))
        else:
            newest = self.targets.get(verdict.target)
        if newest is None:
            return
        newest.verdict = verdict
        newest.verdicts[verdict.outcome] += 1
        if verdict.outcome == "ok":
            newest.success = verdict.at.timestamp()

    def event(self, event: Event) -> None:
        """Count it, and know the state of the vantage."""
        self.events[event.event] += 1
        if event.event == "health":
            self.state = VantageState(event.detail["state"])
        newest = self.targets.get(str(event.detail.get("target")))
        if newest and event.event == "missed":
            newest.missed += int(event.detail.get("slots", 1))
        elif newest and event.event == "skipped":
            newest.skipped += 1


def _less(counter: Counter[str], key: str) -> None:
    """One less, and no entry where none is left: targets come and go by reloads."""
    if counter[key] > 1:
        counter[key] -= 1
    else:
        del counter[key]


def _named(failure: str) -> str:
    """A failure's name alone: behind ``unknown_failure`` stands what a server may have said."""
    return failure if _NAME.fullmatch(failure) else OTHER
