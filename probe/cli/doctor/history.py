"""What the results tell of the running probe: who writes, when last, and what has happened."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from probe.cli.doctor.finding import Finding, ago

if TYPE_CHECKING:
    from probe.plan.jobs import Plan

_WEEK: Final = timedelta(days=7)
_OVERDUE: Final = 3.0  # intervals without any measurement


def findings(folder: Path, plan: "Plan | None") -> Iterator[Finding]:
    """Nothing where nothing ever ran."""
    if not folder.is_dir():
        return
    holder = _holder(folder)
    if holder is not None:
        yield Finding("running", "ok", f"process {holder} holds the results folder")
    newest = _newest(folder)
    if newest is not None:
        yield _measured(time.time() - newest, plan, running=holder is not None)
    yield from _events(folder)


def _holder(folder: Path) -> int | None:
    """The process that has locked a file of this folder, as the kernel tells it (proc(5))."""
    try:
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        own = {str(path.stat().st_ino) for path in folder.iterdir() if path.is_file()}
        device = folder.stat().st_dev
    except OSError:
        return None
    place = f"{os.major(device):02x}:{os.minor(device):02x}"
    for lock in locks:
        # "1: FLOCK  ADVISORY  WRITE 1234 fe:00:131 0 EOF"; "->" marks who waits for it
        fields = lock.split()
        if "->" in fields or len(fields) < 8 or fields[4] in {"0", "-1"}:
            continue
        where, _, inode = fields[5].rpartition(":")
        if where == place and inode in own:
            return int(fields[4])
    return None


def _newest(folder: Path) -> float | None:
    """When a measurement was last written: of a day's file, or sealed days."""
    times = [
        path.stat().st_mtime
        for pattern in ("????-??-??.jsonl", "**/*.parquet")
        for path in folder.glob(pattern)
    ]
    return max(times, default=None)


def _measured(age: float, plan: "Plan | None", *, running: bool) -> Finding:
    every = min((job.every for job in plan.jobs), default=0.0) if plan else 0.0
    if every and running and age > _OVERDUE * every + 60:
        text = f"{ago(age)}, though it runs and something is due every {every:g} s: see its log"
        return Finding("measured", "wrong", text)
    return Finding("measured", "ok" if running or not plan else "note", f"last {ago(age)}")


def _events(folder: Path) -> Iterator[Finding]:
    """What is worth knowing of the last seven days."""
    from probe.record.scan import events

    since = datetime.now(UTC) - _WEEK
    last: dict[str, datetime] = {}
    counts: Counter[str] = Counter()
    for event in events(folder, since=since):
        counts[event.event] += 1
        last[event.event] = event.at
    advice = {
        "clock_jump": "install systemd-timesyncd or chrony",
        "disk_full": "free some room",
        "missed": "more targets than this machine manages, or it was suspended",
    }
    now = datetime.now(UTC)
    for name, what in advice.items():
        if counts[name]:
            passed = ago((now - last[name]).total_seconds())
            times = f"{counts[name]} in 7 days, last {passed}"
            yield Finding(name.replace("_", " "), "note", f"{times}: {what}")
    unended = counts["start"] - counts["stop"]
    if unended > 1:
        text = f"{unended - 1} times in 7 days without a stop: killed, or the power failed"
        yield Finding("crashes", "note", text)
