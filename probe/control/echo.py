"""The echo: sends what comes back to where it came from, and to nobody who did not ask for it.

A protocol's first packets can so be tried on the path without any server of that protocol. It is
no amplifier and no reflector: only an address whose session is open gets anything, never more
octets than came from it, never at a port where a service might answer, and not often.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Final, Self

from probe.control.listener import Listener, bind, endpoint_of, reset_on_close
from probe.control.rates import Rates
from probe.control.sessions import Sessions, plain_ip
from probe.core.address import Endpoint
from probe.net.clocks import Clock

_DATAGRAM_MAX: Final = 1500  # octets
_CONNECTION_MAX: Final = 64 * 1024  # octets that one connection gets back
_CHUNK: Final = 4096
_PORTS: Final = 1024  # below are services, and who asks uses an ephemeral port (RFC 6335)
_AT_ONCE: Final = 32  # datagrams read before others get their turn
_BREATH: Final = 0.05  # seconds between two looks whether more may be sent
_TRIES: Final = 16  # to find a port that is free for both
_CONNECTIONS: Final = 128
_CONNECTIONS_EACH: Final = 16  # from one address


class Echo:
    """Answers over TCP and UDP from ``start`` until ``close``. Logs nothing."""

    def __init__(
        self,
        stream: socket.socket,
        datagrams: socket.socket,
        sessions: Sessions,
        rates: Rates,
        patience: float,
    ) -> None:
        """Take over bound sockets; see ``start``."""
        self.endpoint = endpoint_of(stream)
        self._sessions = sessions
        self._rates = rates
        self._patience = patience
        self._datagrams = datagrams
        asyncio.get_running_loop().add_reader(datagrams, self._answer)
        self._listener = Listener(
            [stream], self._serve, most=_CONNECTIONS, most_each=_CONNECTIONS_EACH
        )

    @classmethod
    async def start(
        cls,
        listen: Endpoint,
        sessions: Sessions,
        clock: Clock,
        *,
        packets_per_second: float = 20,
        bytes_per_second: float = 256 * 1024,
        patience: float = 30.0,
    ) -> Self:
        """Listen. OSError if the endpoint is taken.

        The rates are for one address (a connection counts as a packet, its octets as octets); ten
        times as much is for all together. A connection lasts at most ``patience`` seconds.
        """
        stream, datagrams = _bound(listen)
        # Less than a chunk in a second would never grant one.
        octets = max(bytes_per_second, _CHUNK)
        rates = Rates(clock, packets=max(packets_per_second, 1), octets=octets)
        return cls(stream, datagrams, sessions, rates, patience)

    async def close(self) -> None:
        """Stop listening, and end every connection that is still open."""
        asyncio.get_running_loop().remove_reader(self._datagrams)
        self._datagrams.close()
        await self._listener.close()

    def _allows(self, peer: Endpoint) -> bool:
        # Another echo's packets would come back for ever.
        echoing = peer.port == self.endpoint.port
        return peer.port >= _PORTS and not echoing and self._sessions.allows_echo(peer.ip)

    def _answer(self) -> None:
        """Send back the datagrams that have come."""
        with suppress(OSError):  # none is left, or the kernel cannot take an answer just now
            for _ in range(_AT_ONCE):
                data, address = self._datagrams.recvfrom(_DATAGRAM_MAX + 1)
                peer = Endpoint(plain_ip(address[0]), address[1])
                if len(data) > _DATAGRAM_MAX or not self._allows(peer):
                    continue
                if self._rates.grant(peer.ip, packets=1, octets=len(data)):
                    self._datagrams.sendto(data, address)

    async def _serve(self, sock: socket.socket, peer: Endpoint) -> None:
        """Send back what comes; whatever is against the rules, or too slow, ends in a reset."""
        whole = False
        try:
            async with asyncio.timeout(self._patience):
                whole = await self._returned(sock, peer)
        finally:
            if not whole:
                reset_on_close(sock)

    async def _returned(self, sock: socket.socket, peer: Endpoint) -> bool:
        """Send back what comes until the client closes; False if that was not to be."""
        loop = asyncio.get_running_loop()
        if not self._allows(peer) or not self._rates.grant(peer.ip, packets=1):
            return False
        left = _CONNECTION_MAX
        while data := await loop.sock_recv(sock, _CHUNK):
            left -= len(data)
            if left < 0:
                return False
            while self._allows(peer):
                if self._rates.grant(peer.ip, octets=len(data)):
                    break
                # This slows the sender down; dropping octets would garble what it gets back.
                await asyncio.sleep(_BREATH)
            else:
                return False
            await loop.sock_sendall(sock, data)
        return True


def _bound(at: Endpoint) -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket on the same port; for port 0, on one that is free for both."""
    for _ in range(_TRIES - 1 if at.port == 0 else 0):
        with suppress(OSError):
            return _bound_once(at)
    return _bound_once(at)


def _bound_once(at: Endpoint) -> tuple[socket.socket, socket.socket]:
    stream = bind(at, socket.SOCK_STREAM)
    try:
        return stream, bind(endpoint_of(stream), socket.SOCK_DGRAM)
    except BaseException:
        stream.close()
        raise
