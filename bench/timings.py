"""Does the probe's clock agree with the line? Its durations beside a capture of the same run."""

import asyncio
import re
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from capture import Connection, Wire, capturing, connections, wire
from servers import DOMAIN, web_server
from subject import instruments, jobs, measured, verified
from table import Section, Target, milliseconds

from probe.core.model import Measurement
from probe.measure.means import Recorders
from probe.measure.measure import Instruments
from probe.measure.once import AT_ONCE, check_once
from probe.plan.jobs import Job, Plan
from probe.show.timings import Timings, timings

STAGES: Final = ("connect", "tls", "first_byte")
LIMIT: Final = 1.0  # milliseconds that the median difference may be
WARM_UP: Final = 5  # checks that are not counted: the first ones fill caches
_SERVER_NAME: Final = re.compile(rb"n\d{5}\." + re.escape(DOMAIN.encode()))

Way = Callable[[Sequence[Job], Instruments], Awaitable[Sequence[Measurement]]]


def sections(count: int) -> list[Section]:
    """Compare ``count`` checks one after another, then as many in one round of ``probe check``."""
    alone = f"Clock against the line: {count} https checks, one after another"
    together = f"The same as one 'probe check' of {count} targets, up to {AT_ONCE} at once"
    return [
        _section(alone, "one after another", _pairs(count, measured)),
        _section(together, "in one round", _pairs(count, _one_round)),
    ]


async def _one_round(plan: Sequence[Job], tools: Instruments) -> Sequence[Measurement]:
    """As the command line does it, from which many targets may start at the same moment."""
    everything = Plan(
        vantage=tools.vantage,
        jobs=tuple(plan),
        features=(),
        anchors=(),
        results=Path(),
        ca_file=tools.ca_file,
        max_addresses=tools.max_addresses,
        user_agent=tools.user_agent,
    )
    found = await check_once(everything, tools, Recorders(lambda _: None, lambda _: None))
    return verified(found.measurements)


def _section(title: str, manner: str, pairs: Sequence[tuple[Wire, Timings]]) -> Section:
    rows, targets = [], []
    for stage in STAGES:
        name = stage.replace("_", " ")
        line = [getattr(real, stage) for real, _ in pairs]
        probe = [getattr(told, stage) / 1000 for _, told in pairs]
        differences = [abs(a - b) for a, b in zip(probe, line, strict=True)]
        middle = statistics.median(differences)
        figures = [statistics.median(line), statistics.median(probe), middle]
        figures.append(statistics.quantiles(differences, n=20)[-1])
        rows.append((name, *map(milliseconds, figures)))
        what = f"{name}, {manner}: median difference"
        targets.append(Target(what=what, figure=middle * 1000, limit=LIMIT, unit="ms"))
    return Section(
        title=title,
        columns=("ms", "line median", "probe median", "difference median", "p95"),
        rows=tuple(rows),
        targets=tuple(targets),
    )


def _pairs(count: int, way: Way) -> list[tuple[Wire, Timings]]:
    """What the line and what the probe say of each check; the server name joins them."""
    with tempfile.TemporaryDirectory(prefix="probe-bench-") as name:
        folder = Path(name)
        with web_server(folder) as server:
            plan = jobs(server, WARM_UP + count)
            tools = instruments(server, folder / "results")

            async def everything() -> Sequence[Measurement]:
                await measured(plan[:WARM_UP], tools)
                return await way(plan[WARM_UP:], tools)

            with capturing(server.port, folder / "lo.pcap"):
                found = asyncio.run(everything())
            seen = connections(folder / "lo.pcap", server.port)
    by_name = {_asked_for(connection): connection for connection in seen}
    return [(wire(by_name[urlsplit(m.target.url).hostname]), timings(m)) for m in found]


def _asked_for(connection: Connection) -> str | None:
    """The server name in the ClientHello, where it stands in clear (RFC 6066 section 3)."""
    found = _SERVER_NAME.search(connection.client[0].data) if connection.client else None
    return found[0].decode() if found else None
