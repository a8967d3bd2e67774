"""Hands a message to one address, in a process of its own and in bounded time."""

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from typing import Final, Protocol

from probe.core.strictyaml import ConfigError

DEADLINE: Final = 60.0  # seconds for one delivery; the start of the library is part of it
_ANSWER: Final = 4096  # bytes
# What a delivery needs of the environment: no other secrets, such as a control's token.
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_HANDED_ON: Final = frozenset(
    {
        *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
        *(name for proxy in _PROXIES for name in (proxy, proxy.upper())),
    }
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of it; ``service`` is the kind of service, None where the address is none."""

    delivered: bool
    service: str | None = None
    reason: str = ""


class Notifier(Protocol):
    """Where messages go; tests have one of their own."""

    async def send(self, url: str, title: str, body: str) -> Delivery:
        """Try once. Whatever goes wrong is the delivery's ``reason``; it names no address."""


class AppriseNotifier:
    """Every service that Apprise knows. ``deadline`` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        """ConfigError where the library is not installed."""
        if importlib.util.find_spec("apprise") is None:
            raise ConfigError("alerts need a package more; run: pip install 'probe[alerts]'")
        self._deadline = deadline

    async def send(self, url: str, title: str, body: str) -> Delivery:
        """Start a process, and kill it when the time is over."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "probe.run.alerts.deliver"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name in _HANDED_ON},
        )
        try:
            async with asyncio.timeout(self._deadline):
                return _read(await _asked(process, {"url": url, "title": title, "body": body}))
        except TimeoutError:
            return Delivery(False, reason=f"no answer within {self._deadline:g} s")
        except OSError as exc:
            return Delivery(False, reason=(exc.strerror or str(exc)).lower())
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())


async def _asked(process: asyncio.subprocess.Process, question: dict[str, str]) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(question).encode())
    await process.stdin.drain()
    process.stdin.close()
    return await process.stdout.read(_ANSWER)


def _read(answer: bytes) -> Delivery:
    try:
        told = json.loads(answer)
        service, delivered = told["service"], told["delivered"] is True
    except (ValueError, KeyError, TypeError):
        return Delivery(False, reason="the delivery broke off")
    if service is None:
        return Delivery(False, reason="Apprise knows no such service, or the address lacks a part")
    reason = "" if delivered else "refused, or not reached"
    return Delivery(delivered, str(service)[:40], reason)
