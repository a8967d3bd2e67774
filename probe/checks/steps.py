"""The vocabulary that checks are written in: connect, handshake, and doing so for every address."""

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from probe.checks.certificate import describe
from probe.checks.kit import Kit
from probe.core.address import Endpoint
from probe.core.failure import AUTHORITY, UNKNOWN_ISSUER, NamedFailure
from probe.core.model import JSON
from probe.core.trace import Stopped
from probe.net import Stream
from probe.net.tls import TlsStream
from probe.net.trust import Policy, known_roots

STAGGER = 0.3  # seconds
# Authorities that come with the program, and are trusted in place of all others.
Roots = Annotated[str, AfterValidator(known_roots)]
Pin = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # SHA-256 of a certificate's DER


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
    server_name: str | None,
    policy: Policy,
    pin: str | None = None,
    anonymous: bool = False,
    at_end: Callable[[], dict[str, JSON]] = dict,
    **marks: JSON,
) -> TlsStream:
    """Complete a TLS handshake; the peer's chain is kept whether it verifies or not.

    With ``pin``, the SHA-256 of the leaf's DER, that certificate is demanded and no authority.
    ``anonymous`` is for a peer that demands a certificate of ours (``TlsStream.handshake``);
    ``at_end`` gives what is known of the stream below once all is over.
    """
    context = kit.trust.prepare(policy)
    tls = TlsStream(stream, context, server_name)
    detail: dict[str, JSON] = {}
    verified = False
    try:
        async with kit.trace.step(
            "tls_handshake",
            transaction,
            str(endpoint),
            within=kit.timeouts.tls,
            **({"server_name": server_name} if server_name else {}),
            verify=policy.verify or pin is not None,
            **({"pin": pin} if pin else {}),
            **marks,
        ) as detail:
            try:
                await tls.handshake(anonymous=anonymous)
                verified = policy.verify
                if pin and hashlib.sha256(b"".join(tls.chain()[:1])).hexdigest() != pin:
                    raise NamedFailure(AUTHORITY, "not the certificate that was pinned")
            except ssl.SSLCertVerificationError as exc:
                detail["verify_code"] = exc.verify_code
                raise
            except ssl.SSLError as exc:
                if exc.reason and ("ALERT" in exc.reason or "UNRECOGNIZED" in exc.reason):
                    detail["alert"] = exc.reason.lower()
                raise
    finally:  # the step's clock has been read: describing the chain costs it nothing
        detail.update(tls.facts())
        detail.update(at_end())
        chain = tls.chain()
        detail["peer_certificates"] = [kit.keep(der) for der in chain]
        if chain:
            detail["leaf"] = describe(chain[0])
        if detail.get("verify_code") in UNKNOWN_ISSUER:
            detail.update(kit.trust.missed(chain, server_name, policy, kit.now()))
        root = tls.root() if verified and policy.authorities is None else None
        if root and policy.roots is None:
            detail.update(kit.trust.beside_public(root, policy, kit.ca_file))
    return tls
