"""A control's API on this machine, as the tests want it to behave."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from support.records import https, measured

from probe.core.ids import uuid7
from probe.core.model import Measurement, Vantage
from probe.plan.question import Reply

ELSEWHERE = Vantage(id="what-it-calls-itself", country="DE", asn=64500, network="datacenter")
CLIENT = "198.51.100.77"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Asked], bytes | Awaitable[bytes]]


@dataclass
class Playing:
    """The server: where it is, and what it was asked."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)


@asynccontextmanager
async def playing(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Playing]:
    """Answer every request by these bytes, then close; no bytes: close at once."""
    control = Playing()
    under_way: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        under_way.add(task)
        with suppress(OSError, asyncio.IncompleteReadError), closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            asked = Asked(first.split()[1], headers, body)
            control.asked.append(asked)
            told = answer(asked)
            writer.write(told if isinstance(told, bytes) else await told)
            await writer.drain()
        under_way.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    scheme, name = ("https", "localhost") if tls else ("http", "127.0.0.1")
    control.url = f"{scheme}://{name}:{server.sockets[0].getsockname()[1]}"
    try:
        yield control
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)  # closed transports let go of their sockets in the next round


def response(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def there(started: datetime, **more: Any) -> Measurement:
    """What a control may have measured: its own words for what is ours to say."""
    made = replace(measured("https", https(), started=started), id=uuid7(started))
    return replace(made, **{"vantage": ELSEWHERE, "run": "theirs", "cycle": "theirs", **more})


def anchor_there(started: datetime, **more: Any) -> Measurement:
    """An anchor of a control."""
    made = there(started)
    return replace(made, target=replace(made.target, feature="international"), **more)


def reply(*measurements: Measurement, **more: Any) -> Reply:
    """A control's answer."""
    given = {"control": ELSEWHERE, "client": CLIENT, "measurements": measurements}
    return Reply(**{**given, **more})
