"""What a plot of durations or speeds is drawn from: a middle and an upper value per column."""

from dataclasses import dataclass

from probe.compare.hours import Place


@dataclass(frozen=True, slots=True)
class Point:
    """One column, which begins in the UTC hour ``start``: so many values, their quantiles."""

    start: int
    values: int
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """A target at a vantage network. ``total`` is in milliseconds, ``speed`` in kB per second."""

    place: Place
    service: str
    feature: str
    target: str
    total: tuple[Point, ...]
    speed: tuple[Point, ...]

    @property
    def values(self) -> int:
        """How many measurements have a duration."""
        return sum(point.values for point in self.total)
