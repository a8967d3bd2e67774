"""probe.compare.changes: how soon, how exactly, and how often wrongly a disruption is found."""

import random
from collections.abc import Iterator

import pytest

from probe.compare.changes import Episode, episodes

YEAR = 52560  # ten-minute cycles
EVERY = 600.0


def at(cycles: int, every: float = EVERY) -> list[float]:
    return [every * cycle for cycle in range(cycles)]


def found(failing: bytes, every: float = EVERY) -> tuple[Episode, ...]:
    return episodes(at(len(failing), every), failing)


def noise(cycles: int, seed: int) -> bytearray:
    rng = random.Random(seed)
    return bytearray(rng.random() < 0.02 for _ in range(cycles))


def sticky(cycles: int, seed: int, stays: float) -> bytes:
    """2 % failures, of which each is followed by another with this chance."""
    rng, failed, made = random.Random(seed), False, bytearray()
    for _ in range(cycles):
        failed = rng.random() < (stays if failed else 0.02 * (1 - stays) / 0.98)
        made.append(failed)
    return bytes(made)


def bad_spells(cycles: int, seed: int, stays: float) -> bytes:
    """2 % failures, all of them in spells in which 40 % fail (E. N. Gilbert, 1960)."""
    rng, bad, made = random.Random(seed), False, bytearray()
    for _ in range(cycles):
        bad = rng.random() < (stays if bad else (1 - stays) * 0.05 / 0.95)
        made.append(bad and rng.random() < 0.4)
    return bytes(made)


def test_stationary_noise_gives_at_most_one_false_onset_a_year() -> None:
    assert sum(len(found(bytes(noise(YEAR, seed)))) for seed in range(10)) <= 10


@pytest.mark.parametrize("stays", [0.2, 0.5, 0.7, 0.9])
def test_noise_that_clusters_gives_at_most_two(stays: float) -> None:
    assert sum(len(found(sticky(YEAR, seed, stays))) for seed in range(6)) <= 12


@pytest.mark.parametrize("stays", [0.8, 0.95, 0.98, 0.99])
def test_noise_that_comes_in_spells_gives_at_most_two(stays: float) -> None:
    assert sum(len(found(bad_spells(YEAR, seed, stays))) for seed in range(6)) <= 12


@pytest.mark.parametrize("stays", [0.2, 0.5, 0.7])
def test_of_little_data_few_are_wrong(stays: float) -> None:
    """Of 36 times 40 days, which are four years, and each tell little about their noise."""
    assert sum(len(found(sticky(5760, seed, stays))) for seed in range(36)) <= 16


@pytest.mark.parametrize(("times", "every", "long"), [(15, 144, 24), (10, 1008, 72), (18, 24, 12)])
@pytest.mark.parametrize("stays", [0.0, 0.5, 0.7])
def test_disruptions_that_come_again_and_again_are_no_noise(
    times: int, every: int, long: int, stays: float
) -> None:
    """Four hours a day, twelve a week, two of every four: on a line with noise of its own."""
    made = bytearray(sticky(YEAR, 1, stays))
    starts = [20030 + number * every for number in range(times)]
    for start in starts:
        made[start : start + long] = b"\1" * long
    told = found(bytes(made))
    for start in starts:
        assert any(one.first < start + long and one.last > start for one in told), start


def test_a_solid_disruption_is_found_at_its_fourth_cycle_at_the_latest() -> None:
    for seed in range(100):
        made = noise(3000 + seed * 7, seed)
        onset = at(len(made) + 1)[-1]
        (*_, last) = found(bytes(made + b"\1\1\1\1"))
        assert last.onset_latest == onset or made[-1]
        assert last.end_latest is None


@pytest.mark.parametrize(("every", "needed"), [(60.0, 4), (600.0, 4), (3600.0, 3), (21600.0, 3)])
def test_slow_cycles_need_fewer_failures_and_quick_ones_more(every: float, needed: int) -> None:
    quiet = bytes(2000)
    assert found(quiet + b"\1" * (needed - 1), every) == ()
    assert len(found(quiet + b"\1" * (needed + (every < 600)), every)) == 1


def planted() -> Iterator[tuple[int, int, bytes]]:
    """Onset, end, and cycles with 2 % noise and one disruption, solid or partial."""
    rng = random.Random(5)
    for seed in range(200):
        made = noise(6000, seed)
        onset = rng.randrange(1000, 4000)
        end = onset + rng.randrange(20, 600)
        share = rng.choice([1, 1, 0.9, 0.6, 0.4])
        made[onset:end] = bytes(rng.random() < share for _ in range(onset, end))
        yield onset, end, bytes(made)


def test_the_intervals_hold_the_true_onset_and_end() -> None:
    onsets = ends = 0
    for onset, end, failing in planted():
        near = [one for one in found(failing) if onset - 50 < one.onset_latest / EVERY < end]
        assert near, (onset, end)
        low, high = near[0].onset_earliest, near[0].onset_latest
        onsets += low is not None and low <= onset * EVERY <= high
        high_end = near[-1].end_latest
        ends += high_end is not None and near[-1].end_earliest <= end * EVERY <= high_end
    assert onsets >= 190
    assert ends >= 190


def test_beside_a_solid_disruption_the_interval_is_one_cycle_wide() -> None:
    (one,) = found(bytes(500) + b"\1" * 50 + bytes(500))
    assert one == Episode(
        onset_earliest=499 * EVERY,
        onset_latest=500 * EVERY,
        end_earliest=549 * EVERY,
        end_latest=550 * EVERY,
        first=500,
        last=550,
    )


def test_a_gap_makes_the_interval_as_wide_as_itself() -> None:
    times = [*at(500), *(90000 + 500 * EVERY + time for time in at(50))]
    (one,) = episodes(times, bytes(500) + b"\1" * 50)
    assert (one.onset_earliest, one.onset_latest) == (499 * EVERY, 90000 + 500 * EVERY)


def test_what_fails_from_the_first_cycle_on_has_no_earliest_onset() -> None:
    (one,) = found(b"\1" * 300)
    assert (one.onset_earliest, one.onset_latest, one.end_latest) == (None, 0.0, None)


def test_failures_of_every_evening_are_ordinary() -> None:
    rng = random.Random(3)
    made = bytes(
        rng.random() < (0.3 if 72 <= cycle % 144 < 96 else 0.01) for cycle in range(144 * 90)
    )
    assert len(found(made)) <= 2
    assert len(found(made[: 144 * 80] + b"\1" * 40 + made[144 * 80 + 40 :])) <= 3


@pytest.mark.parametrize("failing", [b"", b"\0", b"\1", b"\1\1\1", bytes(10000)])
def test_little_or_nothing_is_no_disruption(failing: bytes) -> None:
    assert found(failing) == ()


def test_cycles_at_the_same_instant_are_no_trouble() -> None:
    assert len(episodes([5.0] * 60, bytes(50) + b"\1" * 10)) == 1
