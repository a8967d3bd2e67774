"""Starts each target's work when its timetable says so, and nothing twice at the same time."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from probe.run.timetable import Timetable


class _Due(BaseTrigger):  # type: ignore[misc]
    """A timetable as APScheduler asks for it.

    Always the first moment that is still to come: after a leap of the clock the moments that were
    leapt over are one run and not a thousand, nor looked at one by one.
    """

    def __init__(self, timetable: Timetable) -> None:
        self._timetable = timetable

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        if previous is None:
            return self._timetable.after(now - timedelta(microseconds=1))
        return self._timetable.after(max(previous, now))


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
        self.timetables: dict[str, Timetable] = {}

    def add(
        self, name: str, timetable: Timetable, work: Callable[..., Awaitable[None]], *args: Any
    ) -> None:
        """Call ``work`` whenever the timetable says so; in place of what had this name."""
        if self.timetables.get(name) == timetable:
            self._scheduler.modify_job(name, func=work, args=args)  # what is due next stays so
            return
        self.timetables[name] = timetable
        self._scheduler.add_job(work, _Due(timetable), args=args, id=name, replace_existing=True)

    def remove(self, name: str) -> None:
        """Start it no more; what is under way goes on."""
        del self.timetables[name]
        if self._scheduler.get_job(name):  # a timetable that has ended is forgotten already
            self._scheduler.remove_job(name)

    def soon(self, name: str, at: datetime) -> None:
        """Begin once at this moment, which must be earlier than the next regular one."""
        self._scheduler.modify_job(name, next_run_time=at)

    @property
    def next_due(self) -> datetime | None:
        """The earliest moment at which anything is to begin."""
        moments = [getattr(job, "next_run_time", None) for job in self._scheduler.get_jobs()]
        return min((moment for moment in moments if moment), default=None)

    def rebuild(self) -> None:
        """Find every next moment anew, from the phase and the wall clock as it stands now.

        After the clock was set back the next moments are far ahead, and nothing would happen
        until then.
        """
        for name, timetable in self.timetables.items():
            if self._scheduler.get_job(name):
                self._scheduler.reschedule_job(name, trigger=_Due(timetable))

    def start(self) -> None:
        """Let it run on the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing more; what is under way goes on."""
        self._scheduler.pause()

    def close(self) -> None:
        """Forget everything; to be called when nothing is under way any more."""
        self._scheduler.shutdown(wait=False)
