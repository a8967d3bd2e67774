"""One query, one answer, over each transport that resolvers offer.

After the first answer to a UDP query the socket stays open, because an injected answer arrives
before the genuine one: two different answers to one query are evidence that only this moment gives.
"""

import asyncio
import base64
from typing import Final

from probe.checks.exchange import Request, exchange
from probe.checks.kit import Kit
from probe.checks.resolver import Resolver
from probe.checks.steps import connect, handshake
from probe.core import failure
from probe.core.address import Endpoint
from probe.core.failure import EndOfStreamError, NamedFailure
from probe.core.model import JSON
from probe.core.trace import Stopped
from probe.net import Datagrams, Stream
from probe.net.trust import Policy
from probe.wire.dns import Answer, Query

MAX_EXTRA: Final = 8  # further answers to one query that are kept
_RAW: Final = 4096  # bytes kept of a datagram that could not be read
_MESSAGE: Final = "application/dns-message"


async def over_udp(
    kit: Kit, transaction: int, endpoint: Endpoint, query: Query, marks: dict[str, JSON]
) -> Answer | None:
    """One datagram there, the first answer back; further answers are recorded as they come.

    None when the answer was truncated (it stands in the trace as failed). Raises Stopped.
    """
    sock: Datagrams | None = None
    extras = _Extras(kit, transaction, str(endpoint), query, marks)
    # This deadline fires before the step's own, and can tell silence from wrong message ids.
    within = max(0.0, min(kit.timeouts.dns, kit.trace.left() - 0.02))
    detail: dict[str, JSON] = {}
    answer: Answer | None = None
    try:
        async with kit.trace.step(
            "resolve", transaction, str(endpoint), within=within + 1, **marks
        ) as detail:
            try:
                async with asyncio.timeout(within):
                    sock = await kit.net.datagrams(endpoint)
                    await sock.send(query.to_wire())
                    raw = await extras.first_own(sock)
            except TimeoutError as exc:
                if extras.seen and exc.errno is None:
                    raise NamedFailure(failure.WRONG_QUERY_ID) from None
                raise
            answer = _read(query, raw, detail)
    except Stopped:
        if not detail.get("truncated"):
            raise
    finally:
        if sock is not None:
            if sock.local_ip:
                kit.trace.scrubber.hide(sock.local_ip)
            if "raw" in detail:
                kit.listen(asyncio.create_task(extras.listen(sock)))
            else:
                sock.close()
    return answer


def _foreign(raw: bytes, query: Query) -> bool:
    """Whether a datagram bears another message id than the query's."""
    return len(raw) >= 2 and int.from_bytes(raw[:2]) != query.id


def _read(query: Query, raw: bytes, detail: dict[str, JSON]) -> Answer:
    """Read the deciding answer into the step, and fail as it does."""
    try:
        answer = query.read(raw)
    except NamedFailure:
        detail["raw"] = base64.b64encode(raw[:_RAW]).decode()
        raise
    detail.update(answer.detail())
    if answer.failure:
        raise NamedFailure(answer.failure)
    return answer


class _Extras:
    """Keeps every further datagram that comes to one query's socket, as a step of its own."""

    def __init__(
        self, kit: Kit, transaction: int, address: str, query: Query, marks: dict[str, JSON]
    ) -> None:
        self._kit, self._transaction, self._address = kit, transaction, address
        self._query, self._marks = query, marks
        self.seen = 0

    def keep(self, raw: bytes) -> None:
        self.seen += 1
        if self.seen > MAX_EXTRA:
            return
        detail: dict[str, JSON] = {**self._marks, "wrong_id": _foreign(raw, self._query)}
        detail["raw"] = base64.b64encode(raw[:_RAW]).decode()
        try:
            detail.update(self._query.read(raw).detail())
        except NamedFailure as exc:
            detail["unreadable"] = exc.raw[:200]
        now = self._kit.trace.elapsed()
        self._kit.trace.record(
            "extra_answer", self._transaction, self._address, now, now, None, detail
        )

    async def first_own(self, sock: Datagrams) -> bytes:
        """The first datagram with the query's id; those before it are kept."""
        while _foreign(raw := await sock.receive(), self._query):
            self.keep(raw)
        return raw

    async def listen(self, sock: Datagrams) -> None:
        """Listen on for ``late_answers`` seconds after the first answer."""
        try:
            async with asyncio.timeout(self._kit.timeouts.late_answers):
                while self.seen < MAX_EXTRA:
                    self.keep(await sock.receive())
        except OSError:
            return  # the time is over (TimeoutError), or the port closed: nothing more comes
        finally:
            sock.close()


async def over_stream(
    kit: Kit,
    transaction: int,
    resolver: Resolver,
    endpoint: Endpoint,
    query: Query,
    marks: dict[str, JSON],
) -> Answer:
    """One query over TCP, TLS or HTTPS, on a connection of its own. Raises Stopped."""
    stream = await connect(kit, transaction, endpoint, **marks)
    try:
        if resolver.kind in {"tls", "https"}:
            alpn = ("http/1.1",) if resolver.kind == "https" else ()
            stream = await handshake(
                kit,
                transaction,
                endpoint,
                stream,
                server_name=resolver.host,
                policy=Policy(ca_file=kit.ca_file, alpn=alpn),
                **marks,
            )
        if resolver.kind == "https":
            return await _ask_https(kit, transaction, resolver, endpoint, stream, query, marks)
        return await _ask_framed(kit, transaction, endpoint, stream, query, marks)
    finally:
        stream.close()


async def _ask_framed(
    kit: Kit,
    transaction: int,
    endpoint: Endpoint,
    stream: Stream,
    query: Query,
    marks: dict[str, JSON],
) -> Answer:
    """RFC 1035 section 4.2.2: each message after its length in two bytes."""
    wire = query.to_wire()
    async with kit.trace.step(
        "resolve", transaction, str(endpoint), within=kit.timeouts.dns, **marks
    ) as detail:
        await stream.send(len(wire).to_bytes(2) + wire)
        length = int.from_bytes(await _exactly(stream, 2))
        raw = await _exactly(stream, length)
        if _foreign(raw, query):
            detail["raw"] = base64.b64encode(raw[:_RAW]).decode()
            raise NamedFailure(failure.WRONG_QUERY_ID)
        return _read(query, raw, detail)


async def _exactly(stream: Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = await stream.receive(count - len(data))
        if not piece:
            raise EndOfStreamError(f"closed after {len(data)} of {count} bytes")
        data += piece
    return data


async def _ask_https(
    kit: Kit,
    transaction: int,
    resolver: Resolver,
    endpoint: Endpoint,
    stream: Stream,
    query: Query,
    marks: dict[str, JSON],
) -> Answer:
    """RFC 8484 section 4.1: POST with message id 0."""
    port = "" if resolver.port == 443 else f":{resolver.port}"
    request = Request(
        method="POST",
        host=f"[{resolver.host}]{port}" if ":" in resolver.host else f"{resolver.host}{port}",
        path=resolver.path,
        headers=(("Content-Type", _MESSAGE), ("Accept", _MESSAGE)),
        body=query.to_wire(),
    )
    response = await exchange(kit, transaction, endpoint, stream, request, limit=65535, **marks)
    async with kit.trace.step(
        "resolve", transaction, str(endpoint), within=kit.timeouts.dns, **marks
    ) as detail:
        media_type = (response.head.get("content-type") or "").partition(";")[0].strip().lower()
        if response.head.status != 200 or media_type != _MESSAGE:
            raise NamedFailure(failure.DNS_MISBEHAVING, f"HTTP status {response.head.status}")
        return _read(query, response.content, detail)
