"""The API itself: who is let in, how much of a request is read, and which answer it gets.

The wire format is ``plan.question``'s. Whoever is not known is told so before a byte of a body was
read; whatever is wrong with a request is told in one line, as ``{"error": text}``.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import math
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from probe.control.limits import BusyError, Rate
from probe.control.service import Measuring
from probe.control.sessions import plain_ip
from probe.core.address import Endpoint, is_ip
from probe.plan.question import MAX_BODY, MEASURE, SESSION, Session, read_questions

HEALTH: Final = "/v1/health"
BODY_WITHIN: Final = 10.0  # seconds for a whole body
_AGAIN: Final = 2  # seconds after which a busy control may be asked again
_T = TypeVar("_T")
_log = logging.getLogger("probe.control")

# From the client's address and the host that it reached the API at.
Opening = Callable[[str, str | None], Session]


def application(
    measuring: Measuring,
    open_session: Opening,
    *,
    token: str | None,
    rate: Rate,
    log_clients: bool = False,
    body_within: float = BODY_WITHIN,
) -> ASGIApp:
    """The whole API. Without a ``token`` clients are known by what TLS demanded of them."""

    async def ask(request: Request) -> Response:
        body = await _body(request, body_within)
        try:
            questions = read_questions(body)
        except ValueError as exc:
            raise HTTPException(422, str(exc)) from None
        try:
            reply = await _unless_gone(request, measuring.reply(questions, _client(request.scope)))
        except BusyError:
            raise HTTPException(503, "busy", {"Retry-After": str(_AGAIN)}) from None
        return Response(reply, media_type="application/json")

    async def session(request: Request) -> Response:
        body = await _body(request, body_within)
        try:
            empty = json.loads(body or b"{}") == {}
        except (ValueError, RecursionError):
            empty = False
        if not empty:
            raise HTTPException(422, "expected an empty object")
        opened = open_session(_client(request.scope), _reached(request))
        return Response(opened.as_json(), media_type="application/json")

    async def health(_: Request) -> Response:
        vantage = measuring.vantage
        return _json(200, {"control": vantage.id, "state": await measuring.state()})

    inner = Starlette(
        routes=[
            Route(MEASURE, ask, methods=["POST"]),
            Route(SESSION, session, methods=["POST"]),
            Route(HEALTH, health, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _told, ClientDisconnect: _gone, Exception: _ours},
    )
    return _Entrance(inner, token, rate, log_clients)


class _Entrance:
    """Lets known clients in, at the rate that each may ask; nothing of a body is read here."""

    def __init__(self, inner: ASGIApp, token: str | None, rate: Rate, log_clients: bool) -> None:
        self._inner = inner
        self._expected = None if token is None else _digest(f"Bearer {token}".encode())
        self._rate = rate
        self._log_clients = log_clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["client"] is None:  # it was gone before its address could be read
            return await _json(400, {"error": "the client left"})(scope, receive, send)
        client = _client(scope)
        refusal: Response | None = None
        if not self._knows(scope):
            refusal = _json(401, {"error": "unknown"}, {"WWW-Authenticate": "Bearer"})
        elif wait := self._rate.take(client):
            again = {"Retry-After": str(math.ceil(wait))}
            refusal = _json(429, {"error": "too many requests"}, again)
        if self._log_clients:
            outcome = f"refused with {refusal.status_code}" if refusal else "let in"
            _log.info("%s %s: %s", client, outcome, scope["path"][:80].encode())
        return await (refusal or self._inner)(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        if self._expected is None:
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        # Digests have one length, so the time to compare them tells nothing.
        return len(given) == 1 and hmac.compare_digest(_digest(given[0]), self._expected)


async def _body(request: Request, within: float) -> bytes:
    """A body of at most MAX_BODY bytes, whatever its length is said to be."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or len(declared) > 9 or int(declared) > MAX_BODY:
        raise HTTPException(413, f"larger than {MAX_BODY} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(within):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    raise HTTPException(413, f"larger than {MAX_BODY} bytes")
    except TimeoutError:
        raise HTTPException(408, "the body did not come in time") from None
    return bytes(body)


async def _unless_gone(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """Do the work, unless the client closes its connection: nobody would read the answer."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            continue

    working, watching = asyncio.create_task(work), asyncio.create_task(gone())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


def _client(scope: Scope) -> str:
    return _plain(scope["client"][0])


def _reached(request: Request) -> str | None:
    """The address that the client used for the API: by its Host header, else this end's own."""
    try:
        host = (request.url.hostname or "").strip("[]")
    except ValueError:
        host = ""
    if is_ip(host) and "%" not in host:
        return host
    server: tuple[str, int | None] | None = request.scope.get("server")
    return _plain(server[0]) if server and is_ip(server[0]) else None


def _plain(ip: str) -> str:
    """Without the interface of a link-local address, which means nothing elsewhere."""
    return plain_ip(ip.partition("%")[0])


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _json(status: int, value: object, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value), status, headers, media_type="application/json")


async def _told(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    return _json(exc.status_code, {"error": exc.detail}, dict(exc.headers or {}))


async def _gone(_: Request, __: Exception) -> Response:
    return _json(400, {"error": "the client left"})


async def _ours(_: Request, __: Exception) -> Response:
    return _json(500, {"error": "internal error"})


def announced(listening: Endpoint, public: str | None, reached: str | None) -> Endpoint | None:
    """Where clients find what listens there: one that listens everywhere is where the API is."""
    if listening.ip not in {"0.0.0.0", "::"}:  # noqa: S104  (compared with, not bound to)
        return listening
    ip = public or reached
    return Endpoint(ip, listening.port) if ip else None
