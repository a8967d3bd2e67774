"""How long the stages of a measurement took, from its deciding transaction, in milliseconds."""

from dataclasses import dataclass

from probe.core.model import Measurement, Step
from probe.judge.deciding import Deciding, deciding, lookups


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds; None where a stage was not reached.

    ``dns`` runs from the start of the lookup to its answer, ``first_byte`` from the end of the
    request to the first byte of the response, ``total`` from the start of the measurement to the
    end of the deciding transaction. Where a redirect was followed, ``connect`` and ``tls`` are the
    target's own, ``first_byte`` is the last hop's.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None
    total: float | None


def timings(measurement: Measurement) -> Timings:
    """The stages' durations."""
    decided = deciding(measurement)
    lookup = decided if decided and measurement.check == "dns" else lookups(measurement)
    steps = decided.steps if decided else ()
    return Timings(
        dns=_lookup(lookup),
        connect=_duration(first(steps, "connect")),
        tls=_duration(first(steps, "tls_handshake")),
        first_byte=_first_byte(steps),
        total=steps[-1].t * 1000 if steps else None,
    )


def first(steps: tuple[Step, ...], op: str) -> Step | None:
    """The first step of this operation."""
    return next((step for step in steps if step.op == op), None)


def last(steps: tuple[Step, ...], op: str) -> Step | None:
    """The last step of this operation."""
    return next((step for step in reversed(steps) if step.op == op), None)


def _duration(step: Step | None) -> float | None:
    return None if step is None else (step.t - step.t0) * 1000


def _lookup(lookup: Deciding | None) -> float | None:
    if lookup is None:
        return None
    answer = last(lookup.steps, "resolve") or lookup.steps[-1]
    return (answer.t - lookup.steps[0].t0) * 1000


def _first_byte(steps: tuple[Step, ...]) -> float | None:
    request, response = last(steps, "http_request"), last(steps, "http_response")
    if request is None or response is None or response.t0 < request.t0:
        return None
    at = response.detail.get("first_byte")
    return None if not isinstance(at, int | float) else (at - request.t) * 1000
