"""A running probe in real time: python bench/soak.py [--targets 1000] [--minutes 10]

``probe run`` as a process of its own, with targets once a minute at servers on this machine. How
late each cycle began, by the measurements that it left, and how much memory it took at most.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from table import Section, Target

from probe.run.timetable import Timetable

EVERY: Final = 60.0
HOSTS: Final = 50  # addresses 127.0.1.x, so that limits per address are as they would be elsewhere
_BODY: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
_SETTLED: Final = 5.0  # seconds that it may take to start


def sections(targets: int, minutes: float) -> list[Section]:
    """Run it for so long, beside whatever else this machine does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = _serve()
        listed = "".join(
            f"  - {{id: t{n}, url: 'http://127.0.1.{n % HOSTS + 1}:{port}/{n}'}}\n"
            for n in range(targets)
        )
        (folder / "probe.yaml").write_text(
            "anchors: {international: []}\nschedule: {every: 60s}\n"
            f"limits: {{in_all: {10 * targets}}}\ntargets:\n{listed}"
        )
        started = time.time()
        command = [sys.executable, "-m", "probe", "run", "-c", "probe.yaml", "--quiet"]
        process = subprocess.Popen([*command, "--for", f"{minutes * 60:.0f}s"], cwd=folder)
        peak, seconds = 0, 0.0
        while process.poll() is None:
            peak, seconds = _taken(process.pid, peak, seconds)
            time.sleep(1)
        if process.returncode:
            raise RuntimeError(f"probe run ended with {process.returncode}")
        late, failed = _lateness(folder, targets, started)
        events = Counter(e["event"] for e in _lines(folder / "results" / "events.jsonl"))
    late.sort()
    last = late[int(0.99 * (len(late) - 1))]
    return [
        Section(
            title=f"probe run, {targets} http targets every 60 s, for {minutes:g} minutes",
            rows=(
                ("cycles", f"{len(late)}"),
                ("  that failed", f"{failed}"),
                ("missed and skipped turns", f"{events['missed'] + events['skipped']}"),
                ("late by, median", f"{statistics.median(late) * 1000:.1f} ms"),
                ("late by, 99 of 100 at most", f"{last * 1000:.1f} ms"),
                ("late by, most", f"{late[-1] * 1000:.1f} ms"),
                ("memory, at most", f"{peak / 1e6:.1f} MB"),
                ("processor time a cycle", f"{seconds * 1000 / len(late):.2f} ms"),
            ),
            targets=(
                Target(what="late by, p99", figure=last, limit=1, unit="s"),
                Target(what="memory", figure=peak / 1e6, limit=150, unit="MB"),
            ),
        )
    ]


def _lateness(folder: Path, targets: int, started: float) -> tuple[list[float], int]:
    """Seconds from each turn to its measurement's start; how many failed."""
    tables = {f"t{n}": Timetable(f"t{n}", EVERY) for n in range(targets)}
    late, failed = [], 0
    for path in (folder / "results").glob("????-*.jsonl"):
        for line in _lines(path):
            at = datetime.fromisoformat(line["started"])
            due = tables[line["target"]["id"]].latest(at)
            assert due is not None
            if due.timestamp() > started + _SETTLED:
                late.append((at - due).total_seconds())
                failed += any(step["failure"] for step in line["steps"])
    return late, failed


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _taken(process: int, peak: int, seconds: float) -> tuple[int, float]:
    """The most memory that it has held so far, in bytes, and its processor time."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return peak, seconds
    lines = dict(line.partition(":")[::2] for line in status.splitlines())
    held = int(lines["VmHWM"].split()[0]) * 1024 if "VmHWM" in lines else peak
    return max(peak, held), (int(fields[11]) + int(fields[12])) / 100


def _serve() -> int:
    """A web server at each of the addresses, in a thread of its own; its port."""
    ports: list[int] = []
    ready = threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_BODY)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        first = await asyncio.start_server(answer, "127.0.1.1", 0, backlog=1024)
        ports.append(first.sockets[0].getsockname()[1])
        others = [f"127.0.1.{n}" for n in range(2, HOSTS + 1)]
        server = await asyncio.start_server(answer, others, ports[0], backlog=1024)
        ready.set()
        await server.serve_forever()

    threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
    ready.wait()
    return ports[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=10)
    args = parser.parse_args()
    print(*sections(args.targets, args.minutes), sep="\n")


if __name__ == "__main__":
    main()
