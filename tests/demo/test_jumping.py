"""Two months in no time, and never less than that."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from probe.demo.jumping import JumpingClock, run_jumping

START = datetime(2017, 6, 1, tzinfo=UTC)


def test_two_months_pass_at_once_and_both_clocks_agree():
    clock = JumpingClock(START)

    async def wait():
        await asyncio.sleep(61 * 86400)
        return clock.now(), clock.monotonic()

    began = time.monotonic()
    now, passed = run_jumping(wait())
    assert time.monotonic() - began < 60  # and not 61 days
    assert now - START == timedelta(seconds=passed) >= timedelta(days=61)


def test_what_is_due_first_happens_first():
    seen = []

    async def note(after):
        await asyncio.sleep(after)
        seen.append(after)

    async def all_of_them():
        await asyncio.gather(*(note(after) for after in (3600, 60, 86400)))

    run_jumping(all_of_them())
    assert seen == [60, 3600, 86400]


def test_a_deadline_ends_what_never_answers():
    async def wait():
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        run_jumping(wait())


def test_outside_of_a_loop_the_clock_stands_still():
    clock = JumpingClock(START)
    assert (clock.now(), clock.monotonic()) == (START, 0.0)
