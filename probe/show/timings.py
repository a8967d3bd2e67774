"""How long the stages of a measurement took, in milliseconds."""

from dataclasses import dataclass

from probe.core.model import Measurement, Step
from probe.judge.deciding import Deciding, deciding, lookups


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds; None where a stage was not reached.

    ``dns`` runs from the start of the lookup to its answer (the handshakes of DoT or DoH too),
    ``first_byte`` from the end of the request to the first byte of the response, ``total`` from
    the start of the measurement to the end of the deciding transaction. Where a redirect was
    followed, ``connect`` and ``tls`` are the target's own, ``first_byte`` is the last hop's.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None
    total: float | None


def timings(measurement: Measurement) -> Timings:
    """The stages' durations."""
    decided = deciding(measurement)
    return timings_of(decided, lookup_of(measurement, decided))


def lookup_of(measurement: Measurement, decided: Deciding | None) -> Deciding | None:
    """The lookup that counts: for the dns check the deciding transaction itself."""
    return decided if decided and measurement.check == "dns" else lookups(measurement)


def timings_of(decided: Deciding | None, lookup: Deciding | None) -> Timings:
    """The same for transactions that are known already."""
    steps = decided.steps if decided else ()
    return Timings(
        dns=_lookup(lookup),
        connect=_duration(first(steps, "connect")),
        tls=_duration(first(steps, "tls_handshake")),
        first_byte=_first_byte(last_hop(steps)),
        total=steps[-1].t * 1000 if steps else None,
    )


def first(steps: tuple[Step, ...], op: str) -> Step | None:
    """The first step of this operation."""
    return next((step for step in steps if step.op == op), None)


def last_hop(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps from the last HTTP request on: where a redirect was followed, the last hop's."""
    for place in range(len(steps) - 1, -1, -1):
        if steps[place].op == "http_request":
            return steps[place:]
    return ()


def number(step: Step | None, key: str) -> int | float | None:
    """A number from a step's detail; a file may hold anything there."""
    value = step.detail.get(key) if step else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _duration(step: Step | None) -> float | None:
    return None if step is None else (step.t - step.t0) * 1000


def _lookup(lookup: Deciding | None) -> float | None:
    if lookup is None:
        return None
    answered = next((step for step in reversed(lookup.steps) if step.op == "resolve"), None)
    return None if answered is None else (answered.t - lookup.steps[0].t0) * 1000


def _first_byte(hop: tuple[Step, ...]) -> float | None:
    at = number(first(hop, "http_response"), "first_byte")
    return None if at is None else (at - hop[0].t) * 1000
