"""probe run as a service manager has it: notified, reloaded, watched, killed."""

import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import PROBE, Command, wait_until

KILLS = 10  # bench/kills.py does it two hundred times


def configure(probe: Command, ports: Any, *names: str, **more: str) -> str:
    return probe.configure(
        *(f"id: {name}, url: 'tcp://127.0.0.1:{ports.tcp}'" for name in names),
        **{"schedule": "{every: 1s}", "limits": "{per_minute: 6000}", **more},
    )


def events(probe: Command, name: str) -> list[dict[str, Any]]:
    found = probe.stored("results/events.jsonl")
    return [event for event in found if event["event"] == name]


def names(probe: Command) -> set[str]:
    return {m["target"]["id"] for m in probe.stored()}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(60)
        yield sock


def until(manager: socket.socket, start: str) -> str:
    """The next message that begins so."""
    while not (told := manager.recv(4096).decode()).startswith(start):
        pass
    return told


def test_the_service_manager_is_told_of_every_turn(
    probe: Command, ports: Any, manager: socket.socket, tmp_path: Path
) -> None:
    config = configure(probe, ports, "a")
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    process = probe.start(*PROBE, "run", "-c", config, env=environ, stderr=subprocess.DEVNULL)
    assert "STATUS=1 targets" in until(manager, "READY=1")
    for _ in range(3):
        until(manager, "WATCHDOG=1")
    configure(probe, ports, "a", "b")
    process.send_signal(signal.SIGHUP)
    assert "MONOTONIC_USEC=" in until(manager, "RELOADING=1")
    assert "STATUS=2 targets" in until(manager, "READY=1")
    process.terminate()
    until(manager, "STOPPING=1")
    assert process.wait(60) == 0


def test_a_watchdog_is_not_fed_by_a_process_that_hangs(
    probe: Command, ports: Any, manager: socket.socket, tmp_path: Path
) -> None:
    config = configure(probe, ports, "a")
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    process = probe.start(*PROBE, "run", "-c", config, env=environ, stderr=subprocess.DEVNULL)
    until(manager, "WATCHDOG=1")
    process.send_signal(signal.SIGSTOP)
    manager.settimeout(1.0)
    with pytest.raises(TimeoutError):
        for _ in range(1000):  # what was on its way; then nothing comes any more
            manager.recv(4096)
    process.send_signal(signal.SIGCONT)
    manager.settimeout(60)
    until(manager, "WATCHDOG=1")
    process.terminate()
    assert process.wait(60) == 0


def test_a_broken_configuration_is_refused_and_a_good_one_is_taken(
    probe: Command, ports: Any
) -> None:
    config = configure(probe, ports, "a")
    process = probe.start(*PROBE, "run", "-c", config, "--log", "json")
    wait_until(lambda: names(probe) == {"a"})
    for broken in ("targets: [", f"{(probe.folder / config).read_text()}evry: 5m\n"):
        before = len(events(probe, "reload"))
        (probe.folder / config).write_text(broken)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda before=before: len(events(probe, "reload")) > before)
    configure(probe, ports, "a", vantage="{id: elsewhere}")
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(events(probe, "reload")) == 3)
    assert [event["accepted"] for event in events(probe, "reload")] == [False] * 3
    seen = len(probe.stored())
    wait_until(lambda: len(probe.stored()) > seen)  # the old one goes on
    configure(probe, ports, "b", "c")
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: names(probe) == {"a", "b", "c"})
    process.terminate()
    _, err = process.communicate(timeout=60)
    last = events(probe, "reload")[-1]
    assert last["accepted"]
    assert (last["targets"], last["added"], last["removed"]) == (2, 2, 1)
    lines = [json.loads(line) for line in err.decode().splitlines()]
    refused = [line["message"] for line in lines if line["level"] == "error"]
    assert len(refused) == 3
    assert "unknown key" in refused[1]
    assert "restart the probe" in refused[2]


def test_too_much_memory_is_an_orderly_end_that_asks_for_a_new_start(
    probe: Command, ports: Any
) -> None:
    config = configure(probe, ports, "a", limits="{memory: 1MiB}")
    done = probe("run", "-c", config, "--log", "text")
    assert done.code == 75
    assert "of memory are taken" in done.err
    assert [e["event"] for e in probe.stored("results/events.jsonl")][-2:] == [
        "memory_high",
        "stop",
    ]


def test_too_few_open_files_mean_fewer_cycles(probe: Command, ports: Any) -> None:
    config = configure(probe, ports, "a", limits="{at_once: 500}")
    limited = (sys.executable, "-c", LIMITED)
    done = probe.run(*limited, "run", "-c", config, "--for", "1s", "--log", "text")
    assert done.code == 0, done.err
    assert "limits.at_once: " in done.err
    assert "for want of open files" in done.err


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
os.execv(sys.executable, [sys.executable, "-m", "probe", *sys.argv[1:]])
"""


@pytest.mark.timeout(300)
def test_kill_nine_loses_and_doubles_nothing_that_was_complete(probe: Command, ports: Any) -> None:
    # The server's own count is no witness: what it accepts may never have been completed. The
    # probe's lines are: a verdict is written after its measurement, so it must have one.
    config = configure(probe, ports, *"abcdefgh")
    chance = random.Random(9)
    for _ in range(KILLS):
        process = probe.start(*PROBE, "run", "-c", config, stderr=subprocess.DEVNULL)
        before = len(probe.stored())
        wait_until(lambda before=before: len(probe.stored()) > before)
        time.sleep(chance.uniform(0, 0.3))  # nothing depends on it: any moment will do
        process.kill()
        process.communicate()
    measured = probe.stored()
    ids = Counter(m["id"] for m in measured)
    assert set(ids.values()) == {1}
    turns = Counter(
        (m["target"]["id"], int(second(m["started"]) - own(m["target"]["id"]))) for m in measured
    )
    assert set(turns.values()) == {1}  # nobody twice in one turn, whatever was killed
    for verdict in probe.stored("results/verdicts/*.jsonl"):
        assert set(verdict["evidence"]) <= set(ids)
    torn = sum(
        not line.endswith(b"}")
        for path in probe.folder.glob("results/*.jsonl")
        for line in path.read_bytes().splitlines()
    )
    assert torn <= KILLS
    assert (probe.folder / "results" / "state.jsonl").is_file()


def second(text: str) -> float:
    from datetime import datetime

    from probe.run.timetable import EPOCH

    return (datetime.fromisoformat(text) - EPOCH).total_seconds()


def own(name: str) -> float:
    from probe.run.timetable import phase

    return phase(name, 1.0)
