"""Write stored results as CSV, JSON Lines, JSON, OONI's format, or a summary for a person.

One row per measurement that was made here of a configured target, with the verdict on it. Standard
output carries data only. Reading while a probe is writing is fine.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, get_args

from probe.cli.common import (
    add_config,
    add_interval,
    add_results,
    existing_results,
    interval,
    output,
)
from probe.cli.main import Usage
from probe.core.model import VANTAGE, Measurement, Outcome, Verdict

if TYPE_CHECKING:
    from probe.record.join import Judged
    from probe.record.scan import ScanReport


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_results(parser)
    add_config(parser)
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl", "json", "ooni", "table"),
        default="csv",
        help="what to write (default: csv)",
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    add_interval(parser)
    for name, what in (
        ("service", "of this service"),
        ("target", "of the target with this id"),
        ("outcome", "with this outcome, such as blocked"),
    ):
        parser.add_argument(
            f"--{name}",
            metavar=name[0].upper(),
            action="append",
            default=[],
            help=f"only {what}; may be given several times",
        )
    parser.add_argument(
        "--all",
        action="store_true",
        help="also follow-ups, anchors, and what controls measured",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--steps", action="store_true", help="one row per network operation (csv)")
    form.add_argument("--verdicts", action="store_true", help="verdicts instead of measurements")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Export; 0 when done."""
    root = existing_results(args)
    since, until = interval(args)
    _check_outcomes(args.outcome)
    if args.steps and args.format != "csv":
        raise Usage("--steps goes with --format csv only")
    if args.verdicts and args.format in {"table", "ooni"}:
        raise Usage("--verdicts goes with --format csv, jsonl or json")

    from probe.record.scan import ScanReport

    report = ScanReport()
    try:
        with output(args.out) as out:
            rows = _write(args, root, since, until, report, out)
    except PermissionError as exc:
        raise Usage(f"cannot read '{exc.filename}': permission denied") from exc
    if not args.quiet:
        _tell(rows, report)
    return 0


def _check_outcomes(given: list[str]) -> None:
    import difflib

    known = get_args(Outcome)
    for outcome in given:
        if outcome not in known:
            guess = difflib.get_close_matches(outcome, known, 1)
            hint = f"did you mean '{guess[0]}'?" if guess else f"there are {', '.join(known)}"
            raise Usage(f"--outcome: there is no '{outcome}'; {hint}")


def _write(
    args: argparse.Namespace,
    root: Path,
    since: datetime | None,
    until: datetime | None,
    report: "ScanReport",
    out: TextIO,
) -> int:
    """Write in the form that was asked for; gives the number of rows."""
    from probe.record.join import judged
    from probe.record.scan import measurements, verdicts
    from probe.show import csv, lines

    if args.verdicts:
        found = _verdicts(args, verdicts(root, since, until, report))
        if args.format == "csv":
            return csv.write_verdicts(found, out)
        return (lines.write_jsonl if args.format == "jsonl" else lines.write_json)(found, out)

    plain = args.steps or args.format in {"jsonl", "json", "ooni"}
    if plain and not args.outcome:  # no verdict is needed: none is read
        pairs = ((m, None) for m in measurements(root, since, until, report))
        rows = _measurements(args, pairs)
    else:
        rows = _measurements(args, judged(root, since, until, report))
    if args.format == "table":
        from probe.show.summary import write_table

        return write_table(rows, out)
    if args.steps:
        return csv.write_steps((m for m, _ in rows), out)
    if args.format == "csv":
        return csv.write_measurements(rows, out)
    return _write_records(args.format, root, (m for m, _ in rows), out)


def _write_records(form: str, root: Path, found: Iterable[Measurement], out: TextIO) -> int:
    from probe.show import lines, ooni

    if form == "ooni":
        from probe.show.evidence import Bodies

        return ooni.write_jsonl(found, out, Bodies(root).get)
    return (lines.write_jsonl if form == "jsonl" else lines.write_json)(found, out)


def _measurements(
    args: argparse.Namespace, rows: "Iterable[tuple[Measurement, Judged | None]]"
) -> "Iterator[tuple[Measurement, Judged | None]]":
    services, targets, outcomes = set(args.service), set(args.target), set(args.outcome)
    for measurement, verdict in rows:
        if (
            (args.all or (measurement.origin == VANTAGE and measurement.role == "target"))
            and (not services or measurement.target.service in services)
            and (not targets or measurement.target.id in targets)
            and (not outcomes or (verdict is not None and verdict.outcome in outcomes))
        ):
            yield measurement, verdict


def _verdicts(args: argparse.Namespace, found: Iterable[Verdict]) -> Iterator[Verdict]:
    services, targets, outcomes = set(args.service), set(args.target), set(args.outcome)
    for verdict in found:
        if (
            (not services or verdict.service in services)
            and (not targets or verdict.target in targets)
            and (not outcomes or verdict.outcome in outcomes)
        ):
            yield verdict


def _tell(rows: int, report: "ScanReport") -> None:
    """What a person should know beside the data, a line each."""
    if report.bad:
        lines = "line" if report.bad == 1 else "lines"
        first = report.examples[0]
        print(f"skipped {report.bad} unreadable {lines}, first in {first}", file=sys.stderr)
    if not rows:
        print("nothing matched: there are no results of that kind", file=sys.stderr)
