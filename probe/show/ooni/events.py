"""Network events as far as our steps tell them (ooni/spec df-008), in the order of their times."""

from collections.abc import Iterable, Iterator

from probe.core.model import JSON, Step
from probe.show.ooni.layers import base


def network_events(steps: Iterable[Step]) -> list[dict[str, JSON]]:
    """Connections, handshakes, and how many bytes of a body had come by when.

    Single reads and writes are not known: our clock is read around operations, not system calls.
    """
    return sorted((event for step in steps for event in _events(step)), key=_time)


def _time(event: dict[str, JSON]) -> float:
    return float(event["t"])


def _events(step: Step) -> Iterator[dict[str, JSON]]:
    if step.op == "connect":
        yield _event(step, "connect", step.t0, step.t, step.failure)
    elif step.op == "tls_handshake":
        yield _event(step, "tls_handshake_start", step.t0, step.t0, None)
        yield _event(step, "tls_handshake_done", step.t, step.t, step.failure)
    elif step.op == "http_request":
        yield _event(step, "http_transaction_start", step.t0, step.t0, None)
    elif step.op == "transfer":
        for time, count in step.detail.get("progress") or ():
            event = _event(step, "bytes_received_cumulative", time, time, None)
            yield {**event, "num_bytes": count}
        yield _event(step, "http_transaction_done", step.t, step.t, step.failure)


def _event(step: Step, operation: str, t0: float, t: float, failure: str | None) -> dict[str, JSON]:
    return {
        **base(step),
        "operation": operation,
        "address": step.address or "",
        "proto": "tcp",
        "failure": failure,
        "t0": t0,
        "t": t,
    }
