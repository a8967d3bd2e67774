"""Who wants to know what happens while it happens: displays, metrics, alerts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from probe.core.model import Event, Measurement, Verdict
from probe.plan.jobs import Plan


class Watcher(Protocol):
    """Told everything, in the order in which it happens, and on the loop that measures.

    So it must neither block nor raise: work that takes time belongs into a task or a thread of
    its own. What it is told has been handed to the journal before.
    """

    def planned(self, plan: Plan) -> None:
        """What is measured from now on: before the first cycle, and after every reload."""

    def due(self, target: str) -> None:
        """A cycle of this target may begin, and waits until others leave it room."""

    def started(self, target: str, lag: float) -> None:
        """A cycle of this target begins, ``lag`` seconds behind the moment it was due (its
        random ``spread`` counted as due)."""

    def ended(self, target: str) -> None:
        """The cycle that was ``due`` is over, whatever came of it, and if it ever began."""

    def measurement(self, measurement: Measurement) -> None:
        """A measurement of any role and origin."""

    def verdict(self, verdict: Verdict) -> None:
        """A verdict on a target, or on a feature."""

    def event(self, event: Event) -> None:
        """An event, as it stands in ``events.jsonl``: health, missed, skipped, disk_full, ..."""


@dataclass(frozen=True, slots=True)
class VerdictWatcher:
    """A watcher to whom only verdicts are news."""

    take: Callable[[Verdict], None]

    def planned(self, plan: Plan) -> None:
        """No news."""

    def due(self, target: str) -> None:
        """No news."""

    def started(self, target: str, lag: float) -> None:
        """No news."""

    def ended(self, target: str) -> None:
        """No news."""

    def measurement(self, measurement: Measurement) -> None:
        """No news."""

    def verdict(self, verdict: Verdict) -> None:
        """Hand it on."""
        self.take(verdict)

    def event(self, event: Event) -> None:
        """No news."""
