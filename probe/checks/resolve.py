"""Asking resolvers: every one that is configured, each answer kept.

A transaction per resolver and record type; no query is sent twice, and nothing is cached.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence

from probe.checks.kit import Kit
from probe.checks.queries import over_stream, over_udp
from probe.checks.resolver import Resolver
from probe.core.address import Endpoint, is_ip
from probe.core.failure import NO_ANSWER, NamedFailure
from probe.core.model import JSON
from probe.core.trace import Stopped
from probe.wire.dns import Query


async def endpoints(
    kit: Kit, host: str, port: int, *, pinned: Sequence[str] = (), lookup: bool = False
) -> tuple[Endpoint, ...]:
    """The addresses to measure: pinned ones, and those that the resolvers give.

    Raises Stopped with the first failure when there is none.
    """
    found = list(pinned)
    if is_ip(host):
        found.append(host)
    elif lookup or not pinned:
        found += await addresses(kit, host, needed=not pinned)
    chosen = _both_families(found)[: kit.max_addresses]
    for ip in chosen:
        kit.trace.scrubber.keep(ip)
    return tuple(Endpoint(ip, port) for ip in chosen)


async def addresses(kit: Kit, host: str, *, needed: bool = True) -> list[str]:
    """Ask every resolver for A and AAAA at once; the union of their answers, in their order."""
    asked = [
        (resolver, type_)
        for resolver in kit.resolvers
        for type_ in (("ANY",) if resolver.kind == "system" else ("A", "AAAA"))
    ]
    outcomes = await asyncio.gather(
        *(
            _try(ask(kit, kit.trace.transaction(), resolver, host, type_))
            for resolver, type_ in asked
        )
    )
    found = [ip for outcome in outcomes if not isinstance(outcome, Stopped) for ip in outcome]
    if not found and needed:
        raise next(outcome for outcome in outcomes if isinstance(outcome, Stopped))
    return found


async def _try(asking: Awaitable[tuple[str, ...]]) -> tuple[str, ...] | Stopped:
    try:
        return await asking
    except Stopped as stopped:
        return stopped


def _both_families(found: Sequence[str]) -> list[str]:
    """Each address once, IPv4 and IPv6 in turns, so that a limit cuts neither family off."""
    unique = list(dict.fromkeys(found))
    four = [ip for ip in unique if ":" not in ip]
    six = [ip for ip in unique if ":" in ip]
    longer = max(len(four), len(six))
    return [
        ip for pair in zip(_pad(four, longer), _pad(six, longer), strict=True) for ip in pair if ip
    ]


def _pad(items: list[str], length: int) -> list[str]:
    return items + [""] * (length - len(items))


async def ask(
    kit: Kit, transaction: int, resolver: Resolver, host: str, type_: str
) -> tuple[str, ...]:
    """One query to one resolver: the addresses in its answer. Raises Stopped if it failed."""
    marks: dict[str, JSON] = {
        "resolver": resolver.url,
        "engine": resolver.engine,
        "hostname": host,
        "query_type": type_,
    }
    if resolver.kind == "system":
        return await _ask_system(kit, transaction, host, type_, {**marks, "query_type": "ANY"})
    query = Query.make(host, type_, 0 if resolver.kind == "https" else secrets.randbits(16))
    endpoint = await _locate(kit, transaction, resolver)
    if resolver.kind == "udp":
        answer = await over_udp(kit, transaction, endpoint, query, marks)
        if answer is not None:
            return answer.addresses()
        # RFC 7766 section 5: what was truncated is asked for again over TCP. That is a transaction
        # of its own; the one over UDP has failed.
        transaction, marks = kit.trace.transaction(), {**marks, "engine": "tcp"}
    answer = await over_stream(kit, transaction, resolver, endpoint, query, marks)
    return answer.addresses()


async def _ask_system(
    kit: Kit, transaction: int, host: str, type_: str, marks: dict[str, JSON]
) -> tuple[str, ...]:
    """getaddrinfo gives addresses of both families, whichever of them is wanted."""
    async with kit.trace.step("resolve", transaction, within=kit.timeouts.dns, **marks) as detail:
        found = await kit.net.lookup(host)
        detail["answers"] = [{"type": "AAAA" if ":" in ip else "A", "data": ip} for ip in found]
        wanted = [a["data"] for a in detail["answers"] if type_ in {"ANY", a["type"]}]
        if not wanted:
            raise NamedFailure(NO_ANSWER)
    return tuple(wanted)


async def _locate(kit: Kit, transaction: int, resolver: Resolver) -> Endpoint:
    """The resolver's own address: given, pinned, or asked of the system."""
    if resolver.addresses or is_ip(resolver.host):
        return Endpoint((*resolver.addresses, resolver.host)[0], resolver.port)
    async with kit.trace.step(
        "bootstrap", transaction, within=kit.timeouts.dns, resolver=resolver.url
    ) as detail:
        found = await kit.net.lookup(resolver.host)
        detail["answers"] = list(found)
    return Endpoint(found[0], resolver.port)
