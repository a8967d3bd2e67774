"""Everything that a plan would put on the wire, said before anything is sent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from probe.checks.resolver import Resolver
from probe.core.address import is_ip
from probe.plan.jobs import Job, Plan


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
    """All of it, each once, in the plan's order; anchors last."""
    lines = [line for job in plan.jobs for line in _job(job, _purpose(job))]
    lines += [line for job in plan.anchors for line in _job(job, f"anchor, {job.target.feature}")]
    return list(dict.fromkeys(lines))


def _purpose(job: Job) -> str:
    private = ", private" if job.private else ""
    return f"{job.target.service} {job.target.feature}{private}"


def _job(job: Job, purpose: str) -> Iterator[Planned]:
    yield from _lookups(job, purpose)
    for sending in job.check.sends():
        yield Planned(
            host=sending.host,
            port=sending.port,
            transport=sending.transport,
            what=sending.what,
            purpose=purpose,
            every=job.every,
        )


def _lookups(job: Job, purpose: str) -> Iterable[Planned]:
    check = job.check
    host = getattr(check, "host", "")
    pinned = getattr(check, "addresses", ()) and not getattr(check, "lookup", False)
    if is_ip(host) or pinned:
        return
    types = getattr(check, "type", None) or "A and AAAA"
    for resolver in job.resolvers:
        yield Planned(
            host=resolver.host or "this machine's resolver",
            port=resolver.port or None,
            transport="udp" if resolver.kind in {"udp", "system"} else "tcp",
            what=f"query for {types} of {host}, {_seen(resolver)}",
            purpose=purpose,
            every=job.every,
            lookup_of=host,
        )


def _seen(resolver: Resolver) -> str:
    if resolver.kind in {"tls", "https"}:
        return f"encrypted; server name {resolver.host} in clear"
    return "in clear" if resolver.kind != "system" else "usually in clear"
