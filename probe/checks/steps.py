"""The vocabulary that checks are written in: connect, handshake, and doing so for every address."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence

from probe.checks.certificate import describe
from probe.checks.kit import Kit
from probe.core.address import Endpoint
from probe.core.model import JSON
from probe.core.trace import Stopped
from probe.net import Stream
from probe.net.tls import TlsStream
from probe.net.trust import Policy

STAGGER = 0.3  # seconds


async def each(
    kit: Kit,
    endpoints: Sequence[Endpoint],
    at: Callable[[Kit, int, Endpoint], Awaitable[None]],
) -> None:
    """Do the same at every address, each in a transaction of its own.

    One address follows another, so that they do not disturb each other's timings; but none waits
    longer than STAGGER for the one before it, so that silent addresses cost their deadline once.
    """
    async with asyncio.TaskGroup() as group:
        for endpoint in endpoints:
            attempt = _unless_stopped(at(kit, kit.trace.transaction(), endpoint))
            task = group.create_task(attempt)
            await asyncio.wait({task}, timeout=STAGGER)


async def _unless_stopped(attempt: Awaitable[None]) -> None:
    try:
        await attempt
    except Stopped:
        return  # the failure stands in the trace; the other addresses go on


async def connect(kit: Kit, transaction: int, endpoint: Endpoint, **marks: JSON) -> Stream:
    """Dial one address over TCP."""
    async with kit.trace.step(
        "connect", transaction, str(endpoint), within=kit.timeouts.connect, **marks
    ):
        stream = await kit.net.connect(endpoint)
    if stream.local_ip:
        kit.trace.scrubber.hide(stream.local_ip)
    return stream


async def handshake(
    kit: Kit,
    transaction: int,
    endpoint: Endpoint,
    stream: Stream,
    *,
    server_name: str,
    policy: Policy,
    **marks: JSON,
) -> TlsStream:
    """Complete a TLS handshake; the peer's chain is kept whether it verifies or not."""
    context = kit.trust.prepare(policy)
    tls = TlsStream(stream, context, server_name)
    detail: dict[str, JSON] = {}
    try:
        async with kit.trace.step(
            "tls_handshake",
            transaction,
            str(endpoint),
            within=kit.timeouts.tls,
            server_name=server_name,
            verify=policy.verify,
            **marks,
        ) as detail:
            try:
                await tls.handshake()
            except ssl.SSLCertVerificationError as exc:
                detail["verify_code"] = exc.verify_code
                raise
            except ssl.SSLError as exc:
                if exc.reason and ("ALERT" in exc.reason or "UNRECOGNIZED" in exc.reason):
                    detail["alert"] = exc.reason.lower()
                raise
    finally:  # the step's clock has been read: describing the chain costs it nothing
        detail.update(tls.facts())
        chain = tls.chain()
        detail["peer_certificates"] = [kit.keep(der) for der in chain]
        if chain:
            detail["leaf"] = describe(chain[0])
    return tls
