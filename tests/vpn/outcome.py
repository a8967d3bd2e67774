"""What the rules make of what a real server left behind: three times the same, a vantage in order,
and no control unless one is given. ``Probe`` holds every measurement against them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from loopback import probing
from support.cases import control, evidence, trials
from support.records import resolve

from probe.core.model import Measurement, Step
from probe.judge.deciding import deciding
from probe.judge.evidence import keyless
from probe.judge.verdict import rule_for

PUBLIC = "9.9.9.9:443"  # in place of loopback, about which other rules hold


def outcome(check: str, steps: Sequence[Step], there: Sequence[Step] | None = None) -> str:
    """The outcome; ``there`` is what a control saw of it."""
    told = control(_elsewhere(there), check=check) if there is not None else {}
    case = evidence(trials(_elsewhere(steps), check=check), **told)
    once = rule_for(replace(case, trials=case.trials[:1]))
    assert once.outcome not in {"blocked", "degraded", "down", "denied"}  # once is noise
    return rule_for(case).outcome


def _elsewhere(steps: Sequence[Step]) -> list[Step]:
    moved = [replace(s, transaction=s.transaction + 1, address=PUBLIC) for s in steps]
    return [resolve(), *moved]


class Probe(probing.Probe):
    """Measures, and sees to it that nothing of it accuses anybody: there is no control."""

    async def __call__(self, *given: Any, **more: Any) -> Measurement:
        """As the usual one."""
        measurement = await super().__call__(*given, **more)
        decided = deciding(measurement)
        assert decided is not None
        due = "inconclusive" if keyless(decided.failed) else "unreachable"
        due = "ok" if decided.succeeded else due
        assert outcome(measurement.check, measurement.steps) == due
        return measurement
