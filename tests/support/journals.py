"""Records for a journal, and programs that write one."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from probe.core.model import Control, Event, Measurement, Software, Step, Target, Vantage, Verdict
from probe.record.scan import ScanReport, measurements

AT = datetime(2017, 7, 18, 4, tzinfo=UTC)
DAY = "2017-07-18.jsonl"
HERE = str(Path(__file__).parents[1])
PROJECT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def measurement(name: str, at: datetime = AT, filling: str = "") -> Measurement:
    step = Step(op="connect", transaction=1, t0=0.0, t=0.1, detail={"filling": filling})
    return Measurement(
        id=name,
        run="r",
        cycle=f"c-{name}",
        started=at,
        vantage=Vantage(id="local"),
        target=Target(id="t", service="s", feature="f", url="tcp://192.0.2.1:1"),
        check="tcp",
        steps=(step,),
        software=Software(name="probe", version="0"),
    )


def verdict(name: str, at: datetime = AT) -> Verdict:
    return Verdict(
        id=name,
        at=at,
        cycle="c",
        vantage=Vantage(id="local"),
        target="t",
        service="s",
        feature="f",
        url=None,
        outcome="ok",
        mechanism=None,
        locus=None,
        rule="complete",
        rules=1,
        covered="handshake",
        control=Control(),
        evidence=(),
    )


def event(name: str) -> Event:
    return Event(at=AT, event=name, vantage="local")


def ids(root: Path, report: ScanReport | None = None) -> list[str]:
    return [m.id for m in measurements(root, report=report)]


# A writer in a process of its own: argv is the folder, a prefix, a count and a length; it prints
# each id after the append has returned.
WRITER = f"""
import os, sys
sys.path[:0] = [{HERE!r}]
from pathlib import Path
from support.journals import measurement
from probe.record.journal import Journal
root, prefix, count, length = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
journal = Journal(root)
for number in range(count):
    name = f"{{prefix}}-{{number}}"
    journal.measurement(measurement(name, filling=prefix[-1] * (1 + length * (number % 7) // 6)))
    os.write(1, name.encode() + b"\\n")
journal.close()
"""


def writer(root: Path, prefix: str, count: int, length: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), prefix, str(count), str(length)],
        stdout=subprocess.PIPE,
        env=PROJECT,
    )
