"""Turns streams of verdicts, in any order, into series."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, repeat
from operator import eq, ge
from typing import Protocol

from probe.compare.series import CODES, Series
from probe.core.model import Outcome, Vantage


class Judged(Protocol):
    """What a series is made of: a verdict, or what is needed of one."""

    @property
    def at(self) -> datetime:
        """When it was measured."""
        ...

    @property
    def vantage(self) -> Vantage:
        """Where it was measured from."""
        ...

    @property
    def target(self) -> str | None:
        """What was measured; None for a feature's own verdict."""
        ...

    @property
    def service(self) -> str:
        """Whose it is."""
        ...

    @property
    def feature(self) -> str:
        """Which feature of that service."""
        ...

    @property
    def outcome(self) -> Outcome:
        """What was judged."""
        ...

    @property
    def mechanism(self) -> str | None:
        """How it failed, where that is known."""
        ...


def collect(verdicts: Iterable[Judged]) -> tuple[Series, ...]:
    """Turn a stream of verdicts, in any order, into one series per vantage, service and feature.

    Where a feature has verdicts of its own, those are the series; else its targets' verdicts are.
    """
    collected = Collected()
    collected.add(verdicts)
    return collected.series()


class Collected:
    """Verdicts as columns, from one stream or from several that are read side by side."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._of_vantage: dict[Vantage, _Features] = {}
        self._codes: dict[str | None, int] = {None: 0}

    def add(self, verdicts: Iterable[Judged]) -> None:
        """Take in a stream."""
        alike: dict[_Said, tuple[Vantage, array[float]]] = {}
        for one in verdicts:
            vantage, own = one.vantage, one.target is None
            # By the vantage's identity: hashing one takes longer than all the rest.
            key = id(vantage), own, one.service, one.feature, one.outcome, one.mechanism
            found = alike.get(key)
            if found is None:
                found = alike[key] = vantage, array("d")
            found[1].append(one.at.timestamp())
        for key, (vantage, times) in alike.items():
            _, own, service, feature, outcome, mechanism = key
            self.take(vantage, service, feature, outcome, mechanism, times, own=own)

    def take(
        self,
        vantage: Vantage,
        service: str,
        feature: str,
        outcome: Outcome,
        mechanism: str | None,
        times: Sequence[float],
        *,
        own: bool,
    ) -> None:
        """Take in verdicts that say the same, ``own`` on the feature itself; ``times`` is in Unix
        seconds, in any order."""
        features = self._of_vantage.setdefault(vantage, {})
        of_feature, of_targets = features.setdefault((service, feature), (_Columns(), _Columns()))
        columns = of_feature if own else of_targets
        code = 0 if mechanism is None else self._codes.setdefault(mechanism, len(self._codes))
        columns.times.extend(times)
        columns.outcomes.extend(bytes((CODES[outcome],)) * len(times))
        columns.mechanisms.extend(repeat(code, len(times)))

    def merge(self, other: "Collected") -> None:
        """Take in what another one has collected."""
        of_vantage, names = other.columns()
        codes = [self._codes.setdefault(name, len(self._codes)) for name in names]
        same = codes == list(range(len(codes)))
        for vantage, features in of_vantage.items():
            own = self._of_vantage.setdefault(vantage, {})
            for key, pair in features.items():
                for mine, theirs in zip(
                    own.setdefault(key, (_Columns(), _Columns())), pair, strict=True
                ):
                    mine.times.extend(theirs.times)
                    mine.outcomes.extend(theirs.outcomes)
                    mine.mechanisms.extend(
                        theirs.mechanisms if same else map(codes.__getitem__, theirs.mechanisms)
                    )

    def settle(self) -> None:
        """Bring all in order of time; what is merged day by day then stays so."""
        names = tuple(self._codes)
        for features in self._of_vantage.values():
            for pair in features.values():
                for columns in pair:
                    columns.sort(names)

    def columns(self) -> "tuple[dict[Vantage, _Features], tuple[str | None, ...]]":
        """What there is of each vantage, and the mechanisms that its codes mean."""
        return self._of_vantage, tuple(self._codes)

    def series(self) -> tuple[Series, ...]:
        """What has been collected, as series."""
        self.settle()
        names = tuple(self._codes)
        return tuple(
            (of_feature if of_feature.times else of_targets).series(vantage, *key, names)
            for vantage, features in self._of_vantage.items()
            for key, (of_feature, of_targets) in features.items()
        )


@dataclass(slots=True)
class _Columns:
    times: "array[float]" = field(default_factory=lambda: array("d"))
    outcomes: bytearray = field(default_factory=bytearray)
    mechanisms: "array[int]" = field(default_factory=lambda: array("I"))

    def sort(self, names: Sequence[str | None]) -> None:
        """By time; what was concluded at one moment by outcome and mechanism, so that it does not
        matter in which order it came."""
        times, outcomes, mechanisms = self.times, self.outcomes, self.mechanisms
        if not any(map(ge, times, islice(times, 1, None))):
            return
        order = sorted(range(len(times)), key=times.__getitem__)
        sorted_times = array("d", map(times.__getitem__, order))
        if any(map(eq, sorted_times, islice(sorted_times, 1, None))):
            order.sort(key=lambda at: (times[at], outcomes[at], names[mechanisms[at]] or ""))
        self.times = sorted_times
        self.outcomes = bytearray(map(outcomes.__getitem__, order))
        self.mechanisms = array("I", map(mechanisms.__getitem__, order))

    def series(
        self, vantage: Vantage, service: str, feature: str, names: Sequence[str | None]
    ) -> Series:
        return Series(vantage, service, feature, self.times, self.outcomes, self.mechanisms, names)


# The feature's own verdicts, and those of its targets, which count where it has none.
_Pair = tuple[_Columns, _Columns]
_Features = dict[tuple[str, str], _Pair]
# A vantage by its identity, whether the feature itself was judged, and what a verdict says.
_Said = tuple[int, bool, str, str, Outcome, str | None]
