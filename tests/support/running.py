"""For a running probe: many targets, and results kept in memory."""

from collections.abc import Iterable
from typing import Any

from probe.core.model import Event, Measurement, Verdict
from probe.record.disk import DiskFull


class Notebook:
    """Stands in for the journal: keeps records in memory, and what comes while ``full`` waits."""

    def __init__(self) -> None:
        self.full = False
        self.measurements: list[Measurement] = []
        self.verdicts: list[Verdict] = []
        self.events: list[Event] = []
        self._backlog: list[tuple[list[Any], Any]] = []

    @property
    def waiting(self) -> int:
        return len(self._backlog)

    def measurement(self, measurement: Measurement) -> None:
        self._append(self.measurements, measurement)

    def verdict(self, verdict: Verdict) -> None:
        self._append(self.verdicts, verdict)

    def event(self, event: Event) -> None:
        self._append(self.events, event)

    def _append(self, records: list[Any], record: Any) -> None:
        self._backlog.append((records, record))
        if self.full:
            raise DiskFull("results: the disk is full")
        for place, waiting in self._backlog:
            place.append(waiting)
        self._backlog.clear()

    def told(self, name: str) -> list[dict[str, Any]]:
        """The details of all events of this name."""
        return [event.detail for event in self.events if event.event == name]

    def of(self, *targets: str) -> list[Measurement]:
        """The measurements of these targets."""
        return [m for m in self.measurements if m.target.id in targets]

    def outcomes(self, target: str | None) -> list[str]:
        """The outcomes of a target's verdicts, or (None) of the features'."""
        return [v.outcome for v in self.verdicts if v.target == target]


def targets(*ids: str, **more: Any) -> Iterable[dict[str, Any]]:
    """TCP targets with these ids at 192.0.2.1, each on a port of its own, from 1 on."""
    return [
        {"id": name, "url": f"tcp://192.0.2.1:{port}", **more} for port, name in enumerate(ids, 1)
    ]
