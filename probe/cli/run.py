"""Keep checking on a schedule until stopped.

Each target is measured at its own interval and its own moment in it; a restart goes on in the same
rhythm. SIGTERM and Ctrl-C let what is under way finish for a few seconds, and record it as
interrupted if it does not. SIGHUP reads the configuration again.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.common import add_log, add_results
from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.cli.logs import Cleaner
    from probe.core.model import Verdict
    from probe.measure.measure import Instruments
    from probe.plan.jobs import Plan
    from probe.record.journal import Journal


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "-c", dest="config", metavar="CONFIG", type=Path, required=True, help="configuration file"
    )
    add_results(parser)
    parser.add_argument("--for", dest="duration", metavar="TIME", help="stop by itself, as in 10m")
    parser.add_argument("--quiet", action="store_true", help="log only what goes wrong")
    add_log(parser)


def run(args: argparse.Namespace) -> int:
    """Run until stopped; 0 after SIGTERM or --for, 130 after Ctrl-C, 75 to be started anew."""
    import asyncio
    import logging
    import os

    from probe.cli.logs import Cleaner, addresses_in, log_to_stderr
    from probe.cli.session import instruments, opened
    from probe.core.units import parse_duration
    from probe.record.disk import ResultsError
    from probe.record.journal import BACKLOG_LINES
    from probe.run.attending import Attendants
    from probe.run.disk import Disk, room_at
    from probe.run.ledger import Ledger
    from probe.run.lock import locked
    from probe.run.notify import Notifier
    from probe.run.process import Process
    from probe.run.sealing import NightlySealing
    from probe.run.service import Service
    from probe.run.watching import VerdictWatcher

    plan = _planned(args)
    try:
        duration = parse_duration(args.duration) if args.duration else None
    except ValueError as exc:
        raise Usage(f"--for: {exc}") from None
    log = logging.getLogger("probe.run")
    try:
        with opened(plan) as journal, locked(plan.results):
            assert journal is not None
            tools = instruments(plan, journal)
            clean = Cleaner(addresses_in(plan), tools.own_addresses)
            level = logging.WARNING if args.quiet else logging.INFO
            log_to_stderr(args.log, level, clean)
            log.info("%d targets, results in %s; Ctrl-C stops", len(plan.jobs), plan.results)
            for note in plan.notes:
                log.warning("%s", note)
            attendants = Attendants(plan, journal, tools.clock)
            watchers = [VerdictWatcher(Changes().take), *attendants.watchers]
            service = Service(
                plan,
                tools,
                journal,
                watchers,
                ledger=Ledger(plan.results),
                disk=Disk(room_at(plan.results), plan.limits.disk_free, BACKLOG_LINES // 2),
            )
            process = Process(
                service,
                notifier=Notifier.from_environment(os.environ),
                renew=lambda: _renewed(args, tools, journal, clean),
                explained=_explained,
                memory=plan.limits.memory,
                sealing=NightlySealing(plan.results, plan.retention, tools.clock.now),
            )
            return asyncio.run(attendants.around(process.live(duration)))
    except ResultsError as exc:
        raise Usage(str(exc)) from exc


def _planned(args: argparse.Namespace) -> "Plan":
    """The configuration's plan, with no more at once than this machine has open files for."""
    from dataclasses import replace

    from probe.cli.what import plan_for
    from probe.run.resources import cycles_for, raise_open_files

    plan = plan_for((), config=args.config)
    if args.results:
        plan = replace(plan, results=args.results)
    possible = cycles_for(plan, raise_open_files())
    if possible < plan.limits.at_once:
        note = f"limits.at_once: {possible} instead, for want of open files (ulimit -n)"
        limits = plan.limits.model_copy(update={"at_once": possible})
        plan = replace(plan, limits=limits, notes=(*plan.notes, note))
    return plan


def _renewed(
    args: argparse.Namespace, tools: "Instruments", journal: "Journal", clean: "Cleaner"
) -> "tuple[Plan, Instruments]":
    """The configuration as it stands now, and what it is measured with, in the same run."""
    from dataclasses import replace

    from probe.cli.logs import addresses_in
    from probe.cli.session import instruments

    plan = _planned(args)
    fresh = instruments(plan, journal, tools.clock)
    clean.show(addresses_in(plan))
    own = tools.own_addresses
    return plan, replace(fresh, run=tools.run, net=tools.net, own_addresses=own)


def _explained(exc: Exception) -> str | None:
    """What is wrong with a new configuration, if that is what it is."""
    from probe.core.masking import mask
    from probe.core.strictyaml import ConfigError

    return mask(str(exc)) if isinstance(exc, ConfigError | Usage) else None


class Changes:
    """Logs a target's or a feature's outcome when it is new or has changed."""

    def __init__(self) -> None:
        """Start without knowing any outcome."""
        self._known: dict[tuple[str, str, str | None], str] = {}

    def take(self, verdict: "Verdict") -> None:
        """Take a verdict; say it if it differs from the one before."""
        import logging

        key = (verdict.service, verdict.feature, verdict.target)
        if self._known.get(key) == verdict.outcome:
            return
        self._known[key] = verdict.outcome
        name = verdict.target or f"{verdict.service} {verdict.feature}"
        where = f" ({verdict.mechanism})" if verdict.mechanism else ""
        logging.getLogger("probe.run").info("%s: %s%s", name, verdict.outcome, where)
