"""Time that jumps: hours of deadlines and schedules in the seconds that the work itself takes.

``VirtualLoop`` is asyncio's own loop on another clock: when nothing is ready, its time is that of
the next timer. It fits scripted networks only; sockets and threads take time that it cannot see.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from unittest import mock

import apscheduler.schedulers.base

DAY = datetime(2017, 7, 18, tzinfo=UTC)

_T = TypeVar("_T")


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: what it should have waited is added to ``elapsed`` at once."""

    elapsed = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is left that could ever happen: a test hangs")
            self.elapsed += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits."""

    def __init__(self) -> None:
        super().__init__(_Jumping())

    def time(self) -> float:
        return self._selector.elapsed


def run_virtual(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine as asyncio.run does, in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class VirtualClock:
    """A Clock whose both readings move with the running loop; it stands still outside of one."""

    def __init__(self, start: datetime = DAY) -> None:
        self.start = start

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0


@contextmanager
def apscheduler_on(clock: VirtualClock) -> Iterator[None]:
    """Let APScheduler, which reads the wall clock by itself, read this one."""

    class Reading(datetime):
        @classmethod
        def now(cls, tz=None):
            return clock.now().astimezone(tz)

    with mock.patch.object(apscheduler.schedulers.base, "datetime", Reading):
        yield
