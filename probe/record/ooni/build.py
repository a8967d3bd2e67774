"""From what belongs together to the steps of one measurement."""

from collections.abc import Sequence

from probe.record.ooni.archival import Event, Handshake, Query, Request
from probe.record.ooni.names import failure_name, layer_of
from probe.record.ooni.places import Check
from probe.record.ooni.steps import Steps
from probe.record.ooni.units import Unit

# Below which a request can be made.
_UNDER: dict[str, set[str]] = {"http": {"connect"}, "https": {"connect", "tls_handshake"}}


def build(steps: Steps, units: Sequence[Unit], check: Check) -> None:
    """Append the steps of one target's units. ValueError for an entry that cannot be."""
    host = units[0].host
    for unit in units:
        for query in unit.queries:
            steps.resolve(query)
        for lane in unit.lanes if check != "dns" else ():
            transaction = steps.connect(lane.connect)
            if not lane.connect.status.success or check == "tcp":
                continue
            if lane.handshake and check in {"tls", "https"}:
                steps.handshake(transaction, lane.handshake, host)
            if lane.request and check in _UNDER:
                steps.exchange(transaction, lane.request)
    for unit in units:
        if unit.request and check in _UNDER:
            _place(steps, unit.request, check, host)


def _place(steps: Steps, request: Request, check: Check, host: str) -> None:
    """Find the connection that an exchange was made on, or what made it impossible.

    A failed request repeats the failure of the operation below it; only one that nothing below
    explains is a failure of the exchange.
    """
    whole = steps.first_whole(_UNDER[check])
    failure = failure_name(request.failure, steps.scrubber)
    op = layer_of(failure) if failure else None
    if failure is None or (op is None and whole):
        steps.exchange(whole or steps.transaction(), request)
    elif failure in steps.failures:
        return
    elif op == "resolve":
        steps.resolve(
            Query(hostname=host, query_type="ANY", failure=failure, t=request.t, t0=request.t0)
        )
    elif op == "tls_handshake" and check == "https":
        handshake = Handshake(failure=failure, t=request.t, t0=request.t0)
        steps.handshake(steps.transaction(), handshake, host)
    elif op == "connect":
        event = Event(t=request.t, t0=request.t0)
        steps.add("connect", steps.transaction(), event, failure=failure)
    else:
        steps.exchange(steps.transaction(), request)
