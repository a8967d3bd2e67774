"""Who may see the page: by name, by token, and with what a browser is told to forbid.

A page on a loopback address is within reach of every site that the browser shows: such a site can
let its own name point here (DNS rebinding). So a request must name an address, or a name that was
allowed. The token is shown once in a form, and becomes a cookie that ends; or it is sent as bearer.
It stands in no address, no log and no answer.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from probe.core.address import is_ip

COOKIE: Final = "probe_session"
SESSION: Final = 12 * 3600.0  # seconds for which a sign-in holds
TRIES: Final = 5  # wrong tokens of one client within PAUSE
PAUSE: Final = 60.0  # seconds
_CLIENTS: Final = 1000  # whose wrong tokens are remembered
_OPEN: Final = ("/login", "/static/")
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Keys:
    """Tokens and the sessions that they open. Without a token everybody may look."""

    def __init__(self, token: str | None, now: Callable[[], float]) -> None:
        """``now`` is a clock that is never set back, in seconds."""
        self._token = None if token is None else _digest(token)
        self._now = now
        self._secret = secrets.token_bytes(32)  # so a restart ends all sessions
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    @property
    def needed(self) -> bool:
        """Whether a token is asked for."""
        return self._token is not None

    def fits(self, token: str) -> bool:
        """Whether this is the token; how long that takes says nothing about it."""
        # Digests have one length.
        return self._token is not None and hmac.compare_digest(_digest(token), self._token)

    def session(self) -> str:
        """A cookie's value for whoever showed the token."""
        ends = f"{self._now() + SESSION:.0f}"
        return f"{ends}.{self._sign(ends)}"

    def holds(self, session: str) -> bool:
        """Whether this is such a value, and its time is not over."""
        ends, _, sign = session.partition(".")
        if not hmac.compare_digest(sign.encode(), self._sign(ends).encode()):
            return False
        return self._now() < float(ends)

    def wait(self, client: str) -> float:
        """Seconds that a client has to wait after too many wrong tokens."""
        recent = self._recent(client)
        return recent[0] + PAUSE - self._now() if len(recent) >= TRIES else 0.0

    def wrong(self, client: str) -> None:
        """Note a wrong token."""
        recent = self._recent(client)[-TRIES:]
        self._wrong[client] = [*recent, self._now()]
        self._wrong.move_to_end(client)
        if len(self._wrong) > _CLIENTS:
            self._wrong.popitem(last=False)

    def _recent(self, client: str) -> list[float]:
        return [at for at in self._wrong.get(client, ()) if at > self._now() - PAUSE]

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), "sha256").hexdigest()


class Entrance:
    """Lets in whoever may come in, and gives every answer its headers."""

    def __init__(self, inner: ASGIApp, keys: Keys, names: frozenset[str]) -> None:
        """``names`` are those under which the page may be asked for; addresses always may."""
        self._inner = inner
        self._keys = keys
        self._names = names | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say why not."""
        if scope["type"] != "http":
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._astray(headers) or self._unknown(scope, headers)
        await (refusal or self._inner)(scope, receive, sending)

    def _astray(self, headers: Headers) -> Response | None:
        """What is told to a request that another site may have sent."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._known(hosts[0]):
            return _text(421, "This page is not served under that name (see --host).")
        embedded = headers.get("sec-fetch-mode", "navigate") != "navigate"
        if embedded and headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            return _text(403, "Other sites may not use this page.")
        return None

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """What is told to a request without the token, or a session that it opened."""
        path: str = scope["path"]
        if not self._keys.needed or path.startswith(_OPEN):
            return None
        client = client_of(scope)
        if authorization := headers.get("authorization"):
            scheme, _, token = authorization.partition(" ")
            if wait := self._keys.wait(client):
                return _text(429, "Too many wrong tokens.", {"Retry-After": f"{wait:.0f}"})
            if scheme.lower() == "bearer" and self._keys.fits(token.strip()):
                return None
            self._keys.wrong(client)
        elif self._keys.holds(_cookie(headers)):
            return None
        elif scope["method"] in {"GET", "HEAD"} and "text/html" in headers.get("accept", ""):
            query = scope["query_string"].decode("ascii", "replace")
            then = quote(f"{path}?{query}" if query else path, safe="")
            return RedirectResponse(f"/login?next={then}", 303)
        return _text(401, "A token is needed.", {"WWW-Authenticate": "Bearer"})

    def _known(self, host: str) -> bool:
        name, colon, port = host.rpartition(":")
        if not colon or not (port.isascii() and port.isdigit()):
            name = host
        if name.startswith("[") and name.endswith("]"):
            return is_ip(name[1:-1]) and ":" in name
        return is_ip(name) or name.lower().rstrip(".") in self._names


def client_of(scope: Scope) -> str:
    """The address that a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _text(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(f"{text}\n", status, headers, media_type="text/plain")
