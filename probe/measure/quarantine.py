"""Addresses at which something was cut off: blocking may stay there for minutes, for every name.

Residual blocking sits on (client, address, port) for 60 to 420 s after its trigger, whatever is
sent then (Bock et al. 2021; TSPU 420 s). Packets sent meanwhile say nothing about their own name.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from probe.core import failure
from probe.core.address import Endpoint, parse_endpoint
from probe.core.model import Measurement, Step
from probe.judge.evidence import is_targets

SECONDS: Final = 420.0
_CUT: Final = {
    failure.RESET,
    failure.EOF,
    failure.TIMEOUT,
    failure.KERNEL_TIMEOUT,
    failure.INTERRUPTED,  # who knows what would have come
}
_KEPT: Final = 4096  # places, and anomalies at each of them, that are remembered
_EACH: Final = 32


class Quarantine:
    """Which (address, port) pairs must rest, and what was cut off there lately."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        seconds: float = SECONDS,
        told: Callable[[Measurement], None] = lambda _: None,
    ) -> None:
        """Nothing is in quarantine yet; ``seconds`` is how long a place rests.

        ``told`` hears of every anomaly, for who remembers them over a restart.
        """
        self._told = told
        self._monotonic = monotonic
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self._anomalies: dict[str, list[Measurement]] = {}

    def anomaly(self, measurement: Measurement) -> None:
        """Let every place rest at which this measurement was cut off."""
        if _cut(measurement):
            self.restore(measurement, 0.0)
            self._told(measurement)

    def restore(self, measurement: Measurement, ago: float) -> None:
        """The same for one that was cut off ``ago`` seconds before now."""
        for step in _cut(measurement):
            address = step.address or ""
            self._until.pop(address, None)
            self._until[address] = self._monotonic() + self._seconds - ago
            self._anomalies.setdefault(address, []).append(measurement)
            del self._anomalies[address][:-_EACH]
        while len(self._until) > _KEPT:
            oldest = next(iter(self._until))
            del self._until[oldest]
            self._anomalies.pop(oldest, None)

    def remaining(self, endpoint: Endpoint) -> float:
        """Seconds until something sent there speaks for itself again; 0 if it does now."""
        return max(0.0, self._until.get(str(endpoint), 0.0) - self._monotonic())

    def neighbours(self, measurement: Measurement) -> tuple[Measurement, ...]:
        """Failures of other features' targets at a place where this one failed too, that may be
        its cause: they had sent a name there before this one's failure ended, at most a quarantine
        earlier. Which of two that overlap was the trigger cannot be told, so each has the other."""
        found: dict[str, Measurement] = {}
        for step in _cut(measurement):
            ended = _moment(measurement, step.t)
            for other in self._anomalies.get(step.address or "", ()):
                if _group(other) == _group(measurement):
                    continue
                triggers = [s for s in _cut(other) if s.address == step.address]
                if any(
                    s.op != "connect"
                    and _moment(other, s.t0) <= ended
                    and ended - _moment(other, s.t) <= timedelta(seconds=self._seconds)
                    for s in triggers
                ):
                    found[other.id] = other
        return tuple(found.values())


def _group(measurement: Measurement) -> tuple[str, str]:
    return measurement.target.service, measurement.target.feature


def _cut(measurement: Measurement) -> list[Step]:
    return [
        step
        for step in measurement.steps
        if step.address and step.failure in _CUT and is_targets(step) and _is_endpoint(step.address)
    ]


def _is_endpoint(text: str) -> bool:
    try:
        parse_endpoint(text)
    except ValueError:
        return False
    return True


def _moment(measurement: Measurement, seconds: float) -> datetime:
    return measurement.started + timedelta(seconds=seconds)
