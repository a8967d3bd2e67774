"""Asks a service of our own kind over HTTPS: bytes are posted, bytes come back, within a deadline.

This module and ``web`` are the two around httpx, and neither carries a measurement: a proxy that
the environment names is used here.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Sequence
from typing import Final

import httpx

from probe import __version__
from probe.core.strictyaml import ConfigError
from probe.net.trust import Policy, Trust

PAUSES: Final = (0.5, 2.0)  # seconds before the second and the third try
PATIENCE: Final = 5.0  # seconds; a service that asks for a longer pause is not waited for
_CONNECT: Final = 8.0  # seconds
_AT_ONCE: Final = 16  # connections; more would only wait for each other at the other end
_TOLD: Final = 4096  # bytes of an error's text that are read


class ApiError(Exception):
    """The service could not be asked, or refused; the text says why and holds no secret."""


class UnreachableError(ApiError):
    """Nothing of the service was heard: asking it something else would end in the same way."""


class _PassingError(Exception):
    """What may be gone after a pause of ``after`` seconds; None: after the usual one."""

    def __init__(self, text: str, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after


class _SilentError(_PassingError):
    """No connection, or one that broke."""


class Api:
    """One service, over connections that are kept for the next question."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        ca_file: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Read the files and send nothing. Raises ConfigError for a file that is unusable.

        ``ca_file`` holds authorities to trust besides the system's; ``client_cert`` and
        ``client_key`` (PEM; the key may stand in the same file) are shown to the service.
        """
        self._url = url
        self._pauses = pauses
        headers = {"User-Agent": f"probe/{__version__}", "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self._client = httpx.AsyncClient(
                headers=headers,
                verify=_context(ca_file, client_cert, client_key),
                timeout=httpx.Timeout(None, connect=_CONNECT),  # each call has a deadline of all
                limits=httpx.Limits(max_connections=_AT_ONCE),
            )
        except (ValueError, ImportError) as exc:
            raise ConfigError(f"the proxy that the environment names: {exc}") from None

    async def post(self, path: str, body: bytes, *, within: float, limit: int) -> bytes:
        """The body of the answer (status 200, at most ``limit`` bytes) to this JSON.

        No connection, 429 and 5xx are tried again twice, as long as ``within`` seconds allow it; a
        redirect is not followed. Raises ApiError, UnreachableError where no try was answered.
        """
        last, silent = "no answer in time", True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                for pause in (*self._pauses, None):
                    try:
                        return await self._post(path, body, limit)
                    except _PassingError as exc:
                        last, silent = str(exc), silent and isinstance(exc, _SilentError)
                        if pause is None or (exc.after or 0.0) > PATIENCE:
                            break
                        await asyncio.sleep(max(pause, exc.after or 0.0))
                    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as exc:
                        raise ApiError(str(exc) or type(exc).__name__) from exc
        raise UnreachableError(last) if silent else ApiError(last)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _post(self, path: str, body: bytes, limit: int) -> bytes:
        headers = {"Content-Type": "application/json"}
        sending = self._client.stream("POST", self._url + path, content=body, headers=headers)
        try:
            async with sending as response:
                if response.status_code != 200:
                    raise await _refusal(response)
                return await _read(response, limit)
        except httpx.UnsupportedProtocol:
            raise
        except httpx.TransportError as exc:
            raise _SilentError(str(exc) or type(exc).__name__) from exc


async def _read(response: httpx.Response, limit: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("it answered compressed, though asked not to")
    taken = bytearray()
    async for piece in response.aiter_raw():
        taken += piece
        if len(taken) > limit:
            raise ValueError(f"its answer is larger than {limit} bytes")
    return bytes(taken)


async def _refusal(response: httpx.Response) -> Exception:
    status = response.status_code
    if status == 401:
        return ApiError("it does not know us: the token or the certificate is wrong (401)")
    if response.is_redirect:
        return ApiError(f"it answered {status}, and redirects are not followed")
    told = f"it answered {status}"
    with contextlib.suppress(ValueError, RecursionError, httpx.HTTPError):
        match json.loads(await _read(response, _TOLD)):
            case {"error": str(error)}:
                told += f": {error}"
    if status == 429 or status >= 500:
        after = response.headers.get("Retry-After", "")
        return _PassingError(told, float(after) if after.isdecimal() else None)
    return ApiError(told)


def _context(
    ca_file: str | None, client_cert: str | None, client_key: str | None
) -> ssl.SSLContext:
    context = Trust().prepare(Policy(ca_file=ca_file))
    if client_cert is not None:
        try:
            # Without a password OpenSSL would ask for one at the terminal, if there is one.
            context.load_cert_chain(client_cert, client_key, password="")
        except ssl.SSLError:
            raise ConfigError(
                f"{client_cert}: needs a certificate in PEM form and its key, without a password"
            ) from None
        except OSError as exc:
            raise ConfigError(f"{client_key or client_cert}: {exc.strerror}") from None
    return context
