"""probe.compare.significance: chance is told from evidence, also where failures cluster."""

import random

import pytest

from probe.compare.significance import HOUR, Tally, adjusted, p_value, tally

DAY = 24 * HOUR


def hours(days: int, *bad: tuple[float, float], seed: int = 1, share: float = 0.02) -> Tally:
    """Six cycles an hour, of which a share fails, and all between two days."""
    rng = random.Random(seed)
    found = tally(
        (
            time // HOUR,
            1,
            int(rng.random() < share or any(a * DAY <= time < b * DAY for a, b in bad)),
        )
        for time in range(0, days * DAY, 600)
    )
    assert found
    return found


def p(data: Tally, start: float, end: float, onset: float = 1) -> float:
    found = p_value(data, (start * DAY, end * DAY), (start * DAY, (start + onset) * DAY))
    assert found is not None
    return found


def test_a_disruption_in_the_window_is_hardly_chance_and_one_elsewhere_is() -> None:
    data = hours(60, (20.3, 21.4))
    assert p(data, 20, 22) < 0.03
    assert p(data, 40, 42) > 0.2


def test_a_window_that_is_too_wide_costs_little_where_the_onset_fits() -> None:
    assert p(hours(60, (20.3, 21.4)), 20, 34) < 0.05


def test_a_window_until_the_data_ends_is_judged_by_its_onset() -> None:
    assert p(hours(60, (30, 60)), 30, 90) < 0.01


def test_what_happens_every_evening_is_no_evidence() -> None:
    data = hours(40, *((day + 0.5, day + 0.7) for day in range(40)))
    assert p(data, 20, 21) > 0.1


def test_without_anything_in_it_small_values_are_rare() -> None:
    values = [p(hours(30, seed=seed), 20, 22) for seed in range(100)]
    assert sum(value < 0.05 for value in values) <= 8


@pytest.mark.parametrize("window", [(-5.0, -2.0), (70.0, 80.0), (-1.0, 99.0), (3.0, 3.0)])
def test_where_nothing_lies_inside_or_outside_there_is_none(window: tuple[float, float]) -> None:
    start, end = window
    assert p_value(hours(60), (start * DAY, end * DAY), (start * DAY, end * DAY)) is None


def test_hours_without_cycles_are_neither_good_nor_bad() -> None:
    data = hours(60, (20.3, 21.4))
    cut = tally(
        (hour, data.cycles[hour], data.failed[hour])
        for hour in range(len(data.cycles))
        if not 500 <= hour < 540
    )
    assert cut
    assert cut.cycles[520] == 0
    assert p(cut, 20, 22) < 0.1


def test_no_cycles_make_no_tally() -> None:
    assert tally([]) is None


def test_many_reports_make_each_less_sure() -> None:
    # The example worked through by hand: p * number / rank, never falling.
    found = adjusted([0.01, None, 0.04, 0.03, 0.5])
    assert found == (0.04, None, pytest.approx(4 / 75), pytest.approx(4 / 75), 0.5)
    assert adjusted([]) == ()
