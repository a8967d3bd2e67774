"""Notices that the wall clock was set, or that the machine slept."""

from typing import Final

from probe.net.clocks import Clock

JUMP: Final = 5.0  # seconds by which the clocks may part between two looks before it is a jump


class ClockWatch:
    """Holds the wall clock against the one that is never set."""

    def __init__(self, clock: Clock) -> None:
        """Start from what both say now."""
        self._clock = clock
        self._wall, self._steady = clock.now(), clock.monotonic()

    def jumped(self) -> float | None:
        """Seconds by which the wall clock has leapt since the last look; None if it has not.

        A time server's correction, or a suspended machine, whose other clock stood still.
        """
        wall, steady = self._clock.now(), self._clock.monotonic()
        apart = (wall - self._wall).total_seconds() - (steady - self._steady)
        self._wall, self._steady = wall, steady
        return apart if abs(apart) > JUMP else None
