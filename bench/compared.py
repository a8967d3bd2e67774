"""How long a comparison of many stored measurements takes, and how much memory."""

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import history
from table import Section, Target

SECONDS: Final = 15.0  # for as many as LIMITED
LIMITED: Final = 10_000_000
MEMORY: Final = 1000.0  # MB, of a million bytes, of all processes together
_LOOK: Final = 0.05  # seconds between two looks at the processes


def sections(count: int) -> list[Section]:
    """Compare the verdicts on ``count`` measurements with the shipped reports: as they were
    written, and packed as every night leaves them."""
    with tempfile.TemporaryDirectory(prefix="probe-bench-") as name:
        root = Path(name)
        targets, features = history.generate(root, count)
        written = _measured(root, f"probe compare, {count} measurements, as lines", count)
        subprocess.run(
            [sys.executable, "-m", "probe", "seal", "--results", str(root), "--quiet"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        packed = _measured(root, f"probe compare, {count} measurements, packed", count)
    rows = (("verdicts on targets, on features", f"{targets}, {features}"),)
    return [replace(written, rows=(*rows, *written.rows)), packed]


def _measured(root: Path, title: str, count: int) -> Section:
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    seconds, peak = _compare(root)
    allowed = SECONDS * max(count / LIMITED, 0.1)  # the program's own start is in it
    return Section(
        title=title,
        rows=(
            ("size on disk", f"{size / 1e6:.0f} MB"),
            ("wall time", f"{seconds:.1f} s"),
            ("peak memory of all processes together", f"{peak:.0f} MB"),
        ),
        targets=(
            Target(what="wall time", figure=seconds, limit=allowed, unit="s"),
            Target(what="peak memory", figure=peak, limit=MEMORY, unit="MB"),
        ),
    )


def _compare(root: Path) -> tuple[float, float]:
    """Wall time in seconds, and the most that the process and its children held at a time, in MB.

    What each of the living processes held at most is summed, so that nothing between two looks is
    missed; memory that they share counts for each.
    """
    command = [sys.executable, "-m", "probe", "compare", "--results", str(root)]
    began = time.monotonic()
    process = subprocess.Popen([*command, "--format", "json"], stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_most, _family(process.pid))))
        time.sleep(_LOOK)
    if process.returncode:
        raise RuntimeError(f"probe compare ended with {process.returncode}")
    return time.monotonic() - began, peak * 1024 / 1e6


def _family(process: int) -> list[int]:
    found = [process]
    for one in found:
        try:
            children = Path(f"/proc/{one}/task/{one}/children").read_text()
        except OSError:  # it has ended
            continue
        found += map(int, children.split())
    return found


def _most(process: int) -> int:
    """The most that a process has held so far, in KiB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
