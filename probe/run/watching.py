"""Who wants to know what happens while it happens: displays, metrics, alerts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from probe.core.model import Event, Measurement, Verdict


class Watcher(Protocol):
    """Told everything, in the order in which it happens, and on the loop that measures.

    So it must neither block nor raise: work that takes time belongs into a task or a thread of
    its own. What it is told has been handed to the journal before.
    """

    def started(self, target: str, lag: float) -> None:
        """A cycle of this target begins, ``lag`` seconds behind the moment it was due (its
        random ``spread`` counted as due)."""

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

    def started(self, target: str, lag: float) -> None:
        """No news."""

    def measurement(self, measurement: Measurement) -> None:
        """No news."""

    def verdict(self, verdict: Verdict) -> None:
        """Hand it on."""
        self.take(verdict)

    def event(self, event: Event) -> None:
        """No news."""
