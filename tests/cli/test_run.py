"""probe run: a process that is started, stopped, killed and started again."""

import csv
import io
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from support.command import PROBE, Command, one_line, wait_until

from probe.run.timetable import EPOCH, phase

RARELY = 4  # seconds between two turns: half of them is when one is made up for, a quarter how late


@pytest.fixture
def configured(probe: Command, ports: Any) -> str:
    """Two targets of one feature, one of them failing."""
    return probe.configure(
        f"id: good, service: pigeon, feature: text, url: 'tcp://127.0.0.1:{ports.tcp}'",
        f"id: bad, service: pigeon, feature: text, url: 'tcp://127.0.0.1:{ports.closed}'",
        schedule="{every: 1s}",
    )


def measured(probe: Command, count: int = 1) -> Callable[[], bool]:
    """Whether each target has been measured so often."""

    def look() -> bool:
        counts = Counter(m["target"]["id"] for m in probe.stored())
        return min(counts["good"], counts["bad"]) >= count

    return look


def events(probe: Command) -> list[str]:
    return [event["event"] for event in probe.stored("results/events.jsonl")]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_in_good_order(
    probe: Command, configured: str, number: int, code: int
) -> None:
    process = probe.start(*PROBE, "run", "-c", configured, "--log", "text")
    wait_until(measured(probe))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b"")
    assert events(probe) == ["start", "stop"]
    stop = probe.stored("results/events.jsonl")[-1]
    assert stop["interrupted"] == 0
    assert {m["run"] for m in probe.stored()} == {stop["run"]}
    assert b"bad: unreachable (tcp.refused)\n" in err
    assert b"pigeon text: ok\n" in err  # any of the targets is enough
    assert b"Traceback" not in err
    verdicts = Counter((v["target"], v["outcome"]) for v in probe.stored("results/verdicts/*"))
    assert set(verdicts) == {("good", "ok"), ("bad", "unreachable"), (None, "ok")}


def test_it_stops_by_itself_after_the_time_that_it_is_given(
    probe: Command, configured: str
) -> None:
    done = probe("run", "-c", configured, "--for", "1900ms", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert measured(probe)()
    assert events(probe) == ["start", "stop"]


def test_a_change_is_logged_once_and_in_utc(probe: Command, configured: str) -> None:
    done = probe("run", "-c", configured, "--for", "2900ms", "--log", "text")
    assert measured(probe, 2)()
    lines = done.err.splitlines()
    assert len([line for line in lines if "good: ok" in line]) == 1
    for line in lines:
        datetime.strptime(line.split()[0], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007


def test_a_restart_goes_on_in_the_same_rhythm(probe: Command, ports: Any) -> None:
    name = probe.configure(
        f"id: good, url: 'tcp://127.0.0.1:{ports.tcp}'",
        f"id: bad, url: 'tcp://127.0.0.1:{ports.closed}'",
        schedule=f"{{every: {RARELY}s}}",
    )
    for count in (1, 2):
        process = probe.start(*PROBE, "run", "-c", name, stderr=subprocess.DEVNULL)
        wait_until(measured(probe, count))
        process.terminate()
        process.communicate(timeout=60)
    starts = [(m["target"]["id"], datetime.fromisoformat(m["started"])) for m in probe.stored()]
    assert len({m["run"] for m in probe.stored()}) == 2
    for name, at in starts:
        behind = ((at - EPOCH).total_seconds() - phase(name, RARELY)) % RARELY
        assert behind < RARELY * 0.75, f"{name} was measured {behind:.3f} s behind its turn"


def test_a_second_one_is_refused_and_a_check_is_not(probe: Command, configured: str) -> None:
    process = probe.start(*PROBE, "run", "-c", configured, stderr=subprocess.DEVNULL)
    wait_until(measured(probe))
    second = probe("run", "-c", configured, "--for", "1s")
    one_line(second, 2, f"results: another probe (process {process.pid}) runs there already")
    assert probe("check", configured, "--format", "json").code == 0
    process.kill()  # the lock goes with the process, however that ends
    process.communicate()
    assert probe("run", "-c", configured, "--for", "1300ms").code == 0
    assert len({m["run"] for m in probe.stored()}) == 3
    exported = probe("export")
    assert exported.err == ""
    rows = list(csv.DictReader(io.StringIO(exported.out, newline="")))
    assert len(rows) == len(probe.stored())


def test_after_kill_nine_what_was_measured_is_there_and_the_next_run_goes_on(
    probe: Command, configured: str
) -> None:
    process = probe.start(*PROBE, "run", "-c", configured, stderr=subprocess.DEVNULL)
    wait_until(measured(probe))
    process.kill()
    process.communicate()
    before = len(probe.stored())
    rows = csv.DictReader(io.StringIO(probe("export").out, newline=""))
    assert len(list(rows)) == before
    # As if it had been killed in the middle of a line.
    (day,) = probe.folder.glob("results/????-*.jsonl")
    with day.open("ab") as file:
        file.write(b'{"schema":1,"id":"to')
    assert probe("run", "-c", configured, "--for", "1900ms").code == 0
    exported = probe("export")
    assert "skipped 1 unreadable line" in exported.err
    assert exported.out.count("\r\n") > before + 2
    assert [event for event in events(probe) if event != "missed"] == ["start", "start", "stop"]


def test_a_full_disk_is_told_once_and_measuring_goes_on(probe: Command, configured: str) -> None:
    # A folder in the way of the day's file stands for the full disk: no line can be written.
    today = datetime.now(EPOCH.tzinfo).date().isoformat()
    blocked = probe.folder / "results" / f"{today}.jsonl"
    blocked.mkdir(parents=True)
    process = probe.start(*PROBE, "run", "-c", configured, "--log", "text")
    verdicts = "results/verdicts/*"
    wait_until(lambda: len(probe.stored(verdicts)) > 2)
    blocked.rmdir()
    wait_until(measured(probe, 2))
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err.count(b"measuring goes on") == 1
    assert err.count(b"results can be written again") == 1
    cycles = [m["cycle"] for m in probe.stored()]
    judged = [v["cycle"] for v in probe.stored(verdicts) if v["target"]]
    assert sorted(cycles) == sorted(judged)


def test_what_cannot_work_is_one_line_and_nothing_is_started(
    probe: Command, configured: str
) -> None:
    one_line(probe("run", "-c", configured, "--for", "ten"), 2, "--for: 'ten' is no duration")
    one_line(probe("run", "-c", configured, "--results", sys.executable), 2, "a file stands where")
    one_line(probe("run", "-c", "none.yaml"), 2, "none.yaml: no such file or directory")
    assert [path.name for path in probe.folder.iterdir()] == [configured]
