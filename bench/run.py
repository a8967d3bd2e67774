"""All figures of docs/benchmarks.md, measured here and now: python bench/run.py [--quick] [--write]

Says plainly where a target is missed, but never fails for it: a busy machine is no bug. The exit
code is 1 only when something could not be measured at all.
"""

import argparse
import os
import platform
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cold
import compared
import cpu
import demo
import memory
import scrape
import sealing
import size
import timings
from servers import NotMeasuredError, find
from table import WIDTH, Section, write

from probe import __version__

_BEGIN: Final = "<!-- figures: written by bench/run.py --write -->"
_END: Final = "<!-- end of figures -->"


def main() -> int:
    """Measure, print, and write if asked to; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, rougher figures")
    parser.add_argument(
        "--write", action="store_true", help="put the table into docs/benchmarks.md"
    )
    args = parser.parse_args()
    command = " ".join(["python bench/run.py", *(["--quick"] if args.quick else [])])
    texts = [machine(command)]
    print(texts[0])
    missed, unmeasured = [], False
    for name, measure in _parts(quick=args.quick):
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        try:
            found = measure()
        except NotMeasuredError as exc:
            found, unmeasured = [Section(title=name, note=f"NOT MEASURED: {exc}")], True
        for section in found:
            texts.append(str(section))
            print(section, flush=True)
            missed += [target.what for target in section.targets if not target.met]
    texts.append("\n  ".join(["targets missed:", *(missed or ["none"])]) + "\n")
    print(texts[-1])
    if args.write:
        write("\n".join(texts), _BEGIN, _END)
    return int(unmeasured)


def _parts(*, quick: bool) -> Iterator[tuple[str, Callable[[], list[Section]]]]:
    yield "clock against the line", lambda: timings.sections(40 if quick else 200)
    yield "CPU per check", lambda: cpu.sections(100 if quick else 300, 3 if quick else 7)
    yield "new processes", lambda: cold.sections(5 if quick else 20)
    yield "export", lambda: memory.sections(50_000 if quick else 1_000_000)
    yield "scrape", lambda: scrape.sections(5 if quick else 50)
    yield "demonstration", lambda: demo.sections(1 if quick else 3)
    yield "comparison", lambda: compared.sections(300_000 if quick else compared.LIMITED)
    yield "sealed days", lambda: sealing.sections(20_000 if quick else 200_000, 5 if quick else 20)
    yield "kills", lambda: [sealing.kills(20 if quick else 200)]
    yield "installed size", size.sections


def machine(command: str) -> str:
    """When, on what and with which programs, as lines."""
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "probe": __version__,
        "machine": f"{os.cpu_count()} cores, {_processor()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "openssl": _version("openssl", "version"),
        "nginx": _version("nginx", "-v"),
        "blackbox": _version("prometheus-blackbox-exporter", "--version"),
    }
    return "\n".join(f"{name:9} {fact}"[:WIDTH] for name, fact in facts.items()) + "\n"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(program: str, option: str) -> str:
    """The first version number that a program tells of itself."""
    try:
        done = subprocess.run([find(program), option], check=False, capture_output=True, text=True)
    except NotMeasuredError:
        return "not installed"
    found = re.search(r"\d+\.\d+[\w.+~-]*", done.stdout + done.stderr)
    return found[0] if found else "unknown"


if __name__ == "__main__":
    sys.exit(main())
