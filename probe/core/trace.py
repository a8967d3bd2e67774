"""Records each network operation where it happens, as a step.

A check opens a step, does one thing inside it, and lets every exception through. The trace reads
the clock, classifies, records, and ends that transaction with ``Stopped``: so a check reads as a
straight line without a single ``if`` on errors.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from probe.core.failure import INTERRUPTED, PERMISSION, UNKNOWN, classify
from probe.core.model import JSON, Step
from probe.core.scrub import Scrubber


class Stopped(Exception):  # noqa: N818  (control flow: the failure has been recorded)
    """A step failed and stands in the trace; nothing more can be done in its transaction."""

    def __init__(self, failure: str) -> None:
        """Carry the failure's name, for the few callers that go another way after it."""
        super().__init__(failure)
        self.failure = failure


class Trace:
    """The steps of one measurement, in the order in which they ended."""

    def __init__(
        self, monotonic: Callable[[], float], *, budget: float, scrubber: Scrubber | None = None
    ) -> None:
        """Start the clock. No step may outlast ``budget`` seconds from here on."""
        self._monotonic = monotonic
        self._zero = monotonic()
        self._budget = budget
        self._transactions = 0
        self.scrubber = scrubber or Scrubber()
        self.steps: list[Step] = []

    def transaction(self) -> int:
        """The number of a new transaction, from 1."""
        self._transactions += 1
        return self._transactions

    def elapsed(self) -> float:
        """Seconds since the measurement started."""
        return self._monotonic() - self._zero

    def left(self) -> float:
        """Seconds until the whole measurement's deadline; never negative."""
        return max(0.0, self._budget - self.elapsed())

    @asynccontextmanager
    async def step(
        self,
        op: str,
        transaction: int,
        address: str | None = None,
        *,
        within: float,
        **detail: JSON,
    ) -> AsyncIterator[dict[str, JSON]]:
        """Do one network operation inside; yields the step's detail, to be filled in.

        Raises Stopped after a network failure was recorded. An error of our own is recorded and
        passes through unchanged, and so does cancellation.
        """
        t0 = self.elapsed()
        failure: str | None = None
        try:
            async with asyncio.timeout(min(within, self.left())):
                yield detail
        except asyncio.CancelledError:
            failure = INTERRUPTED
            raise
        except Exception as exc:
            failure = classify(exc)
            if failure is None:
                failure = f"{UNKNOWN}{type(exc).__name__}"
                raise
            if failure.startswith(UNKNOWN):
                failure = self.scrubber.text(failure)
            if raw := getattr(exc, "raw", "") or getattr(exc, "reason", ""):
                detail.setdefault("error", self.scrubber.text(str(raw))[:200])
            if failure == PERMISSION and isinstance(exc, OSError) and exc.errno:
                detail["errno"] = errno.errorcode[exc.errno]
            raise Stopped(failure) from exc
        finally:
            self.record(op, transaction, address, t0, self.elapsed(), failure, detail)

    def record(
        self,
        op: str,
        transaction: int,
        address: str | None,
        t0: float,
        t: float,
        failure: str | None,
        detail: dict[str, JSON],
    ) -> None:
        """Append a step whose times the caller knows, such as an answer that came late."""
        self.steps.append(
            Step(
                op=op,
                transaction=transaction,
                address=address,
                t0=round(t0, 6),
                t=round(t, 6),
                failure=failure,
                detail=detail,
            )
        )
