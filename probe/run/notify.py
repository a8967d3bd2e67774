"""Tells the service manager how it goes: systemd's notification protocol, sd_notify(3).

A datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names. Without one nothing
is sent, and nothing that goes wrong here stops the probe.
"""

import logging
import os
import socket
import time
from collections.abc import MutableMapping
from typing import Final, Self

_TEXT: Final = 200  # characters of a status
_log = logging.getLogger("probe.run")


class Notifier:
    """``watchdog`` is the number of seconds within which the manager wants a sign of life."""

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        """Send to this address: a path, or behind ``@`` an abstract name. None: to nobody."""
        self._address = address
        self.watchdog = watchdog if address else None
        self._told = False

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Self:
        """As the manager says it; it is taken out, so that no other process answers for this."""
        address = environ.pop("NOTIFY_SOCKET", "")
        period, process = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        ours = process in {"", str(os.getpid())}
        watchdog = int(period) / 1e6 if ours and period.isdecimal() and int(period) else None
        return cls(address if address.startswith(("/", "@")) else None, watchdog)

    def ready(self, status: str) -> None:
        """It runs, or has read its configuration again."""
        self._send("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """It reads its configuration again; ``ready`` must follow."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self) -> None:
        """It ends."""
        self._send("STOPPING=1", "STATUS=finishing what is under way")

    def status(self, text: str) -> None:
        """What it does, in words for a person."""
        self._send(f"STATUS={_line(text)}")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        place = f"\0{self._address[1:]}" if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.connect(place)
                sock.send("\n".join(lines).encode())
        except OSError as exc:
            if not self._told:
                self._told = True
                _log.warning("the service manager cannot be told: %s", exc.strerror or exc)


def _line(text: str) -> str:
    return " ".join(text.split())[:_TEXT]
