"""This machine's own resolver, getaddrinfo, which blocks and cannot be cancelled.

Each lookup runs in a daemon thread that nobody joins: a resolver that hangs for minutes must not
keep the program from ending. The number of threads is bounded; a lookup beyond it waits its turn.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from probe.core.address import is_ip

MAX_THREADS: Final = 64


class SystemResolver:
    """Asks getaddrinfo. It reports no response code, so none is claimed for it."""

    def __init__(
        self, threads: int = MAX_THREADS, getaddrinfo: Callable[..., Any] = socket.getaddrinfo
    ) -> None:
        """Allow at most ``threads`` lookups at once, hanging ones included."""
        self._getaddrinfo = getaddrinfo
        self._free = asyncio.Semaphore(threads)

    async def lookup(self, host: str) -> tuple[str, ...]:
        """Addresses in the resolver's order, each once. Raises socket.gaierror."""
        if is_ip(host):
            return (host,)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[str, ...]] = loop.create_future()

        def settle(addresses: tuple[str, ...], error: OSError | UnicodeError | None) -> None:
            self._free.release()  # only now: a lookup that was given up still holds its thread
            if answer.done():
                return
            if error is None:
                answer.set_result(addresses)
            else:
                answer.set_exception(error)

        def work() -> None:
            addresses: tuple[str, ...] = ()
            error: OSError | UnicodeError | None = None
            try:
                found = self._getaddrinfo(host, None, type=socket.SOCK_STREAM)
                addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
            except (OSError, UnicodeError) as exc:
                error = exc
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, addresses, error)

        await self._free.acquire()
        threading.Thread(target=work, name="getaddrinfo", daemon=True).start()
        return await answer
