"""When each target is due: a phase of its own, kept over restarts.

The phase comes from the target's name alone, so a thousand targets never start together, and a
restart goes on in the same rhythm instead of measuring everything at once.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def phase(name: str, every: float) -> float:
    """Seconds into its period at which a target is measured, the same on every start."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * every


def slot(name: str, every: float, at: datetime) -> int:
    """The number of the target's period that an instant falls in.

    Counted in whole microseconds: as floats, the moment when it is due would fall before itself.
    """
    since = at - EPOCH - timedelta(seconds=phase(name, every))
    return since // timedelta(seconds=every)


class Schedule:
    """APScheduler, set up so that a slow target delays nobody, not even itself.

    No jitter of its own: it is added to the previous run and stretches the period.
    """

    def __init__(self, skipped: Callable[[str], None]) -> None:
        """``skipped`` is told the name of a target that was still being measured when due."""
        # A run that is late is no news for the log: the service writes an event.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            timezone=UTC,
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )

        def tell(event: JobSubmissionEvent) -> None:
            skipped(str(event.job_id))

        self._scheduler.add_listener(tell, EVENT_JOB_MAX_INSTANCES)
        self._triggers: dict[str, IntervalTrigger] = {}

    def add(
        self, name: str, every: float, work: Callable[..., Awaitable[None]], *args: Any
    ) -> None:
        """Call ``work`` every so many seconds, at the phase of this name."""
        start = EPOCH + timedelta(seconds=phase(name, every))
        trigger = IntervalTrigger(seconds=every, start_date=start, timezone=UTC)
        self._triggers[name] = trigger
        self._scheduler.add_job(work, trigger, args=args, id=name)

    def rebuild(self) -> None:
        """Find every next moment anew, from the phase and the wall clock as it stands now.

        After the clock was set back the next moments are far ahead, and nothing would happen
        until then.
        """
        for name, trigger in self._triggers.items():
            self._scheduler.reschedule_job(name, trigger=trigger)

    def start(self) -> None:
        """Let it run on the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing more; what is under way goes on."""
        self._scheduler.pause()

    def close(self) -> None:
        """Forget everything; to be called when nothing is under way any more."""
        self._scheduler.shutdown(wait=False)
