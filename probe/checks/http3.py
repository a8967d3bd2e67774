"""HTTP/3 (RFC 9114) over a QUIC connection that is there: one request, one response.

Needs the extra ``quic``; imported only where a handshake has come about.
"""

from typing import Final

from aioquic.h3.connection import ErrorCode, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.events import QuicEvent, StreamDataReceived, StreamReset

from probe.checks.exchange import Request
from probe.core import failure
from probe.core.failure import EndOfStreamError, NamedFailure
from probe.net.quic import PARSING, QuicClient, QuicClosedError
from probe.wire.http1 import MAX_HEAD, Head

NO_ERROR: Final = int(ErrorCode.H3_NO_ERROR)
_ORDERLY: Final = {0, NO_ERROR}


class Http3:
    """A Conversation (``checks.exchange``). What is no HTTP/3 becomes ``http_request_failed``, an
    orderly close where data was due ``eof_error``."""

    def __init__(self, client: QuicClient, user_agent: str) -> None:
        """Over this connection, which has agreed on ``h3``."""
        self._client, self._user_agent = client, user_agent
        self._http = H3Connection(client.connection)
        self._stream = -1
        self._head: Head | None = None
        self._pieces: list[bytes] = []
        self._arrived = 0
        self._ended = False

    async def ask(self, request: Request) -> None:
        """Send the request. Those that have a body are not sent this way."""
        headers = [
            (":method", request.method),
            (":scheme", "https"),
            (":authority", request.host),
            (":path", request.path),
            ("user-agent", self._user_agent),
            *((name.lower(), value) for name, value in request.headers),
            ("accept-encoding", "identity"),
        ]
        self._stream = self._client.connection.get_next_available_stream_id()
        encoded = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
        self._http.send_headers(self._stream, encoded, end_stream=True)
        try:
            await self._client.flush()
        except QuicClosedError as exc:
            raise _failure(exc) from exc

    async def more(self) -> int:
        """Wait for the next bytes on the request's stream."""
        while True:
            try:
                event = await self._client.next_event()
                came = self._handle(event)
                await self._client.flush()  # what it said may have been no HTTP/3: then we close
            except QuicClosedError as exc:
                raise _failure(exc) from exc
            if came:
                return came

    def head(self) -> Head | None:
        """The final response's head, or None while more is needed."""
        if self._head is None and self._ended:
            raise EndOfStreamError("the stream ended before the response")
        if self._head is None and self._arrived > MAX_HEAD:
            raise NamedFailure(failure.HTTP, f"no response within {MAX_HEAD} bytes")
        return self._head

    def body(self) -> bytes | None:
        """The next piece of the body; None when it is complete; empty when more is needed."""
        if self._pieces:
            return self._pieces.pop(0)
        return None if self._ended else b""

    def _handle(self, event: QuicEvent) -> int:
        """How many bytes of our stream an event brought."""
        ours = getattr(event, "stream_id", None) == self._stream
        if ours and isinstance(event, StreamReset):
            raise NamedFailure(failure.HTTP, f"the stream was reset: {_named(event.error_code)}")
        try:
            told = self._http.handle_event(event)
        except PARSING as exc:
            raise NamedFailure(failure.HTTP, f"{type(exc).__name__}: {exc}") from exc
        for each in told:
            self._take(each)
        if not ours or not isinstance(event, StreamDataReceived):
            return 0
        self._arrived += len(event.data)
        return len(event.data) or int(event.end_stream)

    def _take(self, event: H3Event) -> None:
        if not isinstance(event, HeadersReceived | DataReceived):
            return
        if event.stream_id != self._stream or event.push_id is not None:
            return
        if isinstance(event, DataReceived):
            if event.data:
                self._pieces.append(event.data)
        elif self._head is None:
            self._head = _read(event)
        self._ended = self._ended or event.stream_ended


def _read(event: HeadersReceived) -> Head | None:
    """The head of a response; None for an informational one (1xx)."""
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in event.headers]
    status = next((value for key, value in headers if key == ":status"), "")
    if not (status.isascii() and status.isdigit() and len(status) == 3):
        raise NamedFailure(failure.HTTP, "a response without a status")
    if status.startswith("1"):
        return None
    plain = tuple((key, value) for key, value in headers if not key.startswith(":"))
    return Head(status=int(status), reason="", headers=plain)


def _failure(closed: QuicClosedError) -> Exception:
    if closed.code in _ORDERLY and not closed.ours:
        return EndOfStreamError("closed before the response was complete")
    told = closed.alert or _named(closed.code)
    who = "we" if closed.ours else "the server"
    return NamedFailure(failure.HTTP, f"{who} closed the connection: {told}")


def _named(code: int) -> str:
    return ErrorCode(code).name if code in set(ErrorCode) else hex(code)
