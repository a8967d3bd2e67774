"""Everything that a plan would put on the wire, said before anything is sent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from probe.checks import WITH_SERVER_NAME, Check, Imitable
from probe.checks.quic import QuicCheck
from probe.checks.resolver import SYSTEM, Resolver
from probe.core.address import is_ip
from probe.plan.jobs import Job, Plan

_AFTER: Final = "follow-ups, only after a failure or an unproven answer"
_NON_RESOLVER: Final = "queries to port 53 for the name that failed, and for a random one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One kind of packet to one host.

    ``every`` in seconds; ``purpose`` is what it is sent for; ``lookup_of`` the name that is looked
    up, where it is a resolver's query.
    """

    host: str
    port: int | None
    transport: str
    what: str
    purpose: str
    every: float
    lookup_of: str | None = None


def preview(plan: Plan) -> list[Planned]:
    """All of it, each once, in the plan's order; then anchors, follow-ups, controls, and what is
    no measurement."""
    lines = [line for job in plan.jobs for line in _job(job, _purpose(job))]
    lines += [line for job in plan.anchors for line in _job(job, f"anchor, {job.target.feature}")]
    if plan.wildcard:
        lines += [replace(line, lookup_of=None) for line in _job(plan.wildcard, "anchor, wildcard")]
    if plan.followups:
        lines += _at_targets(plan)
        lines += _at_decoys(plan)
    lines += _controls(plan)
    lines += _metrics(plan)
    lines += _alerts(plan)
    return list(dict.fromkeys(lines))


def _at_targets(plan: Plan) -> Iterator[Planned]:
    """What goes to a target's own addresses after a failure, and to those in odd answers."""
    for job in plan.jobs:
        check = job.check
        if job.private or job.local:
            continue
        neutral = _neutral(check, plan.neutral_name)
        for sending in check.sends() if neutral else ():
            for host in _hosts(check, sending.host):
                yield Planned(
                    host=host,
                    port=sending.port,
                    transport=sending.transport,
                    what=neutral,
                    purpose=_AFTER,
                    every=job.every,
                )
        name = str(getattr(check, "sni", None) or getattr(check, "host", ""))
        if check.name in WITH_SERVER_NAME | {"dns", "http"} and not is_ip(name):
            yield Planned(
                host="addresses in odd answers",
                port=None,
                transport="tcp",
                what=f"TLS, server name {name} in clear, to at most 4 of them",
                purpose=_AFTER,
                every=job.every,
            )


def _neutral(check: Check, name: str) -> str:
    """What goes to a target's own address under a neutral name; empty if nothing does."""
    if check.name in WITH_SERVER_NAME:
        return f"16 harmless bytes; TLS, server name {name} in clear, also in turns with its own"
    if isinstance(check, QuicCheck) and check.shakes_hands():
        return f"QUIC handshake, server name {name} readable on the way"
    return ""


def _at_decoys(plan: Plan) -> Iterator[Planned]:
    """What goes to the controls' decoys: under the name that failed, and under a neutral one."""
    shown = [job.every for job in plan.jobs if not job.private and not job.local]
    names = f"the name that failed, and {plan.neutral_name}, in clear"
    for place in plan.controls if shown else ():
        shapes = any(isinstance(job.check, Imitable) for job in plan.jobs if not job.private)
        echoed = (
            "to its echo: printable bytes, and as many of the shape of the protocol that failed"
        )
        for transport, what in (
            *([("tcp", echoed), ("udp", echoed)] if shapes else ()),
            ("tcp", f"TLS or HTTP with {names}; transfers of up to 256 KiB"),
            ("udp", f"{_NON_RESOLVER}, in clear"),
            ("tcp", f"{_NON_RESOLVER}, in clear, if an answer over UDP was truncated"),
        ):
            yield Planned(
                host=f"decoys of {place.id}",
                port=None,
                transport=transport,
                what=what,
                purpose=_AFTER,
                every=min(shown),
            )


def _controls(plan: Plan) -> Iterator[Planned]:
    """Controls are shown what failed, unless it is private or in the vantage's own network."""
    shown = [job.every for job in plan.jobs if not job.private and not job.local]
    for place in plan.controls if shown else ():
        purpose = f"control {place.id}, after a failure or an unproven answer"
        what = "URL and addresses of the target that failed"
        if place.url.startswith("https:"):
            what = f"HTTPS POST: {what}; server name {place.host} in clear"
        else:
            what = f"HTTP POST, all of it in clear: {what}"
        yield Planned(
            host=place.host,
            port=place.port,
            transport="tcp",
            what=what,
            purpose=purpose,
            every=min(shown),
        )
        if not is_ip(place.host):
            yield _query(SYSTEM, "A and AAAA", place.host, min(shown), purpose)


def _metrics(plan: Plan) -> Iterator[Planned]:
    """The port on which a running probe answers; it begins nothing there."""
    if plan.metrics is not None:
        yield Planned(
            host=plan.metrics.at.ip,
            port=plan.metrics.at.port,
            transport="tcp",
            what="answers whoever asks: ids and outcomes of all targets, in clear",
            purpose="metrics, only by probe run",
            every=min(job.every for job in plan.jobs),
        )


def _alerts(plan: Plan) -> Iterator[Planned]:
    """Whom alerts go to stands in a file of secrets; which host that is, its service decides."""
    if plan.alerts is not None:
        where = plan.alerts.urls_file or f"the variable {plan.alerts.urls_env}"
        yield Planned(
            host=f"services named in {where}",
            port=None,
            transport="tcp",
            what="services, features and outcomes that have changed; their hosts' names in clear",
            purpose="alerts, only by probe run, after a change",
            every=min(job.every for job in plan.jobs),
        )


def _purpose(job: Job) -> str:
    private = ", private" if job.private else ""
    return f"{job.target.service} {job.target.feature}{private}"


def _job(job: Job, purpose: str) -> Iterator[Planned]:
    yield from _lookups(job, purpose)
    for sending in job.check.sends():
        for host in _hosts(job.check, sending.host):
            yield Planned(
                host=host,
                port=sending.port,
                transport=sending.transport,
                what=sending.what,
                purpose=purpose,
                every=job.every,
            )
    if follow := getattr(job.check, "follow", 0):
        yield Planned(
            host="where redirects lead",
            port=None,
            transport="tcp",
            what=f"HTTP or HTTPS requests, host in clear, at most {follow} after each answer",
            purpose=purpose,
            every=job.every,
        )
        for resolver in job.resolvers:
            yield _query(resolver, "A and AAAA", "where redirects lead", job.every, purpose)


def _hosts(check: Check, host: str) -> tuple[str, ...]:
    """Where it goes: pinned addresses stand for the name, unless that is looked up beside them."""
    pinned: tuple[str, ...] = tuple(getattr(check, "addresses", ()))
    named = not pinned or is_ip(host) or getattr(check, "lookup", False)
    return (*pinned, host) if named else pinned


def _lookups(job: Job, purpose: str) -> Iterable[Planned]:
    check = job.check
    host = getattr(check, "host", "")
    pinned = getattr(check, "addresses", ()) and not getattr(check, "lookup", False)
    if check.name != "dns" and (is_ip(host) or pinned):
        return
    types = getattr(check, "type", None) or "A and AAAA"
    for resolver in job.resolvers:
        if resolver.host and not resolver.addresses and not is_ip(resolver.host):
            yield _query(SYSTEM, "A and AAAA", resolver.host, job.every, purpose)
        query = _query(resolver, types, host, job.every, purpose)
        yield query
        if resolver.kind == "udp":
            yield replace(query, transport="tcp", what=f"{query.what}, if truncated over UDP")


def _query(resolver: Resolver, types: str, name: str, every: float, purpose: str) -> Planned:
    return Planned(
        host=(*resolver.addresses, resolver.host)[0] or "this machine's resolver",
        port=resolver.port or None,
        transport="udp" if resolver.kind in {"udp", "system"} else "tcp",
        what=f"query for {types} of {name}, {_seen(resolver)}",
        purpose=purpose,
        every=every,
        lookup_of=name,
    )


def _seen(resolver: Resolver) -> str:
    if resolver.kind in {"tls", "https"}:
        return f"encrypted; server name {resolver.host} in clear"
    return "in clear" if resolver.kind != "system" else "usually in clear"
