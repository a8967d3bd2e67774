"""What a check works with: the network, the trace, and everything that bounds it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from probe.checks.resolver import Resolver
from probe.core.trace import Trace
from probe.net import Network
from probe.net.trust import Trust

MAX_ADDRESSES: Final = 6  # of one name that are measured in one measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that each kind of step may take; ``late_answers`` is how long after the first
    answer a UDP query listens for another (OONI tq-001; forged answers precede the real one by at
    most 364 ms in 99 % of cases, Hoang et al. 2021)."""

    dns: float = 5.0
    connect: float = 10.0
    tls: float = 10.0
    first_byte: float = 10.0
    transfer: float = 20.0
    late_answers: float = 1.0


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """One measurement's tools. ``keep`` stores bytes as an object and gives their SHA-256.

    ``now`` is the wall clock, for protocols that put the date into their packets.
    """

    net: Network
    trace: Trace
    trust: Trust
    keep: Callable[[bytes], str]
    resolvers: tuple[Resolver, ...]
    timeouts: Timeouts = field(default_factory=Timeouts)
    ca_file: str | None = None
    user_agent: str = ""
    max_addresses: int = MAX_ADDRESSES
    now: Callable[[], datetime] = _wall
    background: set[asyncio.Task[None]] = field(default_factory=set)

    def listen(self, task: asyncio.Task[None]) -> None:
        """Let something go on beside the check; the measurement waits for it at its end."""
        self.background.add(task)
