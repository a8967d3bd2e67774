"""Look whether this machine is ready to measure, and whether what runs here is well. Sends nothing.

Looks at the clock, the resolver, IPv4 and IPv6 routes, the trust store, the results folder, the
disk and the limits of this process; with -c also at the configuration, its files with secrets, and
the installed service. With --network it also asks the anchors, as "probe check" would.

exit code: 0 ready; 1 something will keep results from being right; 2 usage or configuration.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from probe.cli.common import add_results, results_dir
from probe.cli.doctor.finding import Finding


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("-c", dest="config", metavar="CONFIG", type=Path, help="configuration file")
    add_results(parser)
    parser.add_argument(
        "--network", action="store_true", help="ask the anchors too: does the line work?"
    )
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="what to print"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Look at everything; 1 if something is wrong."""
    from probe.cli.common import output
    from probe.cli.doctor.finding import show
    from probe.show.tabular import write_rows

    findings = list(_findings(args))
    with output(args.out) as out:
        if args.format == "table":
            show(findings, out)
        else:
            write_rows(args.format, Finding._fields, findings, out)
    return int(any(finding.state == "wrong" for finding in findings))


def _findings(args: argparse.Namespace) -> Iterator[Finding]:
    from probe.cli.doctor import configured, history, installed, line, machine, secrets, storage
    from probe.cli.what import plan_for

    plan = plan_for((), config=args.config) if args.config else None
    results = args.results or (plan.results if plan else results_dir(args))
    yield from machine.findings(plan)
    if args.network:
        yield from line.findings(plan or plan_for(()))
    yield from storage.findings(results)
    yield from history.findings(results, plan)
    if plan:
        yield from configured.findings(plan)
        yield from storage.retention(args.config, results)
        yield from secrets.findings(args.config)
    yield from installed.findings(args.config, results)
