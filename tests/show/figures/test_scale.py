"""The common time axis: as fine as fits."""

from datetime import UTC, datetime, timedelta

import pytest
from support.reported import cycles

from probe.compare.collect import collect
from probe.show.figures.scale import COLUMNS, Scale, scale


def over(days: float) -> Scale:
    start = datetime(2017, 7, 1, 5, 30, tzinfo=UTC)
    found = scale(collect(cycles("..", start, every=timedelta(days=days))))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("days", "step", "name"),
    [
        (1, 1, "1 hour"),
        (16, 1, "1 hour"),
        (40, 3, "3 hours"),
        (61, 6, "6 hours"),
        (365, 24, "1 day"),
        (1500, 168, "1 week"),
        (9000, 672, "4 weeks"),
    ],
)
def test_columns_are_as_narrow_as_fits(days: float, step: int, name: str) -> None:
    found = over(days)
    assert (found.step, found.width) == (step, name)
    assert (found.last - found.first) / found.step <= COLUMNS


def test_even_a_thousand_years_fit() -> None:
    found = over(365_000)
    assert (found.last - found.first) / found.step <= COLUMNS


def test_columns_hold_whole_parts_of_a_utc_day() -> None:
    assert over(61).start == datetime(2017, 7, 1, tzinfo=UTC)
    assert over(61).first % 6 == 0
    assert over(365).first % 24 == 0


def test_every_verdict_lies_on_the_axis_even_at_the_end_of_the_calendar() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    found = scale(collect(cycles("..", end - timedelta(hours=3), every=timedelta(hours=3))))
    assert found is not None
    assert found.start < found.end <= end


def test_without_verdicts_there_is_no_axis() -> None:
    assert scale(()) is None


def test_an_hour_belongs_to_the_column_that_begins_before_it() -> None:
    axis = Scale(first=100, last=130, step=6)
    assert [axis.column(hour) for hour in (100, 105, 106, 129)] == [100, 100, 106, 124]
