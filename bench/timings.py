"""Does the probe's clock agree with the line? Its durations beside a capture of the same run."""

import asyncio
import re
import statistics
import tempfile
from pathlib import Path
from typing import Final

from capture import Connection, Wire, capturing, connections, wire
from servers import DOMAIN, web_server
from subject import AT_ONCE, instruments, jobs, measured, server_name
from table import Section, Target, milliseconds

from probe.show.timings import Timings, timings

STAGES: Final = ("connect", "tls", "first_byte")
LIMIT: Final = 1.0  # milliseconds that the median difference may be
WARM_UP: Final = 5  # checks that are not counted: caches fill, and the loop's first pass is slow

_SERVER_NAME: Final = re.compile(rb"n\d{5}\." + re.escape(DOMAIN.encode()))


def sections(count: int) -> list[Section]:
    """Compare ``count`` checks one after another, and as many with several under way."""
    return [
        _section(f"Clock against the line: {count} https checks, one after another", count, 1),
        _section(f"The same with {AT_ONCE} checks under way in one process", count, AT_ONCE),
    ]


def _section(title: str, count: int, at_once: int) -> Section:
    pairs = _pairs(count, at_once)
    rows, targets = [], []
    for stage in STAGES:
        probe = [getattr(seen, stage) / 1000 for _, seen in pairs]
        line = [getattr(real, stage) for real, _ in pairs]
        differences = [abs(a - b) for a, b in zip(probe, line, strict=True)]
        middle = statistics.median(differences)
        rows.append(
            (
                stage.replace("_", " "),
                milliseconds(statistics.median(line)),
                milliseconds(statistics.median(probe)),
                milliseconds(middle),
                milliseconds(statistics.quantiles(differences, n=20)[-1]),
            )
        )
        if at_once == 1:
            what = f"{stage.replace('_', ' ')}, median difference"
            targets.append(Target(what=what, figure=middle * 1000, limit=LIMIT, unit="ms"))
    return Section(
        title=title,
        columns=("ms", "line median", "probe median", "difference median", "p95"),
        rows=tuple(rows),
        targets=tuple(targets),
    )


def _pairs(count: int, at_once: int) -> list[tuple[Wire, Timings]]:
    """What the line and what the probe say of each check; the server name joins them."""
    with tempfile.TemporaryDirectory(prefix="probe-bench-") as name:
        folder = Path(name)
        with web_server(folder) as server:
            plan = jobs(server, WARM_UP + count)
            tools = instruments(server, folder / "results")
            with capturing(server.port, folder / "lo.pcap"):
                found = asyncio.run(measured(plan, tools, at_once=at_once))
            seen = connections(folder / "lo.pcap", server.port)
    by_name = {_asked_for(connection): connection for connection in seen}
    return [
        (wire(by_name[server_name(number)]), timings(measurement))
        for number, measurement in enumerate(found)
        if number >= WARM_UP
    ]


def _asked_for(connection: Connection) -> str:
    """The server name in the ClientHello, where it stands in clear (RFC 6066 section 3)."""
    found = _SERVER_NAME.search(connection.client[0].data) if connection.client else None
    return found[0].decode() if found else ""
