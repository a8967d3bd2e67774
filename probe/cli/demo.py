"""See it work on an embedded internet: no root, no network, about a quarter of a minute.

Name servers, web servers and a messenger are started on this machine's own loopback addresses,
some of them broken in different ways; the very same checks measure them on a short schedule, and
the messenger loses its pictures for a while. What is measured is then held against a report of it.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from probe.core.model import Measurement, Verdict
    from probe.demo.world import World
    from probe.plan.jobs import Plan
    from probe.show.timeline import Timeline

RESULTS = "demo-results"
LENGTH = 14.0  # seconds: two rounds before the disruption, three in it, two after


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        default=Path(RESULTS),
        help=f"a folder for this run is made in it (default: ./{RESULTS})",
    )
    parser.add_argument("--quiet", action="store_true", help="print only the paths at the end")


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when it went through."""
    import asyncio

    from probe.cli.main import Usage
    from probe.core.times import rfc3339
    from probe.demo.world import read_world
    from probe.net.clocks import RealClock
    from probe.record.disk import ResultsError, explained, make_folder
    from probe.show.tabular import console_for

    world, started = read_world(), RealClock().now()
    folder = args.results / rfc3339(started)[:19].replace(":", "")
    try:
        make_folder(folder)
    except OSError as exc:
        raise Usage(str(explained(folder, exc))) from exc
    try:
        console = console_for(sys.stderr if args.quiet else sys.stdout)
        console.quiet = args.quiet
        plan, story, code = asyncio.run(_measure(world, folder, console))
    except BrokenPipeError:
        raise
    except ResultsError as exc:
        raise Usage(str(exc)) from exc
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise Usage(f"the embedded internet cannot be started: {reason}") from exc
    if code:
        print(f"interrupted; what was measured is in {plan.results}", file=sys.stderr)
        return code
    _conclude(plan, world, story, console)
    console.quiet = False
    _paths(folder, plan)
    return 0


async def _measure(
    world: "World", folder: Path, console: "Console"
) -> "tuple[Plan, datetime, int]":
    """Start the embedded internet, measure it for a while; the plan, when the story began, and the
    exit code of the measuring."""
    from probe.cli.common import output
    from probe.cli.run import until_stopped
    from probe.cli.session import instruments, opened
    from probe.cli.what import plan_for
    from probe.demo.embedded import EmbeddedInternet
    from probe.net.clocks import RealClock
    from probe.run.service import Service
    from probe.show.timeline import Timeline

    async with EmbeddedInternet(
        world, (folder / "certificates").absolute(), RealClock()
    ) as internet:
        config = folder / "probe.yaml"
        with output(config) as file:
            file.write(internet.configuration((folder / "results").absolute()))
        plan = plan_for((), config=config)
        console.print(
            f"An internet of {len(world.hosts)} hosts runs on this machine's loopback addresses;\n"
            f"{len(plan.jobs)} targets are measured every 2 seconds, for {LENGTH:.0f} seconds.\n",
            style="bold",
        )
        timeline = Timeline([job.target.id for job in plan.jobs])
        with opened(plan) as journal, _drawn(timeline, console):
            assert journal is not None
            service = Service(plan, instruments(plan, journal), journal, timeline.add)
            internet.begin()
            story = RealClock().now()
            code = await until_stopped(service, LENGTH)
    return plan, story, code


@contextmanager
def _drawn(timeline: "Timeline", console: "Console") -> Iterator[None]:
    """Drawn anew with every verdict on a terminal, once at the end elsewhere."""
    from rich.live import Live

    if console.is_terminal:
        with Live(console=console, get_renderable=timeline.table, refresh_per_second=8):
            yield
    else:
        yield
        console.print(timeline.table())


def _conclude(plan: "Plan", world: "World", story: datetime, console: "Console") -> None:
    """The newest verdicts as ``check`` shows them, then the comparison with the reports."""
    from probe.cli.common import output
    from probe.compare.comparison import compare
    from probe.compare.reports import parse
    from probe.compare.series import collect
    from probe.demo.reports import reports
    from probe.net.clocks import RealClock
    from probe.record.scan import measurements, verdicts
    from probe.show.comparison import write_table
    from probe.show.verdicts import show_verdicts

    stored = list(verdicts(plan.results))
    console.print("\nThe newest verdicts:\n", style="bold")
    newest = _newest(plan, stored)
    show_verdicts(newest, _of(newest, list(measurements(plan.results))), console)
    console.print("\nHeld against what the demo's newspapers reported:\n", style="bold")
    text = reports(world, story)
    path = plan.results.parent / "reports.yaml"
    with output(path) as file:
        file.write(text)
    found = compare(parse(text, path.name), collect(stored), until=RealClock().now())
    if not console.quiet:
        write_table(found.reports, found.answers, found.unreported, sys.stdout)


def _newest(plan: "Plan", verdicts: "list[Verdict]") -> "list[Verdict]":
    """The last verdict on each feature and target, in the plan's order."""
    from probe.measure.once import in_order

    last = {(v.service, v.feature, v.target): v for v in verdicts}
    return in_order(plan, last.values())


def _of(verdicts: "list[Verdict]", measurements: "list[Measurement]") -> "list[Measurement]":
    cycles = {verdict.cycle for verdict in verdicts}
    return [measurement for measurement in measurements if measurement.cycle in cycles]


def _paths(folder: Path, plan: "Plan") -> None:
    from probe.cli.common import output
    from probe.record.join import judged
    from probe.record.scan import ScanReport
    from probe.show.csv import write_measurements

    table = folder / "measurements.csv"
    with output(table) as out:
        pairs = judged(plan.results, None, None, ScanReport())
        rows = write_measurements(((m, v) for m, v in pairs if m.role == "target"), out)
    print("\nWhat is left of it:\n")
    for path, what in (
        (f"{table}", f"{rows} measurements"),
        (f"{folder}/results/", "all their steps"),
        (f"{folder}/probe.yaml", "the configuration"),
        (f"{folder}/reports.yaml", "the reports"),
    ):
        print(f"  {path:{len(str(table))}}  {what}")
    print("\nNext:\n")
    print("  probe plan whatsapp     says what would be sent, and sends nothing")
    print("  probe check whatsapp    measures from here")
