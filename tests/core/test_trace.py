"""probe.core.trace: one operation, one step, whatever becomes of it."""

import asyncio
import errno

import pytest
from support.virtual import VirtualClock, run_virtual

from probe.core.failure import NamedFailure
from probe.core.scrub import SCRUBBED
from probe.core.trace import Stopped, Trace
from probe.net.fake import os_error

CLOCK = VirtualClock()


def new(budget: float = 30.0) -> Trace:
    return Trace(CLOCK.monotonic, budget=budget)


def test_a_step_holds_its_times_and_what_was_filled_in() -> None:
    async def main() -> Trace:
        trace = new()
        await asyncio.sleep(1.25)
        async with trace.step("connect", 2, "192.0.2.1:443", within=10, mark=1) as detail:
            await asyncio.sleep(0.5)
            detail["more"] = "x"
        return trace

    (step,) = run_virtual(main()).steps
    assert (step.op, step.transaction, step.address) == ("connect", 2, "192.0.2.1:443")
    assert (step.t0, step.t, step.failure) == (1.25, 1.75, None)
    assert step.detail == {"mark": 1, "more": "x"}


@pytest.mark.parametrize(("within", "budget", "took"), [(2, 30, 2.0), (10, 3, 3.0), (10, 0, 0.0)])
def test_silence_ends_at_the_steps_deadline_or_the_measurements(
    within: float, budget: float, took: float
) -> None:
    async def main() -> Trace:
        trace = new(budget)
        with pytest.raises(Stopped) as stopped:
            async with trace.step("resolve", 1, within=within):
                await asyncio.sleep(3600)
        assert stopped.value.failure == "generic_timeout_error"
        return trace

    (step,) = run_virtual(main()).steps
    assert (step.failure, step.t) == ("generic_timeout_error", took)


def test_a_network_failure_is_recorded_and_stops_the_transaction() -> None:
    async def main() -> Trace:
        trace = new()
        with pytest.raises(Stopped, match="connection_refused"):
            async with trace.step("connect", 1, within=5):
                raise os_error(errno.ECONNREFUSED)
        return trace

    (step,) = run_virtual(main()).steps
    assert (step.failure, step.detail) == ("connection_refused", {})


def test_what_was_seen_stands_beside_the_failures_name_scrubbed_and_bounded() -> None:
    async def main() -> Trace:
        trace = new()
        with pytest.raises(Stopped):
            async with trace.step("http_response", 1, within=5):
                raise NamedFailure("http_request_failed", "you are 203.0.113.9 " + "x" * 999)
        with pytest.raises(Stopped):
            async with trace.step("http_response", 1, within=5):
                raise NamedFailure("unknown_failure: for 203.0.113.9")
        return trace

    first, second = run_virtual(main()).steps
    assert first.detail["error"].startswith(f"you are {SCRUBBED} x")
    assert len(first.detail["error"]) == 200
    assert second.failure == f"unknown_failure: for {SCRUBBED}"


def test_an_error_of_ours_is_recorded_and_passes_through() -> None:
    async def main() -> Trace:
        trace = new()
        with pytest.raises(ZeroDivisionError):
            async with trace.step("connect", 1, within=5):
                raise ZeroDivisionError
        return trace

    (step,) = run_virtual(main()).steps
    assert step.failure == "unknown_failure: ZeroDivisionError"


def test_cancelling_is_recorded_and_passes_through() -> None:
    trace = new()

    async def main() -> None:
        async def hang() -> None:
            async with trace.step("connect", 1, within=60):
                await asyncio.sleep(60)

        task = asyncio.create_task(hang())
        await asyncio.sleep(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main())
    assert [(step.failure, step.t) for step in trace.steps] == [("interrupted", 3.0)]


def test_the_budget_runs_from_the_start_and_ends_at_nothing() -> None:
    async def main() -> None:
        trace = new(10)
        assert trace.left() == 10
        await asyncio.sleep(4)
        assert (trace.elapsed(), trace.left()) == (4, 6)
        await asyncio.sleep(7)
        assert trace.left() == 0

    run_virtual(main())


def test_transactions_are_numbered_and_steps_stand_in_the_order_of_their_ends() -> None:
    async def main() -> Trace:
        trace = new()

        async def one(seconds: float) -> None:
            async with trace.step("resolve", trace.transaction(), within=9):
                await asyncio.sleep(seconds)

        await asyncio.gather(one(2), one(1))
        trace.record("extra_answer", 1, None, 2.00000049, 2.5, None, {})
        return trace

    steps = run_virtual(main()).steps
    assert [(step.transaction, step.t) for step in steps] == [(2, 1.0), (1, 2.0), (1, 2.5)]
    assert steps[-1].t0 == 2.0
