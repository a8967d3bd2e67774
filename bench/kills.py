"""Kills a running probe again and again: python bench/kills.py [--kills 200]

Each time at a random moment, by kill -9, while it measures servers on this machine. Counts what is
there more than once, what was measured twice in one turn, and verdicts without their measurements.
"""

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from table import Section, Target

from probe.run.timetable import Timetable

TARGETS: Final = 20
EVERY: Final = 1.0
_PATIENCE: Final = 60.0  # seconds until a probe that was started must have measured something


def sections(kills: int) -> list[Section]:
    """Start and kill it so often."""
    chance = random.Random(2017)
    with tempfile.TemporaryDirectory() as name, _server() as port:
        folder = Path(name)
        listed = "".join(
            f"  - {{id: t{n}, url: 'tcp://127.0.0.1:{port}'}}\n" for n in range(TARGETS)
        )
        (folder / "probe.yaml").write_text(
            "anchors: {international: []}\nschedule: {every: 1s}\n"
            "limits: {per_host: 4096, per_minute: 1000000, in_all: 1000000}\n"
            f"targets:\n{listed}"
        )
        torn = sum(_killed(folder, chance) for _ in range(kills))
        return [_counted(folder / "results", kills, torn)]


def _counted(results: Path, kills: int, torn: int) -> Section:
    """What so many kills have left."""
    measured = list(_lines(results, "????-*.jsonl"))
    verdicts = list(_lines(results / "verdicts", "*.jsonl"))
    ids = Counter(m["id"] for m in measured)
    tables = {f"t{n}": Timetable(f"t{n}", EVERY) for n in range(TARGETS)}
    turns = Counter(
        (m["target"]["id"], tables[m["target"]["id"]].latest(datetime.fromisoformat(m["started"])))
        for m in measured
    )
    lost = sum(not set(verdict["evidence"]) <= ids.keys() for verdict in verdicts)
    return Section(
        title=f"{kills} times kill -9, at random moments",
        rows=(
            ("measurements", f"{len(measured)}"),
            ("verdicts", f"{len(verdicts)}"),
            ("kills that tore a line", f"{torn}"),
        ),
        targets=tuple(
            Target(what=what, figure=float(figure), limit=0, unit="")
            for what, figure in (
                ("measurements that are there twice", len(measured) - len(ids)),
                ("turns that were measured twice", len(measured) - len(turns)),
                ("verdicts whose measurements are lost", lost),
            )
        ),
    )


def _killed(folder: Path, chance: random.Random) -> bool:
    """Run it until it has measured, and a random moment longer; whether a line was torn."""
    command = [sys.executable, "-m", "probe", "run", "-c", "probe.yaml", "--quiet"]
    before = _size(folder / "results")
    with subprocess.Popen(command, cwd=folder) as process:
        deadline = time.monotonic() + _PATIENCE
        while _size(folder / "results") == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1))
        process.send_signal(signal.SIGKILL)
    if _size(folder / "results") == before:
        raise RuntimeError("the probe measured nothing")
    return any(
        path.read_bytes()[-1:] != b"\n" for path in (folder / "results").glob("????-*.jsonl")
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("????-*.jsonl"))


def _lines(folder: Path, pattern: str) -> Iterator[dict[str, Any]]:
    for path in folder.glob(pattern):
        for line in path.read_bytes().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue  # torn by a kill, and mended by the next start


@contextmanager
def _server() -> Iterator[int]:
    """Accepts connections and closes them."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:

        def serve() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    print(*sections(parser.parse_args().kills), sep="\n")


if __name__ == "__main__":
    main()
