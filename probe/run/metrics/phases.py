"""How long the stages of a measurement took, by the names that Prometheus' exporters use."""

from dataclasses import dataclass, field

from probe.core.model import Measurement, Step
from probe.judge.deciding import Deciding, deciding, lookups

# The exporters' words for the stages of a request, and the operation that is each of ours.
_HTTP = {
    "connect": "connect",
    "tls": "tls_handshake",
    "processing": "http_response",
    "transfer": "transfer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Seconds; None where a stage was not reached. ``http`` by stage, for checks of the web."""

    duration: float
    lookup: float | None = None
    connect: float | None = None
    handshake: float | None = None
    http: dict[str, float] = field(default_factory=dict)
    status: int | None = None


def phases(measurement: Measurement) -> Phases:
    """The stages of the transaction that decides what is said of the measurement."""
    decided = deciding(measurement)
    steps = decided.steps if decided else ()
    asked = decided if measurement.check == "dns" else lookups(measurement)
    lookup = _lookup(asked)
    web = measurement.check in {"http", "https"}
    http = {name: took for name, op in _HTTP.items() if (took := _took(steps, op)) is not None}
    if lookup is not None:
        http["resolve"] = lookup
    return Phases(
        duration=max((step.t for step in measurement.steps), default=0.0),
        lookup=lookup,
        connect=_took(steps, "connect"),
        handshake=_took(steps, "tls_handshake"),
        http=http if web else {},
        status=_status(steps) if web else None,
    )


def _took(steps: tuple[Step, ...], op: str) -> float | None:
    """Only what went well: how long a failure took is its deadline."""
    found = next((step for step in steps if step.op == op and step.failure is None), None)
    return None if found is None else round(max(found.t - found.t0, 0.0), 6)


def _lookup(asked: Deciding | None) -> float | None:
    if asked is None:
        return None
    answered = next((step for step in reversed(asked.steps) if step.op == "resolve"), None)
    if answered is None or answered.failure is not None:
        return None
    return round(max(answered.t - asked.steps[0].t0, 0.0), 6)


def _status(steps: tuple[Step, ...]) -> int | None:
    told = [step.detail.get("status") for step in steps if step.op == "http_response"]
    return told[-1] if told and isinstance(told[-1], int) else None
