"""The page's addresses, and what each is answered with. Only reading, and only so much at once."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from probe.judge.knowledge import Knowledge
from probe.serve import exports
from probe.serve.access import COOKIE, SESSION, Entrance, Keys, client_of
from probe.serve.history import History
from probe.serve.pages import frame
from probe.serve.pages.frame import Frame, address
from probe.serve.pages.others import login_page, message_page
from probe.serve.selection import Selection, Wrong, hour_of
from probe.serve.style import sheet
from probe.serve.views import NotThere, View, Views

BODY: Final = 4096  # bytes of a sign-in
WORKING: Final = 4  # requests that are worked on at once
EXPORTS: Final = 2  # downloads at once
_SECONDS: Final = 10.0  # for a sign-in to come
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What the page is about and by what it is known.

    ``now`` is the wall clock; ``steady`` is never set back, for sign-ins.
    """

    root: Path
    history: History
    knowledge: Callable[[], Knowledge]
    now: Callable[[], datetime]
    steady: Callable[[], float]
    token: str | None = None
    names: frozenset[str] = frozenset()


class _App:
    def __init__(self, about: Serving) -> None:
        self.keys = Keys(about.token, about.steady)
        self._about = about
        self._views = Views(about.root, about.history, about.knowledge, about.now)
        self._working = anyio.CapacityLimiter(WORKING)
        self._exports = 0

    async def view(self, request: Request, make: Callable[[], View]) -> Response:
        """A page made on a thread, with a tag by which a browser asks whether it has changed."""
        found = await run_sync(make, limiter=self._working)
        still = None
        if found.refreshes and request.query_params.get("still") != "1":
            still = address(request.url.path, {**request.query_params, "still": "1"})
        body = frame.page(
            Frame(
                title=found.title,
                here=request.url.path,
                still=still,
                soon=2 if found.unread else None,
                can_leave=self.keys.needed,
                notices=found.notices,
            ),
            *found.parts,
        )
        return _tagged(request, body, _HTML)

    async def now(self, request: Request) -> Response:
        return await self.view(request, partial(self._views.hours, request.query_params))

    async def month(self, request: Request) -> Response:
        return await self.view(request, partial(self._views.month, request.query_params))

    async def feature(self, request: Request) -> Response:
        return await self.view(request, partial(self._views.feature, request.query_params))

    async def hour(self, request: Request) -> Response:
        return await self.view(
            request, partial(self._views.hour, request.query_params, _hour(request))
        )

    async def verdict(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        return await self.view(request, partial(self._views.verdict, _hour(request), id_))

    async def measurement(self, request: Request) -> Response:
        id_: str = request.path_params["id"]
        if id_.endswith(".json"):
            call = partial(self._views.measurement_json, _hour(request), id_.removesuffix(".json"))
            found = await run_sync(call, limiter=self._working)
            return Response(found, media_type="application/json")
        return await self.view(request, partial(self._views.measurement, _hour(request), id_))

    async def events(self, request: Request) -> Response:
        return await self.view(request, partial(self._views.events, request.query_params))

    async def downloads(self, request: Request) -> Response:
        return await self.view(request, partial(self._views.downloads, request.query_params))

    async def export(self, request: Request) -> Response:
        kind, _, form = request.path_params["file"].partition(".")
        if kind not in exports.KINDS or form not in exports.FORMS:
            raise NotThere("there is no such download")
        selection = Selection.of(request.query_params)
        if self._exports >= EXPORTS:
            raise HTTPException(503, "Other downloads are under way.", {"Retry-After": "10"})
        self._exports += 1

        async def body() -> Any:
            try:
                found = exports.pieces(self._about.root, kind, form, selection)
                while (piece := await run_sync(next, found, None)) is not None:
                    yield piece
            finally:
                self._exports -= 1

        name = f'attachment; filename="probe-{kind}.{form}"'
        return StreamingResponse(
            body(), media_type=exports.FORMS[form], headers={"Content-Disposition": name}
        )

    async def login(self, request: Request) -> Response:
        then = _local(request.query_params.get("next", "/"))
        if request.method != "POST":
            return self._sign_in(then, None)
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers["host"]:
            raise HTTPException(403, "Other sites may not sign in here.")
        try:
            form = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=10)
        except ValueError:
            raise Wrong("that is no sign-in") from None
        then = _local(form.get("next", ["/"])[0])
        client = client_of(request.scope)
        if wait := self.keys.wait(client):
            again = {"Retry-After": f"{wait:.0f}"}
            return self._sign_in(then, "Too many wrong tokens: wait a minute.", 429, again)
        if not self.keys.fits(form.get("token", [""])[0].strip()):
            self.keys.wrong(client)
            return self._sign_in(then, "That is not the token.", 403)
        answer = RedirectResponse(then, 303)
        answer.set_cookie(
            COOKIE,
            self.keys.session(),
            max_age=int(SESSION),
            httponly=True,
            samesite="strict",
            secure=request.headers.get("x-forwarded-proto") == "https",
        )
        return answer

    def _sign_in(
        self,
        then: str,
        wrong: str | None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        body = frame.page(Frame(title="Sign in"), *login_page(then, wrong))
        return Response(body, status, headers, media_type=_HTML)

    async def logout(self, _: Request) -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            raise NotThere("there is no such file")
        kind, body = _STATIC[name]
        answer = _tagged(request, body, kind)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def application(about: Serving) -> ASGIApp:
    """The whole page as an ASGI application."""
    app = _App(about)
    get = ["GET"]
    routes = [
        Route("/", app.now, methods=get),
        Route("/month", app.month, methods=get),
        Route("/feature", app.feature, methods=get),
        Route("/hour/{hour}", app.hour, methods=get),
        Route("/verdict/{hour}/{id}", app.verdict, methods=get),
        Route("/measurement/{hour}/{id}", app.measurement, methods=get),
        Route("/events", app.events, methods=get),
        Route("/downloads", app.downloads, methods=get),
        Route("/export/{file}", app.export, methods=get),
        Route("/static/{name}", app.static, methods=get),
    ]
    if app.keys.needed:
        routes.append(Route("/login", app.login, methods=["GET", "POST"]))
        routes.append(Route("/logout", app.logout, methods=["POST"]))
    told = {
        Wrong: _wrong,
        NotThere: _gone,
        HTTPException: _told,
        PermissionError: _closed,
        Exception: _ours,
    }
    inner = Starlette(routes=routes, exception_handlers=told)
    return Entrance(inner, app.keys, about.names)


def _file(name: str) -> bytes:
    return files("probe.serve").joinpath("static", name).read_bytes()


_STATIC: Final = {
    "page.css": ("text/css; charset=utf-8", sheet(_file("page.css"))),
    "refresh.js": ("text/javascript; charset=utf-8", _file("refresh.js")),
    "icon.svg": ("image/svg+xml", _file("icon.svg")),
}


def _hour(request: Request) -> datetime:
    return hour_of(request.path_params["hour"])


def _local(path: str) -> str:
    """Where to go after a sign-in: only within this page."""
    within = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if within and len(path) <= BODY else "/"


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        with anyio.fail_after(_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY:
                    raise HTTPException(413, "That is too much for a token.")
    except TimeoutError:
        raise HTTPException(408, "The token did not come in time.") from None
    return bytes(body)


def _tagged(request: Request, body: bytes, kind: str) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=kind)


def _message(status: int, heading: str, text: str, **headers: str) -> Response:
    body = frame.page(Frame(title=heading), *message_page(heading, text))
    return Response(body, status, headers, media_type=_HTML)


async def _wrong(_: Request, exc: Exception) -> Response:
    return _message(400, "That cannot be asked", str(exc))


async def _gone(_: Request, exc: Exception) -> Response:
    return _message(404, "There is no such thing", str(exc))


async def _told(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    heading = "There is no such page" if exc.status_code == 404 else "That did not work"
    answer = _message(exc.status_code, heading, exc.detail)
    answer.headers.update(exc.headers or {})
    return answer


async def _closed(_: Request, __: Exception) -> Response:
    return _message(500, "No permission", "The results may not be read by this program.")


async def _ours(_: Request, __: Exception) -> Response:
    return _message(500, "An internal error", "This is a fault of the page; its log has more.")
