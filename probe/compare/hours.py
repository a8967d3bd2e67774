"""What each vantage network saw of a feature, hour by hour.

A vantage network is a country, an autonomous system and a kind of line: what one of its vantages
sees is evidence about that network, and several of them are one observer, not many.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probe.compare.series import FAILING, GAPS, Series
from probe.compare.share import Share, share
from probe.core.model import Network, Outcome, Vantage


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A vantage network; ``asn`` and ``network`` are null where they are not known."""

    country: str
    asn: int | None
    network: Network | None

    @classmethod
    def of(cls, vantage: Vantage) -> "Place":
        """Where this vantage stands."""
        return cls(vantage.country, vantage.asn, vantage.network)

    def __str__(self) -> str:
        """As in "CN AS4134 residential"; what is not known is left out."""
        asn = f"AS{self.asn}" if self.asn is not None else ""
        kind = (self.network or "").replace("_", " ")
        return " ".join(part for part in (self.country, asn, kind) if part)


@dataclass(frozen=True, slots=True)
class Hour:
    """One UTC hour, counted from 1970: ``cycles`` concluded something, ``gaps`` did not."""

    hour: int
    cycles: int
    failed: int
    gaps: int
    outcomes: Mapping[Outcome, int]

    @property
    def share(self) -> Share:
        """The share of failures among the cycles, with its Wilson interval."""
        return share(self.failed, self.cycles)

    def outcome_share(self, outcome: Outcome) -> Share:
        """The share of one outcome among the cycles, likewise; of a gap there is none."""
        return share(0 if outcome in GAPS else self.outcomes.get(outcome, 0), self.cycles)


@dataclass(frozen=True, slots=True)
class Hourly:
    """A feature of a service at one vantage network; an hour without any cycle is not there."""

    place: Place
    service: str
    feature: str
    hours: tuple[Hour, ...]


def hourly(series: Iterable[Series]) -> tuple[Hourly, ...]:
    """The hours of each network, service and feature, in that order; vantages of one are summed."""
    found: dict[tuple[Place, str, str], dict[int, Counter[Outcome]]] = {}
    for one in series:
        hours = found.setdefault((Place.of(one.vantage), one.service, one.feature), {})
        for hour, outcomes in one.outcomes_by_hour():
            hours.setdefault(hour, Counter()).update(outcomes)
    return tuple(
        Hourly(*key, tuple(_hour(hour, hours[hour]) for hour in sorted(hours)))
        for key, hours in sorted(found.items(), key=lambda item: _order(item[0]))
    )


def _hour(hour: int, outcomes: Counter[Outcome]) -> Hour:
    gaps = sum(outcomes[outcome] for outcome in GAPS)
    failed = sum(outcomes[outcome] for outcome in FAILING)
    return Hour(hour, outcomes.total() - gaps, failed, gaps, dict(outcomes))


def _order(key: tuple[Place, str, str]) -> tuple[str, ...]:
    place, service, feature = key
    return service, feature, str(place)
