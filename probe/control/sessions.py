"""Who may use the decoy's transfers and the echo, and until when; in memory only."""

import hmac
import ipaddress
import secrets
from typing import Final

from probe.core.address import is_local
from probe.net.clocks import Clock

MAX_SESSIONS: Final = 1024  # live at once; the API's rate limit keeps far below it


class Sessions:
    """What authenticated clients opened. A restart forgets it: they ask again."""

    def __init__(
        self,
        clock: Clock,
        *,
        seconds: float = 60.0,
        bytes_max: int = 1 << 20,
        allow_private: bool = False,
    ) -> None:
        """Each session lasts ``seconds``; one transfer has at most ``bytes_max`` octets.

        The echo opens for loopback and private addresses only with ``allow_private``: behind a
        reverse proxy every client would have the proxy's address, and opening the echo for that
        would let strangers bounce packets off this machine's own services.
        """
        self._clock = clock
        self._seconds = seconds
        self._allow_private = allow_private
        self.bytes_max = bytes_max
        # Each holds the instant of its end and is in the order of it, because all last equally.
        self._tokens: dict[str, float] = {}
        self._addresses: dict[str, float] = {}

    def open(self, client_ip: str) -> str:
        """Open the echo for this address; gives a new token for transfers.

        Beyond ``MAX_SESSIONS`` the oldest ends early. ValueError if it is no IP address.
        """
        ip = plain_ip(client_ip)
        token = secrets.token_urlsafe(24)
        self._keep(self._tokens, token)
        if self._allow_private or not is_local(ip):
            self._keep(self._addresses, ip)
        return token

    def allows_token(self, token: str) -> bool:
        """Whether a transfer may be had for this token. The time taken tells nothing about it."""
        given, now = token.encode(errors="replace"), self._clock.monotonic()
        found = False
        for known, until in self._tokens.items():
            found |= hmac.compare_digest(known.encode(), given) and now < until
        return found

    def allows_echo(self, ip: str) -> bool:
        """Whether packets from this address may be sent back to it just now."""
        return self._clock.monotonic() < self._addresses.get(plain_ip(ip), float("-inf"))

    def __len__(self) -> int:
        """How many sessions are held."""
        return len(self._tokens)

    def _keep(self, ends: dict[str, float], key: str) -> None:
        now = self._clock.monotonic()
        ends.pop(key, None)  # so that it moves to the end
        ends[key] = now + self._seconds
        while len(ends) > MAX_SESSIONS or ends[next(iter(ends))] <= now:
            del ends[next(iter(ends))]


def plain_ip(text: str) -> str:
    """The one way to write an address; an IPv4-mapped IPv6 address is its IPv4 address.

    ValueError if it is no IP address.
    """
    ip = ipaddress.ip_address(text)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ip)
