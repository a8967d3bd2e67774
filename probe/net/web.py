"""Fetches a document over HTTP, which is no measurement: a list of reports, say.

This module and ``api`` are the two around httpx. Proxy settings of the environment and
SSL_CERT_FILE are honoured, as a person who fetches a file expects; a measurement never comes this
way.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from probe import __version__
from probe.core.masking import mask

LIMIT: Final = 4 * 1024 * 1024  # bytes
LARGEST: Final = 64 * 1024 * 1024  # bytes of what is asked for as large
TRIES: Final = 3
_PAUSE: Final = 0.5  # seconds before the second try; doubled before each further one
_TIMEOUT: Final = 20.0  # seconds for each connection, and for each wait for more bytes
_WHOLE: Final = 60.0  # seconds for one try, however steadily bytes trickle
_REDIRECTS: Final = 5
_HEADERS: Final = {
    "User-Agent": f"probe/{__version__}",
    # Uncompressed, so that the limit is one of what arrives and of what it becomes.
    "Accept-Encoding": "identity",
}


class WebError(Exception):
    """A document could not be fetched; the text says which, and why."""


class _PassingError(Exception):
    """What may be gone at the next try."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server gave: the body, or that it is ``unchanged``, and by what to know it again."""

    body: bytes
    unchanged: bool
    etag: str | None
    modified: str | None
    date: str


def fetch(
    url: str,
    *,
    limit: int = LIMIT,
    timeout: float = _TIMEOUT,
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """The body at an http:// or https:// address; the rest as ``ask``."""
    return ask(url, limit=limit, timeout=timeout, sleep=sleep).body


def ask(
    url: str,
    *,
    limit: int = LIMIT,
    timeout: float = _TIMEOUT,
    sleep: Callable[[float], None] = time.sleep,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """What is at an http:// or https:// address, redirects followed, if it has ``limit`` bytes.

    ``headers`` may ask for it only if it has changed. No connection, silence for ``timeout``
    seconds, and a server's 429 or 5xx are tried again twice. Raises WebError when it fails for
    good; secrets in the address do not show in it.
    """
    for attempt in range(TRIES):
        if attempt:
            sleep(_PAUSE * 2 ** (attempt - 1))
        try:
            return _ask(url, limit, timeout, headers or {})
        except _PassingError as exc:
            last = exc
        # httpx raises InvalidURL; ValueError, ImportError and OSError come from a proxy setting or
        # a certificate file that cannot be used.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as exc:
            raise WebError(f"{mask(url)}: {_reason(exc)}") from exc
    raise WebError(f"{mask(url)}: {last} ({TRIES} tries)") from last


def _ask(url: str, limit: int, timeout: float, headers: Mapping[str, str]) -> Answer:
    until = time.monotonic() + _WHOLE
    try:
        with (
            httpx.Client(timeout=timeout, follow_redirects=True, max_redirects=_REDIRECTS) as web,
            web.stream("GET", url, headers={**_HEADERS, **headers}) as response,
        ):
            unchanged = response.status_code == 304 and bool(headers)
            if not unchanged:
                _check(response)
            body = bytearray()
            for piece in response.iter_raw():
                body += piece
                if len(body) > limit:
                    raise WebError(f"{mask(url)}: larger than {limit} bytes")
                if time.monotonic() > until:
                    raise _PassingError(f"not complete after {_WHOLE:.0f} s")
            told = response.headers
            return Answer(
                body=bytes(body),
                unchanged=unchanged,
                etag=told.get("ETag"),
                modified=told.get("Last-Modified"),
                date=told.get("Date", "an unknown date"),
            )
    except httpx.UnsupportedProtocol:
        raise
    except httpx.TransportError as exc:
        raise _PassingError(_reason(exc)) from exc


def _check(response: httpx.Response) -> None:
    if response.status_code == 429 or response.status_code >= 500:
        raise _PassingError(f"the server answered {response.status_code}")
    if response.status_code != 200:
        raise ValueError(f"the server answered {response.status_code}")
    schemes = [step.url.scheme for step in (*response.history, response)]
    if schemes[0] == "https" and "http" in schemes:
        raise ValueError("redirected from https:// to http://, where anybody could change it")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("the server sent it compressed, though asked not to")


def _reason(exc: Exception) -> str:
    if isinstance(exc, httpx.TimeoutException):
        return "no answer in time"
    return str(exc) or type(exc).__name__
