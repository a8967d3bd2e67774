"""Traces for a person at a terminal of 80 columns: who answered at which distance, and how."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, TextIO

from probe.core.model import Measurement, Step
from probe.core.scrub import SCRUBBED
from probe.judge import followups
from probe.show.terminal import safe

_PACKETS: Final = {
    followups.TRACE_UDP: "by UDP",
    followups.TRACE_SYN: "by TCP SYN",
    followups.TRACE_HELLO: "by ClientHello",
}
_NOTHING: Final = "*"
_EXPIRED: Final = {None, "time_exceeded", "unknown"}  # what a packet draws that did not arrive
_LONGEST: Final = 78


def show_traces(measurements: Iterable[Measurement], out: TextIO) -> None:
    """Write each trace among these measurements; nothing if there is none."""
    for measurement in measurements:
        if measurement.followup in _PACKETS:
            packet = _PACKETS[measurement.followup]
            heading = f"trace {packet} to {safe(measurement.target.url.partition('://')[2])}"
            out.write(f"\n{heading[:_LONGEST]}\n")
            out.writelines(f"{line}\n" for line in _lines(measurement))


def _lines(measurement: Measurement) -> Iterator[str]:
    if measurement.invalid is not None:
        yield f"  our own error: {safe(measurement.invalid)}"[:_LONGEST]
        return
    failed = next((s for s in measurement.steps if s.op == "connect" and s.failure), None)
    silent: list[int] = []
    for step in _deciding(measurement.steps):
        ttl = step.detail["ttl"]
        if _silent(step):
            silent.append(ttl)
            continue
        yield from _unanswered(silent)
        silent.clear()
        yield _line(step)
        if step.failure or step.detail["answer"] or step.detail["icmp"] not in _EXPIRED:
            break
    yield from _unanswered(silent)
    if failed is not None:
        yield f"       no connection: {failed.failure}"


def _deciding(steps: Iterable[Step]) -> Iterator[Step]:
    """One step for each TTL, from the nearest: the last, since the first answer ended it."""
    hops = sorted((s for s in steps if s.op == "trace_hop"), key=lambda s: (s.detail["ttl"], s.t))
    for _, group in groupby(hops, key=lambda step: step.detail["ttl"]):
        *_, last = group
        yield last


def _silent(step: Step) -> bool:
    detail = step.detail
    return not (step.failure or detail["hop"] or detail["icmp"] or detail["answer"])


def _unanswered(ttls: list[int]) -> Iterator[str]:
    if ttls:
        span = f"{ttls[0]}-{ttls[-1]}" if len(ttls) > 1 else f"{ttls[0]}"
        yield f"{span:>5}  {_NOTHING}"


def _line(step: Step) -> str:
    detail = step.detail
    hop = "hidden" if detail["hop"] == SCRUBBED else str(detail["hop"] or _NOTHING)
    how = str(detail["answer"] or detail["icmp"] or step.failure)
    took = (step.t - step.t0) * 1000
    return f"{detail['ttl']:>5}  {safe(hop):<39}  {safe(how):<21.21} {took:>6.1f} ms"
