"""probe.run.schedule: everybody at a moment of their own, the same after every start."""

import asyncio
from datetime import timedelta

from support.virtual import DAY, VirtualClock, apscheduler_on, run_virtual

from probe.run.schedule import Schedule
from probe.run.timetable import EPOCH, Timetable, phase


def fired(periods, seconds, clock):
    """When each name was called, in seconds since the clock's start."""
    calls = {name: [] for name in periods}
    skipped = []

    async def main():
        schedule = Schedule(skipped.append)

        async def work(name):
            calls[name].append(clock.monotonic())

        for name, every in periods.items():
            schedule.add(name, Timetable(name, every), work, name)
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
