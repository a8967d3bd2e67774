"""Everything that a plan would put on the wire, said before anything is sent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from probe.checks import Check
from probe.checks.resolver import SYSTEM, Resolver
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
        for host in _hosts(job.check, sending.host):
            yield Planned(
                host=host,
                port=sending.port,
                transport=sending.transport,
                what=sending.what,
                purpose=purpose,
                every=job.every,
            )


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
            yield _query(SYSTEM, "A and AAAA", resolver.host, job, purpose)
        yield _query(resolver, types, host, job, purpose)


def _query(resolver: Resolver, types: str, name: str, job: Job, purpose: str) -> Planned:
    return Planned(
        host=(*resolver.addresses, resolver.host)[0] or "this machine's resolver",
        port=resolver.port or None,
        transport="udp" if resolver.kind in {"udp", "system"} else "tcp",
        what=f"query for {types} of {name}, {_seen(resolver)}",
        purpose=purpose,
        every=job.every,
        lookup_of=name,
    )


def _seen(resolver: Resolver) -> str:
    if resolver.kind in {"tls", "https"}:
        return f"encrypted; server name {resolver.host} in clear"
    return "in clear" if resolver.kind != "system" else "usually in clear"
