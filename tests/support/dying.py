"""Kills a sealing at its n-th change of the disk, for every n, and looks what readers then see.

Run with a folder of results as its argument: ``python dying.py FOLDER SCRATCH``. Each sealing is a
forked process that kills itself (SIGKILL) right before the n-th operation on a file; then another
one reads, seals to the end, and reads again. Prints the number of kills.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb  # noqa: F401  (loaded once, before all forks)

from probe.record.scan import ScanReport, events, measurements, verdicts
from probe.record.seal import seal, sealing_alone

NOW = datetime(2017, 8, 1, tzinfo=UTC)
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "open"}


def seen(root: Path) -> tuple[list[object], list[object], list[object], int]:
    report = ScanReport()
    found = (
        list(measurements(root, report=report)),
        list(verdicts(root, report=report)),
        list(events(root, report=report)),
    )
    return (*found, report.bad + report.unfinished)


def sealed(root: Path) -> None:
    with sealing_alone(root):
        assert seal(root, NOW).trouble == []


def killed_at(number: int, root: Path) -> None:
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event not in CHANGES or (event == "open" and str(root) not in str(arguments[0])):
            return
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    sealed(root)


def in_child(work: Callable[[], None]) -> int:
    """Run something in a fork; its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def look(root: Path, expected: object, number: int) -> None:
    assert seen(root) == expected, f"after the kill at {number}"
    sealed(root)
    assert seen(root) == expected, f"sealed again after the kill at {number}"
    assert not list(root.rglob("*.jsonl")), "something was left unsealed"
    assert not (root / "sealed" / ".drafts").exists()


def main(given: Path, scratch: Path) -> None:
    expected = seen(given)  # all of it JSON Lines: no database is opened before the forks
    number = 0
    while True:
        number += 1
        root = scratch / str(number)
        shutil.copytree(given, root)
        status = in_child(partial(killed_at, number, root))
        assert in_child(partial(look, root, expected, number)) == 0
        shutil.rmtree(root)
        if not os.WIFSIGNALED(status):
            assert status == 0
            break
    print(number - 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
