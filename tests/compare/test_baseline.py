"""probe.compare.baseline: what is ordinary is estimated without what stands out."""

import random

import pytest

from probe.compare.baseline import BEHIND, FLOOR, KINDS, Baseline, baseline, surroundings
from probe.compare.clockhours import spans

EVERY = 600.0
DAY = 144


def ordinary(failing: bytes) -> Baseline:
    return baseline(failing, spans([EVERY * cycle for cycle in range(len(failing))]))


def by_hand(failing: bytes) -> bytes:
    found = []
    for at in range(len(failing)):
        behind = min(sum(failing[max(0, at - BEHIND) : at]), 3)
        found.append(2 * behind - (at > 0 and failing[at - 1]))
    return bytes(found)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("cycles", [0, 1, 2, 8, 9, 1000])
def test_surroundings_count_what_failed_just_before(share: float, cycles: int) -> None:
    rng = random.Random(cycles)
    failing = bytes(rng.random() < share for _ in range(cycles))
    assert surroundings(failing) == by_hand(failing)
    assert max(surroundings(failing), default=0) < KINDS


def test_nothing_is_taken_to_fail_less_often_than_the_floor() -> None:
    quiet = ordinary(bytes(DAY * 30))
    assert set(quiet.hours) | set(quiet.clusters) == {FLOOR}


def test_bad_hours_are_told_from_good_ones() -> None:
    rng = random.Random(2)
    evening = range(72, 96)  # 12:00 until 16:00
    failing = bytes(
        rng.random() < (0.25 if cycle % DAY in evening else 0.01) for cycle in range(DAY * 120)
    )
    found = ordinary(failing)
    worst = sorted(range(24), key=found.hours.__getitem__)[-4:]
    assert sorted(worst) == [12, 13, 14, 15]
    assert found.chance(13) > 5 * found.chance(3)
    assert found.chance(3, 5) == max(found.hours[3], found.clusters[5])


def test_failures_that_follow_each_other_make_clusters() -> None:
    rng, failed, made = random.Random(3), False, bytearray()
    for _ in range(DAY * 200):
        failed = rng.random() < (0.6 if failed else 0.008)
        made.append(failed)
    found = ordinary(bytes(made))
    assert all(0.4 < found.clusters[kind] < 0.7 for kind in (1, 3, 5))  # the last one failed
    assert all(found.clusters[kind] < 0.1 for kind in (2, 4, 6))


@pytest.mark.parametrize("long", [20, 40])
def test_a_disruption_is_not_taken_for_ordinary(long: int) -> None:
    """Neither a day of which much failed, nor a long run."""
    made = bytearray(DAY * 60)
    made[DAY * 30 + 10 : DAY * 30 + 10 + long] = b"\1" * long
    found = ordinary(bytes(made))
    assert max(found.hours) < 0.03
    assert max(found.clusters) < 0.05


def test_of_short_runs_the_longest_alone_is_left_out() -> None:
    made = bytearray(DAY * 60)
    for day, run in ((10, 6), (20, 6), (30, 9)):
        made[DAY * day : DAY * day + run] = b"\1" * run
    both = ordinary(bytes(made)).clusters
    made[DAY * 30 : DAY * 30 + 9] = bytes(9)
    (one := bytearray(made))[DAY * 20 : DAY * 20 + 6] = bytes(6)
    assert both[5] > ordinary(bytes(one)).clusters[5]
    assert ordinary(bytes(one)).clusters[5] == FLOOR
