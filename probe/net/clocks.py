"""Clocks as arguments: dates from ``now``, durations from ``monotonic``."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a measurement reads the time from."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never set back."""


class RealClock:
    """The machine's clocks. asyncio's loops measure their timers by the same monotonic one."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never set back."""
        return time.monotonic()


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self, start: datetime) -> None:
        """Stand still at ``start``."""
        self._start = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The start plus everything that ``advance`` added."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds that ``advance`` added."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds
