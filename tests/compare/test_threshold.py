"""probe.compare.threshold: higher than noise comes, and no higher."""

import random

import pytest

from probe.compare.threshold import THRESHOLD, above_noise, cadence, threshold

YEAR = [600.0 * cycle for cycle in range(52560)]


def falling(share: float, seed: int = 1) -> list[float]:
    """Peaks of which this share is higher by another third of the threshold; capped as sums are."""
    rng = random.Random(seed)
    third = THRESHOLD / 3
    made = []
    for _ in range(400):
        height = third
        while rng.random() < share:
            height += third
        made.append(min(height + rng.uniform(0, third * 0.99), THRESHOLD))
    return made


@pytest.mark.parametrize(
    ("every", "wanted"), [(600.0, THRESHOLD), (60.0, 14.0), (3600.0, 9.9), (1.0, 16.0), (1e6, 8.0)]
)
def test_quick_cycles_have_a_higher_one(every: float, wanted: float) -> None:
    assert threshold([every * cycle for cycle in range(100)]) == pytest.approx(wanted, abs=0.05)
    assert cadence([every * cycle for cycle in range(100)]) == every


def test_without_any_distance_the_usual_cadence_is_taken() -> None:
    assert threshold([]) == threshold([5.0]) == THRESHOLD


def test_independent_noise_raises_nothing() -> None:
    assert above_noise(THRESHOLD, falling(0.02), YEAR) == THRESHOLD


def test_stubborn_noise_raises_it_by_what_it_predicts() -> None:
    """Half of the peaks rise by another third: every third halves what is left."""
    raised = above_noise(THRESHOLD, falling(0.5), YEAR)
    # Of 400 peaks some 90 are in the last third, and 70 to be expected above, of which half a one
    # is left after six more thirds.
    assert 5.5 < (raised - THRESHOLD) / (THRESHOLD / 3) < 6.5
    assert THRESHOLD < above_noise(THRESHOLD, falling(0.2), YEAR) < raised


def test_more_data_allows_more_in_all() -> None:
    peaks = falling(0.3)
    assert above_noise(THRESHOLD, peaks, YEAR) < above_noise(THRESHOLD, peaks, YEAR[:5000])


@pytest.mark.parametrize("disruptions", [1, 30, 300])
def test_disruptions_raise_nothing(disruptions: int) -> None:
    """Sums stop rising at the threshold: so high came what was no noise."""
    peaks = [*falling(0.02), *[THRESHOLD] * disruptions]
    assert above_noise(THRESHOLD, peaks, YEAR) == THRESHOLD


def test_one_high_peak_in_little_data_proves_nothing() -> None:
    assert above_noise(THRESHOLD, [5.0, 5.0, 11.0], YEAR[:3000]) == THRESHOLD


def test_it_is_never_raised_beyond_three_times_itself() -> None:
    peaks = [11.0] * 500 + [5.0] * 10
    assert above_noise(THRESHOLD, peaks, YEAR[:3000]) == 3 * THRESHOLD
