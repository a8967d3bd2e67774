"""Freezing and throttling: transfers from the target beside others on the same line.

One slow transfer says nothing: lines are slow, and servers are. So transfers are interleaved,
target and decoy in turns, and only a tenfold difference in three pairs counts (OONI dd-007).
"""

from typing import Final

from probe.core import failure
from probe.core.model import Measurement, Step
from probe.judge import followups
from probe.judge.controls import all_ok, valid
from probe.judge.decoy import of_kind
from probe.judge.evidence import Evidence

RATIO: Final = 10.0
PAIRS: Final = 3
ENOUGH: Final = 16 * 1024  # bytes; less than that is over too soon to have a rate
SLOW: Final = 50_000.0  # bytes per second: well above the 16 to 150 kbit/s of known throttling
STALL: Final = 0.4  # of a transfer's time without a byte at its end: that one froze


def transfer_of(measurement: Measurement) -> Step | None:
    """The step that read the body: of several addresses the one that brought most."""
    found = [s for s in measurement.steps if s.op == "transfer" and not s.detail.get("resolver")]
    return max(found, key=lambda s: s.detail.get("bytes", 0), default=None)


def rate(measurement: Measurement) -> float | None:
    """Bytes per second of a transfer that was long enough, or that took long without being so.

    None where there was none. The time counts from the request: a body that comes at once with
    its headers has no time of its own.
    """
    step = transfer_of(measurement)
    if step is None:
        return None
    begins = [
        s.t0
        for s in measurement.steps
        if s.op == "http_response" and s.transaction == step.transaction and s.t <= step.t0 + 1e-3
    ]
    seconds = max(step.t - (begins[-1] if begins else step.t0), 1e-3)
    done = float(step.detail.get("bytes", 0))
    if done < ENOUGH and step.failure is None:
        return None
    return done / seconds


def frozen(measurement: Measurement) -> bool:
    """Whether a transfer began, and then stood still until the deadline."""
    step = transfer_of(measurement)
    if step is None or step.failure not in {failure.TIMEOUT, failure.KERNEL_TIMEOUT}:
        return False
    last = step.detail.get("last_byte")
    return last is not None and step.t - last >= STALL * (step.t - step.t0)


def slow(measurement: Measurement) -> bool:
    """Whether a transfer was slow enough to look for the reason."""
    speed = rate(measurement)
    return speed is not None and speed < SLOW


def frozen_here(evidence: Evidence) -> bool:
    """Whether every transfer from the target froze here, and went further at a control."""
    if not evidence.trials or not frozen(evidence.trial):
        return False
    reached = transfer_of(evidence.trial)
    done = reached.detail.get("bytes", 0) if reached else 0
    further = [
        step
        for step in (transfer_of(control.measurement) for control in valid(evidence))
        if step is not None and step.failure is None and step.detail.get("bytes", 0) > done
    ]
    froze = [frozen(m) for m in of_kind(evidence, followups.TRANSFER_FROM_TARGET)]
    return bool(further) and all(froze)


def throttled_here(evidence: Evidence) -> bool:
    """Whether the target was ten times slower than the decoy in three pairs, and than a control.

    What began well and then stood still is slow as well, and something else.
    """
    if frozen_here(evidence):
        return False
    here = rate(evidence.trial)
    there = [rate(control.measurement) for control in valid(evidence)]
    faster = [speed for speed in there if speed is not None]
    if here is None or not faster or not all(speed >= RATIO * here for speed in faster):
        return False
    return _slower(evidence, followups.TRANSFER_FROM_TARGET)


def throttled_by_name(evidence: Evidence) -> bool:
    """Whether the decoy itself was ten times slower under the target's name in three pairs, while
    every control is fine."""
    return all_ok(evidence) and _slower(evidence, followups.TRANSFER_NAME)


def _slower(evidence: Evidence, kind: str) -> bool:
    quick = {m.trial: rate(m) for m in of_kind(evidence, followups.TRANSFER_NEUTRAL)}
    slow_ones = {m.trial: rate(m) for m in of_kind(evidence, kind)}
    compared = [
        (speed, slow_ones[trial])
        for trial, speed in quick.items()
        if speed is not None and slow_ones.get(trial) is not None
    ]
    return len(compared) >= PAIRS and all(
        fast >= RATIO * (dragged or 0.0) for fast, dragged in compared
    )
