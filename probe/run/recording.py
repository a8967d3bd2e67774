"""Hands what happens to the journal and to the watchers, and goes on without a disk."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from probe.core.model import JSON, Event, Measurement, Verdict
from probe.plan.jobs import Plan
from probe.record.disk import ResultsError
from probe.record.journal import Journal
from probe.run.watching import Watcher

_log = logging.getLogger("probe.run")


class Recording:
    """Writes, and tells whoever watches. What finds no room on the disk waits in the journal."""

    def __init__(
        self,
        journal: Journal,
        watchers: Sequence[Watcher],
        now: Callable[[], datetime],
        vantage: str,
    ) -> None:
        """``vantage`` is the id that events bear."""
        self._journal = journal
        self._watchers = watchers
        self._now = now
        self._vantage = vantage
        self._full = False

    @property
    def waiting(self) -> int:
        """How many lines wait for room on the disk."""
        return self._journal.waiting

    def planned(self, plan: Plan) -> None:
        """This is measured from now on."""
        for watcher in self._watchers:
            watcher.planned(plan)

    @contextmanager
    def cycle(self, target: str) -> Iterator[None]:
        """In it a cycle may begin; behind it, it is over."""
        for watcher in self._watchers:
            watcher.due(target)
        try:
            yield
        finally:
            for watcher in self._watchers:
                watcher.ended(target)

    def started(self, target: str, lag: float) -> None:
        """A cycle begins, so many seconds behind the moment when it was due."""
        for watcher in self._watchers:
            watcher.started(target, lag)

    def measurement(self, measurement: Measurement) -> None:
        """Record a measurement."""
        self._write(lambda: self._journal.measurement(measurement))
        for watcher in self._watchers:
            watcher.measurement(measurement)

    def verdict(self, verdict: Verdict) -> None:
        """Record a verdict."""
        self._write(lambda: self._journal.verdict(verdict))
        for watcher in self._watchers:
            watcher.verdict(verdict)

    def note(self, event: str, **detail: JSON) -> None:
        """Record an event that happens now."""
        record = Event(at=self._now(), event=event, vantage=self._vantage, detail=detail)
        self._write(lambda: self._journal.event(record))
        for watcher in self._watchers:
            watcher.event(record)

    def retry(self) -> None:
        """Write what waits, if there is room for it by now."""
        if self._journal.waiting:
            self._write(self._journal.retry)

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except ResultsError as exc:
            if not self._full:
                self._full = True
                _log.error("%s; measuring goes on", exc)
                self.note("disk_full", error=str(exc))
        else:
            if self._full and not self._journal.waiting:
                self._full = False
                _log.info("results can be written again")
