"""CPU time per https check: the probe beside prometheus-blackbox-exporter and openssl s_time.

All three talk to the same nginx, in turns, in one run. Only the measuring side is counted: nginx
is the same for all of them.
"""

import asyncio
import http.client
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from servers import HOST, WebServer, blackbox, find, web_server
from subject import AT_ONCE, instruments, jobs, measured, spread
from table import Section

from probe.measure.controls import Controls
from probe.measure.cycle import run_cycle
from probe.measure.health import Health
from probe.measure.means import Means, Recorders
from probe.measure.measure import Instruments
from probe.measure.quarantine import Quarantine
from probe.plan.jobs import Job
from probe.record.journal import Journal

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")  # seconds; how exactly /proc tells CPU time

Contestant = Callable[[], float]  # does its checks; gives the CPU seconds of one


def sections(count: int, rounds: int) -> list[Section]:
    """The median of ``rounds``, each of ``count`` checks by everyone in turn."""
    with tempfile.TemporaryDirectory(prefix="probe-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(web_server(folder))
        process, port = stack.enter_context(blackbox(folder, server.ca_file))
        journal = stack.enter_context(Journal(folder / "results"))
        tools = instruments(server, folder / "results")
        plan = jobs(server, count)
        openssl = "openssl s_time -new"
        contestants: dict[str, Contestant] = {
            "probe, one after another": lambda: _probe(plan, tools, 1),
            f"probe, {AT_ONCE} at once": lambda: _probe(plan, tools, AT_ONCE),
            "probe, judged and stored": lambda: _stored(plan, tools, journal),
            "prometheus-blackbox-exporter": lambda: _blackbox(process, port, server, count),
            openssl: lambda: _openssl(server),
        }
        found: dict[str, list[float]] = {who: [] for who in contestants}
        for number in range(rounds + 1):
            for who, contestant in contestants.items():
                used = contestant()
                if number:  # the first round warms everyone up
                    found[who].append(used)
    least = statistics.median(found[openssl])
    return [
        Section(
            title=f"CPU per https check: median of {rounds} rounds of {count} checks in turns",
            columns=("", "CPU ms", "least", "most", "× openssl"),
            rows=tuple(_row(who, used, least) for who, used in found.items()),
        )
    ]


def _row(who: str, used: list[float], least: float) -> tuple[str, ...]:
    middle = statistics.median(used)
    figures = (f"{seconds * 1000:.2f}" for seconds in (middle, min(used), max(used)))
    return (who, *figures, f"{middle / least:.1f}")


def _probe(plan: tuple[Job, ...], tools: Instruments, at_once: int) -> float:
    began = time.process_time()
    asyncio.run(measured(plan, tools, at_once=at_once))
    return (time.process_time() - began) / len(plan)


def _stored(plan: tuple[Job, ...], tools: Instruments, journal: Journal) -> float:
    """What ``probe run`` does with a target: measure, judge, and write both."""
    record = Recorders(journal.measurement, journal.verdict)

    async def everything() -> None:
        means = Means(
            instruments=tools,
            health=Health((), tools, journal.measurement),
            record=record,
            controls=Controls((), tools, journal.measurement),
            quarantine=Quarantine(tools.clock.monotonic),
        )
        await spread(plan, lambda job: run_cycle(job, means), 1)

    began = time.process_time()
    asyncio.run(everything())
    return (time.process_time() - began) / len(plan)


def _blackbox(process: int, port: int, server: WebServer, count: int) -> float:
    """The exporter probes when its metrics page is asked for, which is part of its work."""
    query = urlencode({"module": "http_2xx", "target": f"https://{HOST}:{server.port}/"})
    began = _cpu_of(process)
    connection = http.client.HTTPConnection(HOST, port)
    for _ in range(count):
        connection.request("GET", f"/probe?{query}")
        answer = connection.getresponse().read()
        if b"\nprobe_success 1\n" not in answer:
            raise RuntimeError("a check by prometheus-blackbox-exporter failed")
    connection.close()
    return (_cpu_of(process) - began) / count


def _cpu_of(process: int) -> float:
    """User and system seconds of a process (proc(5)), as exactly as the kernel's tick allows."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def _openssl(server: WebServer) -> float:
    """s_time knows no number of connections, only seconds: one."""
    command = [find("openssl"), "s_time", "-connect", f"{HOST}:{server.port}", "-new", "-www", "/"]
    command += ["-CAfile", str(server.ca_file), "-verify", "3", "-time", "1"]
    began = _cpu_of_children()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    made = re.search(r"^(\d+) connections in", said, re.MULTILINE)
    if made is None:
        raise RuntimeError(f"openssl s_time said: {said[-200:]}")
    return (_cpu_of_children() - began) / int(made[1])


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
