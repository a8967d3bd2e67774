"""Measured onset and end of a reported disruption, over all networks on which it was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from probe.compare.findings import Finding
from probe.compare.reports import Report

_Span = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Measured:
    """Onset and end as intervals, null where not seen; ``lag`` of the onset behind the reported
    one as an interval in hours, below 0 where it was measured earlier.
    """

    onset_earliest: datetime | None = None
    onset_latest: datetime | None = None
    end_earliest: datetime | None = None
    end_latest: datetime | None = None
    lag: tuple[float, float] | None = None


def measured(report: Report, seen: Sequence[Finding]) -> Measured:
    """Bring the networks together: the interval that holds the onset of a network in the middle
    of them, and of all whose intervals overlap with that; the end likewise.
    """
    held = [one for one in seen if one.episodes]
    if not held:
        return Measured()
    onset = _middle(
        [(one.episodes[0].onset_earliest, one.episodes[0].onset_latest) for one in held]
    )
    end = _middle([(one.episodes[-1].end_earliest, one.episodes[-1].end_latest) for one in held])
    lag = None
    if onset[0] is not None and onset[1] is not None:
        lag = (
            (onset[0] - report.onset_latest.timestamp()) / 3600,
            (onset[1] - report.onset_earliest.timestamp()) / 3600,
        )
    return Measured(
        onset_earliest=_instant(onset[0]),
        onset_latest=_instant(onset[1]),
        end_earliest=_instant(end[0]),
        end_latest=_instant(end[1]),
        lag=lag,
    )


def _middle(spans: Sequence[_Span]) -> _Span:
    known = [(low, high) for low, high in spans if low is not None and high is not None]
    if 2 * len(known) < len(spans) or not known:
        low = max((low for low, _ in spans if low is not None), default=None)
        high = min((high for _, high in spans if high is not None), default=None)
        return (None, high) if low is None else (low, None)
    known.sort(key=sum)
    low, high = known[(len(known) - 1) // 2]
    near = [one for one in known if one[0] <= high and one[1] >= low]
    return min(one[0] for one in near), max(one[1] for one in near)


def _instant(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
