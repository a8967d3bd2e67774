"""What a scrape of the metrics costs the loop that measures."""

import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from table import Section, Target, milliseconds

from probe.core.ids import uuid7
from probe.core.model import Control, Measurement, Software, Step, Verdict
from probe.net.clocks import RealClock
from probe.plan.config import Config, VantageSection
from probe.plan.jobs import Job, Planner
from probe.run.metrics.collector import ProbeCollector
from probe.run.metrics.seen import Seen
from probe.run.metrics.server import page
from probe.run.metrics.table import Room, Sources

TARGETS: Final = 500
STRETCH: Final = 10.0  # milliseconds that the loop may be kept without a break
_HERE: Final = VantageSection().vantage()
_STAGES: Final = ("connect", "tls_handshake", "http_request", "http_response", "transfer")
_NOW: Final = datetime(2017, 7, 18, tzinfo=UTC)


def sections(times: int) -> list[Section]:
    """Make the page of many targets so often, as the server does, and clock each piece."""
    own = ProbeCollector(_seen())
    wholes, longest, size = [], [], 0
    for _ in range(times):
        began = last = time.process_time()
        stretches, size = [], 0
        for piece in page(own.parts()):
            now = time.process_time()
            stretches.append(now - last)
            last, size = now, size + len(piece)
        wholes.append(last - began)
        longest.append(max(stretches))
    whole, stretch = statistics.median(wholes), statistics.median(longest)
    return [
        Section(
            title=f"A scrape of /metrics with {TARGETS} https targets, median of {times}",
            rows=(
                ("size", f"{size / 1024:.0f} KiB"),
                ("CPU in all", f"{milliseconds(whole)} ms"),
                ("longest stretch on the loop", f"{milliseconds(stretch)} ms"),
            ),
            targets=(
                Target(what="longest stretch", figure=stretch * 1000, limit=STRETCH, unit="ms"),
            ),
        )
    ]


def _seen() -> Sources:
    """Every target measured and judged, with two outcomes and a failure each."""
    targets = [{"id": f"t{n}", "url": f"https://n{n}.example/"} for n in range(TARGETS)]
    planner = Planner(Config.model_validate({"targets": targets}), Path(), _HERE)
    planner.add_config()
    plan = planner.plan()
    seen = Seen(plan, RealClock())
    for job in plan.jobs:
        name = job.target.id
        seen.due(name)
        seen.started(name, 0.001)
        for failure in ("connection_reset", None):
            seen.measurement(_measurement(job, failure))
            seen.verdict(_verdict(job, "ok" if failure is None else "unreachable"))
        seen.ended(name)
    return Sources(seen=seen, room=lambda: Room(free=10**9, size=10**10, waiting=0, dropped=0))


def _measurement(job: Job, failure: str | None) -> Measurement:
    steps = [Step(op="resolve", transaction=1, t0=0.0, t=0.1, detail={"resolver": "system"})]
    for number, op in enumerate(_STAGES[:1] if failure else _STAGES):
        at = 0.1 + number / 10
        steps.append(
            Step(
                op=op,
                transaction=2,
                address="192.0.2.1:443",
                t0=at,
                t=at + 0.1,
                failure=failure,
                detail={"status": 200} if op == "http_response" else {},
            )
        )
    return Measurement(
        id=uuid7(_NOW),
        run="run",
        cycle="cycle",
        started=_NOW,
        vantage=_HERE,
        target=job.target,
        check="https",
        steps=tuple(steps),
        software=Software(name="probe", version="0"),
    )


def _verdict(job: Job, outcome: str) -> Verdict:
    return Verdict(
        id=uuid7(_NOW),
        at=_NOW,
        cycle="cycle",
        vantage=_HERE,
        target=job.target.id,
        service=job.target.service,
        feature=job.target.feature,
        url=job.target.url,
        outcome=outcome,  # type: ignore[arg-type]
        mechanism=None,
        locus=None,
        rule="rule",
        rules=1,
        covered="response",
        control=Control(),
        evidence=(),
    )
