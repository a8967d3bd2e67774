"""Sealed days against JSON Lines: size, time to seal, to export, and to find one id.

And what is left after many kills: python bench/sealing.py kills [N]
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

import export_memory
from table import Section, Target

from probe.record.scan import ScanReport, measurements

SLOWER: Final = 2.0  # times that exporting sealed days may take what JSON Lines take
SEARCH: Final = 5.0  # seconds in which one id is found in all of it
# What a process took, told by itself: peak memory in KiB.
RUN: Final = export_memory.EXPORT
WRITER: Final = """
import os, sys
sys.path[:0] = [sys.argv[1]]
from pathlib import Path
from dataclasses import replace
from datetime import timedelta
import export_memory
from probe.record.journal import Journal
journal = Journal(Path(sys.argv[2]))
number = 0
while True:
    number += 1
    at = export_memory.START + timedelta(days=number % 3, seconds=number % 80_000)
    one = replace(export_memory.measurement(number, at), id=f"{sys.argv[3]}-{number}")
    journal.measurement(one)
    os.write(1, one.id.encode() + b"\\n")
"""


def sections(count: int, days: int) -> list[Section]:
    """Seal ``count`` measurements of so many days, and read them before and after."""
    with tempfile.TemporaryDirectory(prefix="probe-sealing-") as name:
        root = Path(name, "results")
        export_memory.generate(root, count, days)
        wanted = next(iter(measurements(root))).id
        before, taken = _export(root, Path(name, "lines.csv"))
        size = _size(root)
        began = time.monotonic()
        sealing = _run("seal", "--results", str(root), "--quiet")
        took = time.monotonic() - began
        after, memory = _export(root, Path(name, "sealed.csv"))
        same = Path(name, "lines.csv").read_bytes() == Path(name, "sealed.csv").read_bytes()
        if not same:
            raise RuntimeError("the export of sealed days differs from that of the lines")
        began = time.monotonic()
        _run("explain", wanted[:18], "--results", str(root))
        found = time.monotonic() - began
        small = _size(root)
    rows = (
        ("size as lines, sealed", f"{size / 1e6:.0f} MB, {small / 1e6:.1f} MB"),
        ("sealing", f"{took:.1f} s, {2 * count / took:.0f} records/s"),
        ("peak memory of sealing", f"{sealing / 1024:.0f} MiB"),
        ("export of lines, of sealed days", f"{before:.1f} s, {after:.1f} s"),
        ("peak memory of both", f"{taken / 1024:.0f} MiB, {memory / 1024:.0f} MiB"),
        ("explain one id", f"{found:.2f} s"),
    )
    return [
        Section(
            title=f"Sealed days, {count} measurements and verdicts in {days} days",
            rows=rows,
            targets=(
                Target(
                    what="export, sealed to lines", figure=after / before, limit=SLOWER, unit="×"
                ),
                Target(what="finding one id", figure=found, limit=SEARCH, unit="s"),
            ),
        )
    ]


def _export(root: Path, out: Path) -> tuple[float, int]:
    began = time.monotonic()
    peak = _run("export", "--results", str(root), "-o", str(out))
    return time.monotonic() - began, peak


def _run(*arguments: str) -> int:
    """Run the program; its peak memory in KiB, which it prints last."""
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout.splitlines()[-1])


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def kills(count: int = 200) -> Section:
    """Kill a writer and a sealer at random moments; whatever the writer told is there once."""
    with tempfile.TemporaryDirectory(prefix="probe-kills-") as name:
        root = Path(name, "results")
        told: list[str] = []
        here = str(Path(__file__).parent)
        for number in range(count // 2):
            write = [sys.executable, "-c", WRITER, here, str(root), f"w{number}"]
            seal = [sys.executable, "-m", "probe", "seal", "--results", str(root), "--no-event"]
            with subprocess.Popen(write, stdout=subprocess.PIPE) as writer:
                assert writer.stdout
                told += writer.stdout.readline().decode().split()
                with subprocess.Popen(seal, stdout=subprocess.DEVNULL) as sealer:
                    time.sleep(random.uniform(0.3, 3.3))
                    sealer.send_signal(signal.SIGKILL)
                    time.sleep(random.uniform(0, 0.05))
                    writer.send_signal(signal.SIGKILL)
                told += writer.stdout.read().decode().split()
        killed = Counter(m.id for m in measurements(root, report=ScanReport()))
        _run("seal", "--results", str(root), "--quiet")
        report = ScanReport()
        found = Counter(m.id for m in measurements(root, report=report))
        parts = len(list(root.rglob("*.parquet")))
    if not told or not parts:
        raise RuntimeError("nothing was written, or nothing sealed: nothing is shown by that")
    lost = sum(seen[one] == 0 for one in told for seen in (killed, found))
    doubled = sum(number > 1 for seen in (killed, found) for number in seen.values())
    return Section(
        title=f"{count} kills (SIGKILL), a writer and a sealer in turns",
        rows=(
            ("measurements written and told", str(len(told))),
            ("sealed parts that came of them", str(parts)),
            ("torn lines, kept aside", str(report.bad)),
        ),
        targets=(
            Target(what="lost", figure=lost, limit=0, unit="measurements"),
            Target(what="doubled", figure=doubled, limit=0, unit="measurements"),
        ),
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["kills"]:
        print(kills(*map(int, sys.argv[2:])))
    else:
        print(*sections(*(map(int, sys.argv[1:]) if sys.argv[1:] else (200_000, 20))), sep="\n")
