"""See it work without a network: China's July 2017 again, in less than half a minute.

First real sockets: servers on this machine's own loopback addresses, some of them broken, are
measured for six seconds, while a filter resets the messenger's pictures by server name. Then the
replay: seven vantages measure two months of 2017 on a scripted network and a clock that jumps,
with the same checks, controls and rules. What they find is held against what was reported, and
against a false report that the demo adds, and drawn as a page.

Nothing leaves the machine. docs/demo.md says what is real in it and what is not.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from probe.demo.story import Story
    from probe.demo.workers import Players
    from probe.demo.world import World
    from probe.plan.jobs import Plan
    from probe.show.timeline import Timeline

RESULTS = "demo-results"
LENGTH = 6.0  # seconds of the part with real sockets: a round before the filter, in it, and after
PAGE = "report.html"
TITLE = "July 2017 in China, a replay: simulated, not measured then"
MISSING = "no page is drawn: matplotlib is missing; install it with: pip install 'probe[plots]'"


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
    parser.add_argument(
        "--open", action="store_true", help="open the page in a browser; by default none is opened"
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when it went through."""
    import asyncio

    from probe.cli.main import INTERRUPTED, Usage
    from probe.core.times import rfc3339
    from probe.demo.story import SHIPPED
    from probe.demo.workers import Players
    from probe.demo.world import read_world
    from probe.net.clocks import RealClock
    from probe.record.disk import ResultsError, explained, make_folder
    from probe.show.tabular import console_for

    folder = args.results / rfc3339(RealClock().now())[:19].replace(":", "")
    try:
        make_folder(folder)
    except OSError as exc:
        raise Usage(str(explained(folder, exc))) from exc
    console = console_for(sys.stderr if args.quiet else sys.stdout)
    console.quiet = args.quiet
    try:
        with Players(SHIPPED, folder / "certificates", folder / "replay") as players:
            code = asyncio.run(_measure(read_world(), folder / "sockets", console))
            if not code:
                _replay(players, console)
        if not code:
            _conclude(folder, players.story, console)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        raise
    except ResultsError as exc:
        raise Usage(str(exc)) from exc
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise Usage(f"the embedded internet cannot be started: {reason}") from exc
    if code:
        print(f"interrupted; what was measured is in {folder}", file=sys.stderr)
        return code
    _paths(folder, players.story)
    if args.open and (folder / PAGE).exists():
        import webbrowser

        webbrowser.open((folder / PAGE).absolute().as_uri())
    return 0


async def _measure(world: "World", folder: Path, console: "Console") -> int:
    """Start the embedded internet and measure it for a while; the exit code of the measuring."""
    from probe.cli.common import output
    from probe.cli.session import instruments, opened
    from probe.cli.what import plan_for
    from probe.demo.embedded import EmbeddedInternet
    from probe.net.clocks import RealClock
    from probe.run.process import Process
    from probe.run.service import Service
    from probe.run.watching import VerdictWatcher
    from probe.show.timeline import Timeline

    certificates = (folder / "certificates").absolute()
    async with EmbeddedInternet(world, certificates, RealClock()) as internet:
        config = folder / "probe.yaml"
        with output(config) as file:
            file.write(internet.configuration((folder / "results").absolute()))
        plan = plan_for((), config=config)
        _tell_of_sockets(plan, world, console)
        timeline = Timeline([job.target.id for job in plan.jobs])
        with opened(plan) as journal, _drawn(timeline, console):
            assert journal is not None
            watchers = [VerdictWatcher(timeline.add)]
            service = Service(plan, instruments(plan, journal), journal, watchers)
            internet.begin()
            return await Process(service).live(LENGTH)


def _tell_of_sockets(plan: "Plan", world: "World", console: "Console") -> None:
    console.print("1  Real sockets, today", style="bold")
    console.print(
        f"{len(world.hosts)} hosts run on this machine's loopback addresses; {len(plan.jobs)} "
        f"targets are measured every 2 seconds, for {LENGTH:.0f} seconds. From the second to the "
        "fourth second the server name of pigeon-media is reset, while pigeon-media-neutral, "
        "another name at the same address and port, passes. There is no control here: so a "
        "failure is unreachable, and nobody is accused.\n"
    )


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


def _replay(players: "Players", console: "Console") -> None:
    """Wait until July 2017 is over. Raises ResultsError."""
    console.print("\n2  The replay of July 2017: simulated network, simulated time", style="bold")
    console.print(
        f"Meanwhile {len(players.story.vantages)} vantages in China and a control abroad measure "
        "June and July 2017. The checks, the follow-ups, the rules and the files are the real "
        "ones; the lines, the servers, the filter and the clock are a script, written after what "
        "newspapers reported. Nothing of it was measured in 2017.\n"
    )
    with _bar(console) as told:
        players.finish(told)


@contextmanager
def _bar(console: "Console") -> Iterator[Callable[[float], None]]:
    """A line of progress on a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    if not console.is_terminal or console.quiet:
        yield lambda _: None
        return
    columns = (
        TextColumn("measuring June and July 2017"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _conclude(folder: Path, story: "Story", console: "Console") -> None:
    """Hold the replay against the reports: a table, and the page."""
    import shutil

    from probe.cli import compare, report
    from probe.demo.story import MADE_UP
    from probe.show.figures.canvas import available

    shutil.copyfile(MADE_UP, folder / "reports.yaml")
    if not console.quiet:
        console.print("3  Held against what was reported\n", style="bold")
        _command(compare, [*_held(folder, story), "--quiet"])
    if available():
        console.print("\n4  The page is being drawn", style="bold")
        page = ["-o", str(folder / PAGE), "--title", TITLE]
        _command(report, [*_held(folder, story), *page, "--quiet"])
    else:
        print(MISSING, file=sys.stderr)


def _held(folder: Path, story: "Story") -> list[str]:
    """The options by which ``compare`` and ``report`` find the replay and all the reports."""
    from probe.core.shipped import shipped
    from probe.core.times import rfc3339

    reports = [str(shipped("reports")), str(folder / "reports.yaml")]
    until = rfc3339(story.ends)[:10]
    return ["--results", str(folder / "replay"), "--reports", *reports, "--until", until]


def _command(module: object, options: list[str]) -> None:
    """Run a command of this program as its own command line would."""
    parser = argparse.ArgumentParser()
    module.arguments(parser)  # type: ignore[attr-defined]
    module.run(parser.parse_args(options))  # type: ignore[attr-defined]


def _paths(folder: Path, story: "Story") -> None:
    page = folder / PAGE
    print("\nWhat is left of it:\n")
    for path, what in (
        (page, "the page: open it in a browser"),
        (folder / "replay", "the replay's results: simulated"),
        (folder / "reports.yaml", "the two reports that the demo adds, one of them false"),
        (folder / "sockets" / "results", "what was measured over real sockets"),
        (folder / "sockets" / "probe.yaml", "the configuration for that"),
    ):
        if path.exists():
            print(f"  {path!s:{len(str(folder)) + 20}}  {what}")
    print("\nNext:\n")
    print(f"  probe compare {' '.join(_held(folder, story))}")
    print("  probe plan whatsapp     says what would be sent, and sends nothing")
    print("  probe check whatsapp    measures from here")
