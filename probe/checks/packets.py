"""Asking over UDP: a packet, an answer that is bound to it, and a new packet where none came.

UDP loses packets by itself, so one of them proves little. What is sent again is built anew: most
keyed protocols take an exact repetition for a replay and stay silent.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from probe.checks.kit import Kit
from probe.core.address import Endpoint
from probe.core.model import JSON
from probe.net import Datagrams

# Seconds after the first packet at which another is sent: between RFC 9002's and RFC 7296's habits.
AGAIN: Final = (1.0, 3.0)
_MOST: Final = 64  # datagrams that are looked at in one exchange

_Answer = TypeVar("_Answer")


@asynccontextmanager
async def socket_to(kit: Kit, endpoint: Endpoint) -> AsyncIterator[Datagrams]:
    """A connected UDP socket from a fresh source port; the vantage's own address is learnt."""
    sock = await kit.net.datagrams(endpoint)
    try:
        if sock.local_ip:
            kit.trace.scrubber.hide(sock.local_ip)
        yield sock
    finally:
        sock.close()


async def answer_to(
    sock: Datagrams,
    detail: dict[str, JSON],
    build: Callable[[], bytes],
    read: Callable[[bytes], _Answer | None],
    *,
    again: tuple[float, ...] = AGAIN,
) -> _Answer:
    """Send what ``build`` makes, and again after each of the seconds ``again``, until ``read``
    knows an answer: it gives None for a datagram that is not bound to anything that was sent.

    To be used inside a step, whose deadline ends the waiting. ``detail`` gets ``packets`` (sent),
    ``bytes_sent`` (of the first), ``strays`` (datagrams that were no answer) and ``bytes`` (of
    the answer). A port that is closed says so by ICMP, and the step fails as refused.
    """
    detail.update(packets=0, strays=0)
    listening = asyncio.create_task(_first(sock, detail, read))
    try:
        for pause in (*_pauses(again), None):
            packet = build()
            detail["packets"] += 1
            detail.setdefault("bytes_sent", len(packet))
            await sock.send(packet)
            await asyncio.wait({listening}, timeout=pause)
            if listening.done():
                break
        return await listening
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _first(
    sock: Datagrams, detail: dict[str, JSON], read: Callable[[bytes], _Answer | None]
) -> _Answer:
    while True:
        data = await sock.receive()
        found = read(data)
        if found is not None:
            detail["bytes"] = len(data)
            return found
        detail["strays"] += 1
        if detail["strays"] >= _MOST:
            await asyncio.Event().wait()  # a flood of others' datagrams is no answer: be deaf


def _pauses(again: tuple[float, ...]) -> tuple[float, ...]:
    """The seconds between one packet and the next."""
    return tuple(later - earlier for earlier, later in zip((0.0, *again), again, strict=False))
