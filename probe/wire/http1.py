"""HTTP/1.1 (RFC 9112) as a client, by h11: one request, one response, bounded at every point.

What a server sends that is no HTTP becomes ``http_request_failed``; closing too early becomes
``eof_error``. Nothing here decompresses: a body's bytes are counted as they came over the line.
"""

import zlib
from dataclasses import dataclass
from typing import Final

import h11

from probe.core import failure
from probe.core.failure import EndOfStreamError, NamedFailure
from probe.core.model import JSON

MAX_HEAD: Final = 64 * 1024  # bytes of a response's status line and headers, informational ones too
_BEGINNING: Final = b"HTTP/"  # RFC 9112 section 4: of every status line
MAX_HEADER_VALUE: Final = 2048  # characters of one header kept in a step's detail


@dataclass(frozen=True, slots=True)
class Head:
    """A response's status and headers, in the order in which they came."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def detail(self) -> dict[str, JSON]:
        """As a step holds it."""
        headers = [[key, value[:MAX_HEADER_VALUE]] for key, value in self.headers]
        return {"status": self.status, "reason": self.reason, "headers": headers}


class Exchange:
    """One request and its response. Feed it what arrives; ask it what has become of it."""

    def __init__(self) -> None:
        """Start before the request."""
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._start = b""
        self._closed = False

    def request(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        """The bytes of the request. ValueError if a header or the path cannot be sent."""
        if body:
            headers = [*headers, ("Content-Length", str(len(body)))]
        try:
            out = self._send(h11.Request(method=method, target=path, headers=headers))
            if body:
                out += self._send(h11.Data(data=body))
            return out + self._send(h11.EndOfMessage())
        except (h11.LocalProtocolError, UnicodeEncodeError) as exc:
            raise ValueError(f"this request cannot be sent: {exc}") from None

    def open(self, method: str, path: str, headers: list[tuple[str, str]]) -> bytes:
        """The head of a request whose body goes on beside the response's; its length stands in
        the headers. ValueError if it cannot be sent."""
        try:
            return self._send(h11.Request(method=method, target=path, headers=headers))
        except (h11.LocalProtocolError, UnicodeEncodeError) as exc:
            raise ValueError(f"this request cannot be sent: {exc}") from None

    def more(self, data: bytes) -> bytes:
        """The next piece of such a body, as it goes on the wire."""
        return self._send(h11.Data(data=data))

    def _send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> bytes:
        return self._connection.send(event) or b""

    def feed(self, data: bytes) -> None:
        """Take what arrived; empty for the peer's close."""
        self._closed = self._closed or not data
        self._start += data[: len(_BEGINNING) - len(self._start)]
        if not _BEGINNING.startswith(self._start):
            # h11 waits for a blank line first, and a server of another protocol may wait as well:
            # its greeting must not end up as our deadline.
            raise NamedFailure(failure.HTTP, "not HTTP")
        try:
            self._connection.receive_data(data)
        except h11.RemoteProtocolError as exc:
            raise NamedFailure(failure.HTTP, str(exc)) from None

    def head(self, arrived: int) -> Head | None:
        """The final response's head, or None while more is needed.

        ``arrived`` counts all bytes fed so far: a stream of informational responses (1xx) is
        bounded together with the headers.
        """
        while True:
            event = self._next()
            if isinstance(event, h11.Response):
                return _head(event)
            if event is h11.NEED_DATA:
                if arrived > MAX_HEAD:
                    raise NamedFailure(failure.HTTP, f"no response within {MAX_HEAD} bytes")
                return None
            if not isinstance(event, h11.InformationalResponse):
                raise EndOfStreamError("closed before the response")

    def body(self) -> bytes | None:
        """The next piece of the body; None when it is complete; empty when more is needed."""
        event = self._next()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if event is h11.NEED_DATA:
            return b""
        if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return None
        raise NamedFailure(failure.HTTP, "a second response inside the body")

    def _next(self) -> object:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as exc:
            # All that came before was in order, or it would have failed then: only the close is
            # wrong, which h11 reports as a protocol error.
            if self._closed:
                raise EndOfStreamError(str(exc)) from None
            raise NamedFailure(failure.HTTP, str(exc)) from None


def _head(event: h11.Response) -> Head:
    return Head(
        status=event.status_code,
        reason=event.reason.decode("latin-1")[:100],
        headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in event.headers),
    )


def decode_body(raw: bytes, encoding: str | None, limit: int) -> bytes:
    """At most ``limit`` bytes of a body's content, for matching text: a bomb stays unexploded.

    Handles gzip and deflate (RFC 9110 section 8.4.1); anything else, or broken data, is given back
    as far as it could be read.
    """
    coding = (encoding or "").strip().lower()
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return raw[:limit]
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # with a header; bare deflate
        try:
            return zlib.decompressobj(window).decompress(raw, limit)
        except zlib.error:
            continue
    return raw[:limit]
