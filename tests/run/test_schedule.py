"""probe.run.schedule: everybody at a moment of their own, the same after every start."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from support.virtual import DAY, VirtualClock, apscheduler_on, run_virtual

from probe.run.schedule import EPOCH, Schedule, phase, slot


def test_phases_fill_the_period_evenly():
    phases = [phase(f"https://host-{n}.example/", 600.0) for n in range(6000)]
    assert all(0 <= p < 600 for p in phases)
    minutes = Counter(int(p // 60) for p in phases)
    # 600 are expected in each of the ten; a deviation of 120 is five standard deviations.
    assert sorted(minutes) == list(range(10))
    assert all(480 < count < 720 for count in minutes.values())


def test_a_phase_depends_on_the_name_alone():
    # Fixed for ever: with another number here every probe would change its rhythm at an upgrade.
    assert phase("office", 600.0) == pytest.approx(217.41915311)
    assert phase("office", 60.0) == pytest.approx(21.741915311)
    assert phase("office ", 600.0) != phase("office", 600.0)


def test_slots_count_on_by_one_at_each_phase():
    every = 90.0
    boundary = EPOCH + timedelta(seconds=phase("office", every) + 1_000_000 * every)
    instants = [boundary + timedelta(seconds=s) for s in range(-900, 901)]
    numbers = [slot("office", every, at) for at in instants]
    assert {later - earlier for earlier, later in pairwise(numbers)} == {0, 1}
    assert slot("office", every, boundary + timedelta(milliseconds=1)) == 1_000_000
    assert slot("office", every, boundary - timedelta(milliseconds=1)) == 999_999
    assert numbers[-1] - numbers[0] == 1800 // every


@pytest.mark.parametrize("every", [0.5, 10.0, 37.5, 600.0, 86400.0])
def test_the_moment_when_a_target_is_due_is_the_first_of_its_slot(every):
    for name in (f"https://host-{n}.example/" for n in range(50)):
        start = EPOCH + timedelta(seconds=phase(name, every))
        for number in (0, 1, 9_133, 1_234_567):
            due = start + number * timedelta(seconds=every)
            assert slot(name, every, due) == number
            assert slot(name, every, due - timedelta(microseconds=1)) == number - 1


def test_a_slot_before_the_epoch_is_still_one_below_the_next():
    first = EPOCH + timedelta(seconds=phase("office", 60.0) + 1)
    assert slot("office", 60.0, first) == 0
    assert slot("office", 60.0, first - timedelta(seconds=60)) == -1


def fired(periods, seconds, clock):
    """When each name was called, in seconds since the clock's start."""
    calls = {name: [] for name in periods}
    skipped = []

    async def main():
        schedule = Schedule(skipped.append)

        async def work(name):
            calls[name].append(clock.monotonic())

        for name, every in periods.items():
            schedule.add(name, every, work, name)
        schedule.start()
        await asyncio.sleep(seconds)
        schedule.close()

    with apscheduler_on(clock):
        run_virtual(main())
    assert not skipped
    return calls


def test_every_name_is_called_at_its_own_phase_of_its_own_period():
    clock = VirtualClock(DAY + timedelta(seconds=17.25))
    periods = {"a": 60.0, "b": 60.0, "c": 37.5}
    calls = fired(periods, 1800, clock)
    for name, every in periods.items():
        into = [
            ((clock.start - EPOCH).total_seconds() + t - phase(name, every)) % every
            for t in calls[name]
        ]
        assert all(min(i, every - i) < 0.01 for i in into)
        assert len(calls[name]) == 1800 / every
    assert not set(calls["a"]) & set(calls["b"])
