"""Verdicts that say the same, brought together: only their times tell them apart.

A year of many targets is tens of millions of verdicts, and says few different things.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from probe.core.model import Outcome, Vantage
from probe.record.brief import Brief
from probe.record.scan import within


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """What some verdicts say; ``own`` are those on the feature itself, not on one of its targets.

    ``times`` holds Unix seconds, in any order; the other fields are those of
    ``core.model.Verdict``.
    """

    vantage: Vantage
    own: bool
    service: str
    feature: str
    outcome: Outcome
    mechanism: str | None
    times: "array[float]" = field(default_factory=lambda: array("d"))


class Gathering:
    """Brings the verdicts of a time together; None leaves that side open."""

    def __init__(self, since: datetime | None, until: datetime | None) -> None:
        """Begin with nothing."""
        self._time = since, until
        self._found: dict[tuple[int, bool, str, str, str, str | None], Alike] = {}

    def add(self, verdicts: Iterable[Brief]) -> None:
        """Take in verdicts; a vantage is known by its one object."""
        for one in verdicts:
            self.like(one).times.append(one.at.timestamp())

    def wants(self, at: datetime) -> bool:
        """Whether what was concluded at this moment is asked for."""
        return within(at, *self._time)

    def like(self, brief: Brief) -> Alike:
        """Those that say the same as this one."""
        own = brief.target is None
        vantage, service, feature = brief.vantage, brief.service, brief.feature
        key = id(vantage), own, service, feature, brief.outcome, brief.mechanism
        found = self._found.get(key)
        if found is None:
            found = Alike(vantage, own, service, feature, brief.outcome, brief.mechanism)
            self._found[key] = found
        return found

    def found(self) -> Iterator[Alike]:
        """What was taken in and lies in the time."""
        gathered = (one for one in self._found.values() if one.times)
        if self._time == (None, None):
            return gathered
        return (one for one in map(self._within, gathered) if one.times)

    def _within(self, one: Alike) -> Alike:
        since, until = (at.timestamp() if at else None for at in self._time)
        wanted = (
            at
            for at in one.times
            if (since is None or since <= at) and (until is None or at < until)
        )
        return replace(one, times=array("d", wanted))
