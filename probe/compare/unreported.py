"""The other way round: disruptions in the data that no report speaks of.

They are the same episodes, found with the same care, as those that answer reports. A disruption is
no accusation by itself: its outcomes and mechanisms say what it was.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from probe.compare.cells import Cell
from probe.compare.changes import Episode
from probe.compare.reports import Report
from probe.compare.series import matches
from probe.core.model import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported:
    """A disruption on one network.

    It began between ``onset_earliest`` (null: it was so from the first cycle) and
    ``onset_latest``, and ended between ``end_earliest`` and ``end_latest`` (null: it was still so
    at the last). Of its ``cycles``, so many ``failed``.
    """

    network: str
    vantages: tuple[str, ...]
    service: str
    feature: str
    onset_earliest: datetime | None
    onset_latest: datetime
    end_earliest: datetime
    end_latest: datetime | None
    cycles: int
    failed: int
    outcomes: dict[Outcome, int]
    mechanisms: dict[str, int]


def unreported(
    cells: Iterable[Cell], reports: Sequence[Report], *, until: datetime
) -> tuple[Unreported, ...]:
    """The disruptions that overlap no matching report's window, by onset.

    Only a report that expects failures can speak of one: a statement that all is well does not.
    """
    found: list[Unreported] = []
    for cell in cells:
        windows = [
            report.window(until)
            for report in reports
            if report.expects == "fails" and matches(report, cell.series[0])
        ]
        spans = [(start.timestamp(), end.timestamp()) for start, end in windows]
        found += (
            _tell(cell, episode)
            for episode in cell.episodes
            if not any(
                episode.onset_latest < end and episode.end_earliest >= start for start, end in spans
            )
        )
    return tuple(sorted(found, key=attrgetter("onset_latest", "network", "service", "feature")))


def _tell(cell: Cell, episode: Episode) -> Unreported:
    first, last = _instant(episode.onset_latest), _instant(episode.end_earliest)
    mechanisms: Counter[str] = Counter()
    for one in cell.series:
        mechanisms += one.failures(first, datetime.fromtimestamp(episode.end_earliest + 1, UTC))
    return Unreported(
        network=str(cell.place),
        vantages=tuple(sorted({one.vantage.id for one in cell.series})),
        service=cell.service,
        feature=cell.feature,
        onset_earliest=_maybe(episode.onset_earliest),
        onset_latest=first,
        end_earliest=last,
        end_latest=_maybe(episode.end_latest),
        cycles=episode.last - episode.first,
        failed=cell.failing.count(1, episode.first, episode.last),
        outcomes=dict(cell.failures(episode.first, episode.last).most_common()),
        mechanisms=dict(mechanisms.most_common()),
    )


def _maybe(at: float | None) -> datetime | None:
    return None if at is None else _instant(at)


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
