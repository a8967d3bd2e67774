"""Traces of the ways to targets that failed, in a one-off check that asks for them.

They are follow-ups that come after the verdicts and decide nothing. ClientHellos go last of all:
where they were reset, the place may stay blocked for minutes for whatever is sent there.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from probe.checks import WITH_SERVER_NAME
from probe.checks.trace import BUDGET, Packet, TraceCheck
from probe.core.address import Endpoint, is_ip, parse_endpoint
from probe.core.model import Measurement, Outcome
from probe.judge import followups
from probe.judge.deciding import deciding
from probe.judge.evidence import tried_in
from probe.measure.experiments import server_name
from probe.measure.measure import Instruments, measure
from probe.measure.once import Round
from probe.net import Tracer, TracingUnavailableError
from probe.plan.jobs import Job, Plan
from probe.plan.preview import Planned

MOST: Final = 4  # targets that are traced
# Not what is in order, what the server itself refuses, or what says nothing about the way there.
_TRACED: Final[set[Outcome]] = {"blocked", "degraded", "down", "unreachable", "inconclusive"}
_KINDS: Final[dict[Packet, str]] = {
    "udp": followups.TRACE_UDP,
    "syn": followups.TRACE_SYN,
    "hello": followups.TRACE_HELLO,
}
_NO_ALPN_OPTION: Final = ("http/1.1",)  # what the others offer: they speak nothing else


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a target failed. ``name`` is the server name that was sent there, if one was."""

    job: Job
    trial: Measurement
    place: Endpoint
    name: str | None


async def trace_failures(
    plan: Plan,
    result: Round,
    tracer: Tracer,
    instruments: Instruments,
    record: Callable[[Measurement], None],
    *,
    hello: bool = False,
) -> tuple[str, ...]:
    """Trace to where targets failed, by UDP and by SYN, with ``hello`` also by ClientHello.

    At most ``MOST`` places, each once. ``record`` gets each measurement as soon as it is there.
    Gives back notes on what was not traced; none of them is an error.
    """
    ways: dict[Endpoint, _Way] = {}
    notes: list[str] = []
    for way in _failed(plan, result):
        try:
            tracer.require(way.place.ip)
        except TracingUnavailableError as exc:
            notes.append(f"no trace: {exc}")
        else:
            ways.setdefault(way.place, way)
    if len(ways) > MOST:
        notes.append(f"traced to {MOST} of the {len(ways)} addresses that failed")
    traced = list(ways.values())[:MOST]

    async def route(way: _Way) -> None:
        # One after the other: routers answer only so many packets in a second.
        await _trace(way, "udp", tracer, instruments, record)
        await _trace(way, "syn", tracer, instruments, record)

    async with asyncio.TaskGroup() as group:
        for way in traced:
            group.create_task(route(way))
    async with asyncio.TaskGroup() as group:
        for way in traced if hello else ():
            if way.name is not None:
                group.create_task(_trace(way, "hello", tracer, instruments, record))
    return tuple(dict.fromkeys(notes))


def planned_traces(plan: Plan, tracer: Tracer, *, hello: bool = False) -> Iterator[Planned]:
    """What ``trace_failures`` may send, for each target that may fail. Sends nothing."""
    for job in plan.jobs:
        check: Any = job.check
        if job.private or check.name == "dns":
            continue
        packets: tuple[Packet, ...] = ("udp", "syn")
        name = server_name(job)
        if hello and check.name in WITH_SERVER_NAME and not is_ip(name):
            packets += ("hello",)
        for host in getattr(check, "addresses", ()) or (check.host,):
            for packet in packets:
                trace = TraceCheck(
                    tracer=tracer, packet=packet, host=host, port=check.port, server_name=name
                )
                for sending in trace.sends():
                    yield Planned(
                        host=sending.host,
                        port=sending.port,
                        transport=sending.transport,
                        what=sending.what,
                        purpose=f"trace of at most {MOST} targets, only after a failure",
                        every=job.every,
                    )


def _failed(plan: Plan, result: Round) -> Iterator[_Way]:
    """In the plan's order. Private targets get no follow-ups, and so no traces."""
    outcomes = {verdict.target: verdict.outcome for verdict in result.verdicts}
    trials = {trial.target.id: trial for trial in result.measurements}
    for job in plan.jobs:
        trial = trials.get(job.target.id)
        if trial is None or job.private or outcomes.get(job.target.id) not in _TRACED:
            continue
        if (place := _place(trial)) is not None:
            yield _Way(job, trial, place, _name(trial, place))


def _place(trial: Measurement) -> Endpoint | None:
    """Where the deciding transaction failed, else what was dialled first."""
    decided = deciding(trial)
    failed = decided.failed if decided and not decided.lookup else None
    for address in (failed.address if failed else None, *tried_in(trial)):
        if address:
            return parse_endpoint(address)
    return None


def _name(trial: Measurement, place: Endpoint) -> str | None:
    for step in trial.steps:
        if step.op == "tls_handshake" and step.address == str(place):
            name = str(step.detail.get("server_name") or "")
            return None if not name or is_ip(name) else name
    return None


async def _trace(
    way: _Way,
    packet: Packet,
    tracer: Tracer,
    instruments: Instruments,
    record: Callable[[Measurement], None],
) -> None:
    check = TraceCheck(
        tracer=tracer,
        packet=packet,
        host=way.place.ip,
        port=way.place.port,
        server_name=way.name or "",
        alpn=getattr(way.job.check, "alpn", _NO_ALPN_OPTION),
    )
    url = {
        "udp": f"udp://{way.place}",
        "syn": f"tcp://{way.place}",
        "hello": f"tls://{way.place}?sni={way.name}",
    }[packet]
    job = replace(
        way.job, check=check, target=replace(way.job.target, url=url), timeout=BUDGET[packet]
    )
    measurement = await measure(
        job,
        instruments,
        cycle=way.trial.cycle,
        role="followup",
        followup_of=way.trial.id,
        followup=_KINDS[packet],
    )
    record(measurement)
