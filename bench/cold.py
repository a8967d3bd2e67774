"""How long a command takes from the shell's point of view, in a new process."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from servers import HOST, web_server
from table import Section, Target

HELP_BUDGET: Final = 150.0  # milliseconds
ROOT: Final = Path(__file__).resolve().parent.parent
SCRIPT: Final = Path(sys.executable).with_name("probe")


def sections(runs: int) -> list[Section]:
    """The median of ``runs`` runs of each command."""
    with tempfile.TemporaryDirectory(prefix="probe-bench-") as name:
        folder = Path(name)
        with web_server(folder) as server:
            where = f"{HOST}:{server.port}"
            commands = {
                "python -c pass": [sys.executable, "-c", "pass"],
                "probe --help": [*_probe(), "--help"],
                "probe check --help": [*_probe(), "check", "--help"],
                "probe check tcp://…": [*_probe(), "check", f"tcp://{where}"],
                "probe check https://…": [*_probe(), "check", f"https://{where}/"],
            }
            environment = {**os.environ, "SSL_CERT_FILE": str(server.ca_file)}
            if not SCRIPT.exists():
                environment["PYTHONPATH"] = str(ROOT)
            found = {
                what: [_time(command, environment, folder) for _ in range(runs + 1)][1:]
                for what, command in commands.items()
            }
    rows = tuple(
        (what, f"{statistics.median(took):.0f}", f"{min(took):.0f}", f"{max(took):.0f}")
        for what, took in found.items()
    )
    budget = Target(
        what="probe --help",
        figure=statistics.median(found["probe --help"]),
        limit=HELP_BUDGET,
        unit="ms",
    )
    title = f"A new process from start to end, median of {runs}"
    return [
        Section(
            title=title, columns=("ms", "median", "least", "most"), rows=rows, targets=(budget,)
        )
    ]


def _probe() -> list[str]:
    """The installed command, or the module where only the source tree is there."""
    return [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "probe"]


def _time(command: list[str], environment: dict[str, str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder)
    return (time.perf_counter() - began) * 1000
