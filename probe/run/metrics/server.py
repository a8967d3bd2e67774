"""A small HTTP server on the loop that measures: GET of three paths, and nothing else.

It answers on that loop on purpose: an answer shows that the loop runs, and the numbers are made
a few at a time between the loop's other work, so that no measurement waits for all of them.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

import h11
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from probe.core.address import Endpoint, is_ip
from probe.core.strictyaml import ConfigError
from probe.plan.metrics import MetricsPlace
from probe.run.metrics.wellness import Wellness

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"  # the text format
MOST: Final = 16  # connections at a time
WITHIN: Final = 10.0  # seconds for a request and its answer
_HEAD: Final = 8 * 1024  # bytes of a request
_AGAIN: Final = 1.0  # seconds for which numbers are handed out again, however many ask
_log = logging.getLogger("probe.run")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str
    body: bytes
    allow: bool = False


class MetricsServer:
    """Listens while its context is entered. ``at`` says where, with the port that was found."""

    def __init__(
        self,
        place: MetricsPlace,
        parts: Callable[[], Iterable[Metric]],
        wellness: Callable[[], Wellness],
        monotonic: Callable[[], float],
    ) -> None:
        """Nothing listens yet."""
        self._place = place
        self._parts = parts
        self._wellness = wellness
        self._monotonic = monotonic
        self._open: set[asyncio.Task[None]] = set()
        self._rendering = asyncio.Lock()
        self._page = b""
        self._made = float("-inf")
        self.at = place.at

    async def __aenter__(self) -> Self:
        """Listen. ConfigError where that is not possible."""
        try:
            self._server = await asyncio.start_server(
                self._accept, self._place.at.ip, self._place.at.port, limit=_HEAD, backlog=MOST
            )
        except OSError as exc:
            reason = (exc.strerror or str(exc)).lower()
            raise ConfigError(f"metrics: cannot listen on {self._place.at}: {reason}") from None
        ip, port = self._server.sockets[0].getsockname()[:2]
        self.at = Endpoint(ip, port)
        if self._place.public:
            _log.warning("metrics: whoever reaches port %d can read them, unasked", port)
        _log.info("metrics on port %d: /metrics, /healthz, /livez", port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, and end what is open."""
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= MOST:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            async with asyncio.timeout(WITHIN):
                await self._serve(reader, writer)
        except (TimeoutError, OSError):
            pass  # whatever a client does ends its own connection and nothing else
        finally:
            self._open.discard(task)
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()  # it does not read: nothing waits for it
            else:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD)
        head = False
        try:
            request = await _request(connection, reader)
            if request is None:
                return
            head = request.method == b"HEAD"
            answer = await self._answer(request)
        except h11.RemoteProtocolError as exc:
            answer = _text(exc.error_status_hint, "not understood")
        headers = [
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
            *([("Allow", "GET, HEAD")] if answer.allow else []),
        ]
        pieces = [connection.send(h11.Response(status_code=answer.status, headers=headers))]
        if not head:
            pieces.append(connection.send(h11.Data(data=answer.body)))
        pieces.append(connection.send(h11.EndOfMessage()))
        writer.write(b"".join(piece for piece in pieces if piece))
        await writer.drain()

    async def _answer(self, request: h11.Request) -> _Answer:
        refused = self._refused(request)
        if refused is not None:
            return refused
        path = request.target.partition(b"?")[0]
        if path == b"/metrics":
            return _Answer(200, CONTENT_TYPE, await self._metrics())
        if path == b"/healthz":
            found = self._wellness()
            told = {"status": "ok" if found.well else "failing", "reasons": found.reasons}
            return _json(200 if found.well else 503, {**told, **found.detail})
        if path == b"/livez":
            return _json(200, {"status": "ok"})
        return _text(404, "there are /metrics, /healthz and /livez")

    def _refused(self, request: h11.Request) -> _Answer | None:
        headers = dict(request.headers)
        if request.method not in {b"GET", b"HEAD"}:
            return _text(405, "GET only", allow=True)
        if b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0":
            return _text(413, "no body is read")
        if not self._place.public and not _here(headers.get(b"host", b"").decode("latin-1")):
            return _text(421, "ask by address")
        return None

    async def _metrics(self) -> bytes:
        async with self._rendering:
            if self._monotonic() - self._made > _AGAIN:
                pieces = []
                for piece in page(self._parts()):
                    pieces.append(piece)
                    await asyncio.sleep(0)
                self._page, self._made = b"".join(pieces), self._monotonic()
            return self._page


def page(parts: Iterable[Metric]) -> Iterator[bytes]:
    """The text of all metrics in pieces; parts of one family follow each other."""
    name = None
    for part in parts:
        text = generate_latest(_Alone(part))
        # Before the samples stand two lines, which belong before the first part only.
        yield text.split(b"\n", 2)[2] if part.name == name else text
        name = part.name


class _Alone(Collector):
    """A part of one family as a registry of its own."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        return [self._family]


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The head of a request; None where the client left. A body is not read."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        data = await reader.read(_HEAD)
        connection.receive_data(data)


def _here(host: str) -> bool:
    """Whether a Host header names this machine by address: by another name, a page that a browser
    here has opened could read what listens here (DNS rebinding)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or is_ip(name)


def _json(status: int, value: object) -> _Answer:
    return _Answer(status, "application/json", json.dumps(value).encode() + b"\n")


def _text(status: int, text: str, *, allow: bool = False) -> _Answer:
    return _Answer(status, "text/plain; charset=utf-8", f"{text}\n".encode(), allow)
