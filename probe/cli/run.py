"""Keep checking on a schedule until stopped.

Each target is measured at its own interval and its own moment in it; a restart goes on in the same
rhythm. SIGTERM and Ctrl-C let what is under way finish for a few seconds, and record it as
interrupted if it does not.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.common import add_results
from probe.cli.main import INTERRUPTED, Usage

if TYPE_CHECKING:
    from probe.core.model import Verdict
    from probe.run.service import Service


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "-c", dest="config", metavar="CONFIG", type=Path, required=True, help="configuration file"
    )
    add_results(parser)
    parser.add_argument("--for", dest="duration", metavar="TIME", help="stop by itself, as in 10m")
    parser.add_argument("--quiet", action="store_true", help="log only what goes wrong")


def run(args: argparse.Namespace) -> int:
    """Run until stopped; 0 after SIGTERM or --for, 130 after Ctrl-C."""
    import asyncio
    import logging
    from dataclasses import replace

    from probe.cli.session import instruments, opened
    from probe.cli.what import plan_for
    from probe.core.units import parse_duration
    from probe.record.disk import ResultsError
    from probe.run.attending import Attendants
    from probe.run.service import Service
    from probe.run.watching import VerdictWatcher

    plan = plan_for((), config=args.config)
    if args.results:
        plan = replace(plan, results=args.results)
    try:
        duration = parse_duration(args.duration) if args.duration else None
    except ValueError as exc:
        raise Usage(f"--for: {exc}") from None
    _log_to_stderr(logging.WARNING if args.quiet else logging.INFO)
    log = logging.getLogger("probe.run")
    try:
        with opened(plan) as journal:
            assert journal is not None
            log.info("%d targets, results in %s; Ctrl-C stops", len(plan.jobs), plan.results)
            for note in plan.notes:
                log.warning("%s", note)
            tools = instruments(plan, journal)
            attendants = Attendants(plan, journal, tools.clock)
            watchers = [VerdictWatcher(Changes().take), *attendants.watchers]
            service = Service(plan, tools, journal, watchers)
            return asyncio.run(attendants.around(until_stopped(service, duration)))
    except ResultsError as exc:
        raise Usage(str(exc)) from exc


def _log_to_stderr(level: int) -> None:
    """A line per event, in UTC as the results are."""
    import logging
    import time

    line = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    line.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(line)
    logging.basicConfig(level=level, handlers=[handler])


async def until_stopped(service: "Service", duration: float | None) -> int:
    """Run the service until a signal comes or the time is over; gives the exit code."""
    import asyncio
    import logging
    import signal

    stop = asyncio.Event()
    code = 0

    def on_signal(number: int) -> None:
        nonlocal code
        code = INTERRUPTED if number == signal.SIGINT else 0
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    running = asyncio.create_task(service.run(stop))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({running, told}, timeout=duration, return_when=asyncio.FIRST_COMPLETED)
    logging.getLogger("probe.run").info("stopping; what is under way may take a few seconds more")
    stop.set()
    await asyncio.wait({told})
    await running
    return code


class Changes:
    """Logs a target's or a feature's outcome when it is new or has changed."""

    def __init__(self) -> None:
        """Start without knowing any outcome."""
        self._known: dict[tuple[str, str, str | None], str] = {}

    def take(self, verdict: "Verdict") -> None:
        """Take a verdict; say it if it differs from the one before."""
        import logging

        from probe.show.terminal import safe

        key = (verdict.service, verdict.feature, verdict.target)
        if self._known.get(key) == verdict.outcome:
            return
        self._known[key] = verdict.outcome
        name = verdict.target or f"{verdict.service} {verdict.feature}"
        where = f" ({verdict.mechanism})" if verdict.mechanism else ""
        logging.getLogger("probe.run").info("%s: %s%s", safe(name), verdict.outcome, where)
