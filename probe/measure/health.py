"""The vantage is measured too: its anchors, at most a minute ago, and afresh after a failure."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from probe.core.ids import uuid7
from probe.core.model import Measurement
from probe.judge.vantage import VantageState, clock_offset, vantage_state
from probe.measure.measure import Instruments, measure
from probe.plan.jobs import Job
from probe.plan.wildcard import drawn

FRESH: Final = 60.0  # seconds that a round of anchors may be old when it is used
# Many targets that fail one after another must not turn into a load on the anchors' owners: no
# more than this many rounds in a window of seconds; those who ask meanwhile share the next one.
ROUNDS: Final = 5
WINDOW: Final = 10.0


class Health:
    """Rounds of anchors, shared by all targets: many failures at once cost one round.

    ``record`` takes each anchor's measurement; ``changed`` is told when the state changes.
    ``state`` and ``clock_offset`` (seconds that the machine's clock is ahead; None unknown) are
    what the newest round shows.
    """

    def __init__(
        self,
        anchors: Sequence[Job],
        instruments: Instruments,
        record: Callable[[Measurement], None],
        changed: Callable[[VantageState], None] = lambda _: None,
        window: float = WINDOW,
        wildcard: Job | None = None,
        told: Callable[[tuple[Measurement, ...]], None] = lambda _: None,
    ) -> None:
        """Nothing is sent before the first round is asked for; ``window`` in seconds.

        ``told`` hears of every round, for who remembers it over a restart.

        ``wildcard`` is a plan's question for a name that cannot exist, another one in each round.
        """
        self._window = window
        self._anchors = anchors
        self._instruments = instruments
        self._record = record
        self._changed = changed
        self._told = told
        self._lock = asyncio.Lock()
        self._starts = deque([float("-inf")] * ROUNDS, maxlen=ROUNDS)
        self._round: tuple[Measurement, ...] = ()
        self._wildcard = wildcard
        self.state = VantageState.UNTESTED
        self.clock_offset: float | None = None

    def restore(self, found: tuple[Measurement, ...], ago: float) -> None:
        """Take a round for the newest that began ``ago`` seconds before now, in another run."""
        self._starts.append(self._instruments.clock.monotonic() - ago)
        self._round = found
        self.clock_offset, self.state = clock_offset(found), vantage_state(found)

    async def recent(self) -> tuple[Measurement, ...]:
        """The newest round, if it is at most a minute old, else a new one."""
        return await self._since(self._instruments.clock.monotonic() - FRESH)

    async def fresh(self) -> tuple[Measurement, ...]:
        """A round that began after this call, or at the same moment."""
        return await self._since(self._instruments.clock.monotonic())

    async def _since(self, moment: float) -> tuple[Measurement, ...]:
        # Those who are content with an older round do not wait for one that is under way.
        if not self._anchors or (self._round and self._starts[-1] >= moment):
            return self._round
        async with self._lock:
            if self._starts[-1] < moment:
                await self._measure()
            return self._round

    async def _measure(self) -> None:
        clock = self._instruments.clock
        await asyncio.sleep(max(0.0, self._starts[0] + self._window - clock.monotonic()))
        started, cycle = clock.monotonic(), uuid7(clock.now())
        jobs = (*self._anchors, *([drawn(self._wildcard)] if self._wildcard else ()))
        self._round = tuple(
            await asyncio.gather(
                *(measure(job, self._instruments, cycle=cycle, role="anchor") for job in jobs)
            )
        )
        self._starts.append(started)
        self._told(self._round)
        for anchor in self._round:
            self._record(anchor)
        self.clock_offset = clock_offset(self._round)
        state = vantage_state(self._round)
        if state is not self.state:
            self.state = state
            self._changed(state)
