"""Time that jumps, so that two months pass in seconds.

``JumpingLoop`` is asyncio's own loop on another clock: when nothing is ready, its time is that of
the next timer. It fits a scripted network only: sockets and threads take time that it cannot see.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: what it should have waited is added to ``elapsed`` at once."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return []  # something is ready already
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is left that could ever happen in simulated time")
            self.elapsed += max(timeout, 0.0)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits."""

    def __init__(self) -> None:
        """Begin at second 0."""
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._jumping.elapsed


class JumpingClock:
    """A Clock whose both readings are the running loop's; it stands still outside of one."""

    def __init__(self, start: datetime) -> None:
        """Begin at ``start`` (aware)."""
        self._start = start

    def now(self) -> datetime:
        """The simulated wall clock, in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """The loop's time, in seconds."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0


def run_jumping(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine as asyncio.run does, in no time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)
