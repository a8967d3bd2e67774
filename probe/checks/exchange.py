"""One HTTP exchange over a connection that is already there: request, response, transfer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from probe.checks.kit import Kit
from probe.core.address import Endpoint
from probe.core.masking import mask
from probe.core.model import JSON
from probe.net import Stream
from probe.wire.http1 import Exchange, Head, decode_body

SAMPLES: Final = 64  # of bytes over time, at most, as OONI dd-007 takes them
MATCHED: Final = 64 * 1024  # bytes of a body's content that are looked at
KEPT: Final = 32 * 1024  # bytes of it that are kept as an object


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for. ``path`` holds the query too; ``host`` is the Host header."""

    method: str = "GET"
    host: str
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back. ``content`` is decoded and bounded; ``transfer`` the last step's detail."""

    head: Head
    content: bytes
    transfer: dict[str, JSON]


def keep_page(kit: Kit, response: Response) -> None:
    """Keep a body in which a block page may stand, without what is not to be shown."""
    if response.content:
        text = response.content[:MATCHED].decode("utf-8", "surrogateescape")
        clean = kit.trace.scrubber.text(text).encode("utf-8", "surrogateescape")
        response.transfer["body"] = kit.keep(clean[:KEPT])


class Conversation(Protocol):
    """One version of HTTP over one connection: a request, and what has become of it."""

    async def ask(self, request: Request) -> None:
        """Send the request."""

    async def more(self) -> int:
        """Wait for more of the answer, and say how many bytes came; 0 once the peer has closed."""

    def head(self) -> Head | None:
        """The final response's head, or None while more is needed."""

    def body(self) -> bytes | None:
        """The next piece of the body; None when it is complete; empty when more is needed."""


class _Http1:
    """HTTP/1.1 over a stream."""

    def __init__(self, kit: Kit, stream: Stream) -> None:
        self._stream, self._http, self._arrived = stream, Exchange(), 0
        self._user_agent = kit.user_agent
        self.body = self._http.body

    async def ask(self, request: Request) -> None:
        # A header without a value makes some servers hang up (SoftEther's does).
        agent = [("User-Agent", self._user_agent)] if self._user_agent else []
        headers = [("Host", request.host), *agent, *request.headers]
        headers += [("Accept-Encoding", "identity"), ("Connection", "close")]
        data = self._http.request(request.method, request.path, headers, request.body)
        await self._stream.send(data)

    async def more(self) -> int:
        data = await self._stream.receive()
        self._arrived += len(data)
        self._http.feed(data)
        return len(data)

    def head(self) -> Head | None:
        return self._http.head(self._arrived)


async def exchange(
    kit: Kit,
    transaction: int,
    endpoint: Endpoint,
    stream: Stream,
    request: Request,
    *,
    limit: int,
    **marks: JSON,
) -> Response:
    """Send a request over HTTP/1.1 and read its response up to ``limit`` bytes of body.

    Reaching the limit is no failure. The body is counted as it came, and never decompressed
    beyond MATCHED bytes.
    """
    conversation = _Http1(kit, stream)
    return await converse(kit, transaction, endpoint, conversation, request, limit=limit, **marks)


async def converse(
    kit: Kit,
    transaction: int,
    endpoint: Endpoint,
    conversation: Conversation,
    request: Request,
    *,
    limit: int,
    **marks: JSON,
) -> Response:
    """The same over any version of HTTP."""
    address = str(endpoint)
    async with kit.trace.step(
        "http_request", transaction, address, within=kit.timeouts.first_byte, **marks
    ) as detail:
        detail["method"] = request.method
        detail["host"] = request.host
        detail["path"] = mask(request.path)
        await conversation.ask(request)
    head = await _head(kit, transaction, address, conversation, marks)
    return await _body(kit, transaction, address, conversation, head, limit, marks)


async def _head(
    kit: Kit, transaction: int, address: str, conversation: Conversation, marks: dict[str, JSON]
) -> Head:
    async with kit.trace.step(
        "http_response", transaction, address, within=kit.timeouts.first_byte, **marks
    ) as detail:
        head = None
        while head is None:
            arrived = await conversation.more()
            if "first_byte" not in detail:
                detail["first_byte"] = round(kit.trace.elapsed(), 6) if arrived else None
            head = conversation.head()
    detail.update(_scrubbed(kit, head))
    return head


async def _body(
    kit: Kit,
    transaction: int,
    address: str,
    conversation: Conversation,
    head: Head,
    limit: int,
    marks: dict[str, JSON],
) -> Response:
    taken = bytearray()
    progress: list[list[float | int]] = []
    async with kit.trace.step(
        "transfer", transaction, address, within=kit.timeouts.transfer, **marks
    ) as detail:
        detail.update(bytes=0, limit=limit, complete=False, progress=progress)
        try:
            detail["complete"] = await _transfer(kit, conversation, taken, detail)
        finally:
            detail["bytes"] = len(taken)
            if not progress or progress[-1][1] != len(taken):
                progress.append([round(kit.trace.elapsed(), 6), len(taken)])
    content = decode_body(bytes(taken), head.get("content-encoding"), MATCHED)
    return Response(head=head, content=content, transfer=detail)


async def _transfer(
    kit: Kit, conversation: Conversation, taken: bytearray, detail: dict[str, JSON]
) -> bool:
    """Take the body up to the limit, with samples over time; whether it came to its end.

    When the last byte came is noted apart from the samples: it tells a body that stands still
    from one that trickles.
    """
    limit, progress, sampled = detail["limit"], detail["progress"], -1
    while (piece := conversation.body()) is not None:
        room = limit - len(taken)
        taken += piece[:room]
        if piece:
            detail["last_byte"] = round(kit.trace.elapsed(), 6)
        if piece and len(taken) - sampled > limit / SAMPLES:
            sampled = len(taken)
            progress.append([detail["last_byte"], len(taken)])
        if len(piece) > room or (not piece and not room):
            return False
        if not piece:
            await conversation.more()
    return True


def _scrubbed(kit: Kit, head: Head) -> dict[str, JSON]:
    detail = head.detail()
    scrub = kit.trace.scrubber.text
    detail["headers"] = [
        [key, _location(value, scrub) if key == "location" else scrub(value)]
        for key, value in detail["headers"]
    ]
    return detail


def _location(value: str, scrub: Callable[[str], str]) -> str:
    """A redirect's host stays, because block pages are known by it; portals and block pages quote
    the client's address only behind it."""
    parts = re.fullmatch(r"((?:[A-Za-z][\w+.-]*:)?//[^/?#]*)?(.*)", value, re.DOTALL)
    return (parts[1] or "") + scrub(parts[2]) if parts else scrub(value)
