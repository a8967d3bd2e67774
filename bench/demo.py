"""How long the demonstration takes, from start to the page: all of it, as ``make demo`` runs it."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Final

from table import Section, Target

SECONDS: Final = 30.0


def sections(runs: int) -> list[Section]:
    """The median of ``runs`` runs; drawing needs matplotlib, which ``make demo`` installs."""
    with tempfile.TemporaryDirectory(prefix="probe-bench-") as folder:
        found = [_run(folder) for _ in range(runs)]
    wall = statistics.median(seconds for seconds, _ in found)
    processor = statistics.median(seconds for _, seconds in found)
    return [
        Section(
            title=f"probe demo, median of {runs}",
            rows=(
                ("wall time", f"{wall:.1f} s"),
                ("processor time of all processes", f"{processor:.1f} s"),
            ),
            targets=(Target(what="wall time", figure=wall, limit=SECONDS, unit="s"),),
        )
    ]


def _run(folder: str) -> tuple[float, float]:
    """Wall time and processor time in seconds."""
    before, began = _processor(), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "probe", "demo", "--results", folder, "--quiet"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - began, _processor() - before


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
