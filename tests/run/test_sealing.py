"""probe.run.sealing: once a night, in a process of its own, and never in the way."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.history import seen, write
from support.virtual import DAY, VirtualClock, run_virtual

from probe.plan.retention import RetentionSection
from probe.record.seal import sealing_alone
from probe.run import sealing
from probe.run.sealing import Detail, NightlySealing, due_by, in_subprocess

HOUR = timedelta(hours=1)


class Started:
    """Notes when the command would have been started, and with what."""

    def __init__(self, clock: VirtualClock, answer: Detail | Exception) -> None:
        self.clock = clock
        self.answer = answer
        self.at: list[datetime] = []
        self.arguments: list[list[str]] = []

    async def __call__(self, arguments: Sequence[str]) -> Detail:
        self.at.append(self.clock.now())
        self.arguments.append(list(arguments))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def night_after_night(
    answer: Detail | Exception, days: float = 3.0, retention: RetentionSection | None = None
) -> tuple[Started, list[Detail]]:
    clock = VirtualClock(DAY + timedelta(hours=12))
    started = Started(clock, answer)
    reports: list[Detail] = []

    async def run() -> None:
        sealer = NightlySealing(
            Path("results"), retention or RetentionSection(), clock.now, started
        )
        task = asyncio.create_task(sealer.run(reports.append))
        await asyncio.sleep(days * 86400)
        task.cancel()
        await asyncio.wait({task})

    run_virtual(run())
    return started, reports


def test_at_the_start_and_an_hour_after_each_midnight() -> None:
    started, reports = night_after_night({"parts": 3})
    assert len(started.at) == 4
    assert started.at[0] == DAY + timedelta(hours=12, seconds=sealing.SETTLED)
    for number, at in enumerate(started.at[1:], 1):
        late = at - (DAY + timedelta(days=number) + HOUR)
        assert timedelta(0) <= late <= timedelta(seconds=sealing.LOOK)
    assert reports == [{"parts": 3}] * 4


def test_nothing_done_is_nothing_to_report() -> None:
    _, reports = night_after_night({"parts": 0, "deleted_days": [], "trouble": [], "size": 7})
    assert reports == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(11, "no more processes"), "[Errno 11] no more processes"),
        (ValueError("it ended with code -9"), "it ended with code -9"),
        (TimeoutError(), "it took longer than 6 h"),
    ],
)
def test_what_goes_wrong_is_reported_and_tried_again(error: Exception, says: str) -> None:
    started, reports = night_after_night(error, 1.5)
    assert len(started.at) == 2
    assert reports == [{"trouble": [says]}] * 2


def test_the_limits_are_the_configurations() -> None:
    given = RetentionSection(keep="90d", max_size="2GiB")  # type: ignore[arg-type]
    started, _ = night_after_night({}, 0.1, given)
    assert started.arguments[0][-4:] == ["--keep", "90d", "--max-size", str(2 * 1024**3)]
    started, _ = night_after_night({}, 0.1, RetentionSection(keep=None, max_size=None))
    assert "--keep" not in started.arguments[0]
    assert "--max-size" not in started.arguments[0]


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (DAY, DAY - 23 * HOUR),
        (DAY + HOUR - timedelta(microseconds=1), DAY - 23 * HOUR),
        (DAY + HOUR, DAY + HOUR),
        (DAY + 23 * HOUR, DAY + HOUR),
    ],
)
def test_the_last_moment_when_a_day_became_due(at: datetime, due: datetime) -> None:
    assert due_by(at) == due


async def test_the_real_command_seals_in_a_process_of_its_own(tmp_path: Path) -> None:
    write(tmp_path)
    before = seen(tmp_path)
    reports: list[Detail] = []
    sealer = NightlySealing(tmp_path, RetentionSection(keep=None), lambda: DAY)
    await sealer.once(reports.append)
    ((parts, trouble),) = [(one["parts"], one["trouble"]) for one in reports]
    assert (parts, trouble) == (6, [])
    assert seen(tmp_path) == before


async def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        await in_subprocess(["--results", str(tmp_path / "none"), "--format", "json"])
    with sealing_alone(tmp_path), pytest.raises(ValueError, match="another process"):
        await in_subprocess(["--results", str(tmp_path), "--format", "json"])


async def test_stopping_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "pid"
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ > {mark}.new\nmv {mark}.new {mark}\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    task = asyncio.create_task(in_subprocess([]))
    while not mark.exists():  # noqa: ASYNC110  (another process makes it)
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_the_measuring_process_never_loads_duckdb() -> None:
    import subprocess

    code = "import probe.run.service, probe.cli.run, probe.run.sealing, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "probe.run.sealing" in loaded
    assert "duckdb" not in loaded
