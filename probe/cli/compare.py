"""Hold stored results against reported disruptions.

For each report: how much of its window was measured, how often that failed before, during and
after, and what this says about the report. Then the other way round: failures nobody reported.
Reports come from the shipped catalogue, or from files, folders and addresses given by --reports.

exit code: 0 done; 2 usage, or a report file that is wrong.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.common import (
    add_config,
    add_interval,
    add_results,
    existing_results,
    interval,
    output,
)
from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.compare.comparison import Comparison
    from probe.compare.reports import Report
    from probe.compare.series import Series
    from probe.record.scan import ScanReport


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_results(parser)
    add_config(parser)
    parser.add_argument(
        "--reports",
        metavar="PATH|URL",
        nargs="+",
        action="extend",
        help="report files, folders of *.yaml, or http(s) addresses (default: the shipped ones)",
    )
    add_interval(parser)
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="what to print"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Compare; 0 when done."""
    from probe.compare.reports import parse_all
    from probe.record.scan import ScanReport
    from probe.show import comparison

    root = existing_results(args)
    since, until = interval(args)
    reports = parse_all(report_files(args.reports or ()))
    skipped = ScanReport()
    found = held(root, since, until, reports, skipped, quiet=args.quiet)
    with output(args.out) as out:
        match args.format:
            case "table":
                comparison.write_table(found.reports, found.answers, found.unreported, out)
            case "json":
                comparison.write_json(found.answers, found.unreported, out)
            case "jsonl":
                comparison.write_jsonl(found.answers, out)
            case "csv":
                comparison.write_csv(found.answers, out)
    if not args.quiet:
        _tell(root, found.series, skipped)
    return 0


def report_files(given: list[str] | tuple[()]) -> Iterator[tuple[str, bytes]]:
    """Each report file's name in messages, and its bytes."""
    from probe.core.masking import mask
    from probe.core.shipped import shipped

    if not given:
        yield from map(_read, _listed(shipped("reports")))
    for one in given:
        if "://" in one:
            yield mask(one), _fetch(one)
        else:
            yield from map(_read, _listed(Path(one)))


def _listed(path: Path) -> list[Path]:
    if not path.exists():
        raise Usage(f"--reports: '{path}' does not exist")
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.suffix in {".yaml", ".yml"})
    if not found:
        raise Usage(f"--reports: the folder '{path}' holds no *.yaml file")
    return found


def _read(path: Path) -> tuple[str, bytes]:
    from probe.compare.reports import LARGEST

    try:
        with path.open("rb") as file:
            return str(path), file.read(LARGEST + 1)
    except OSError as exc:
        raise Usage(f"cannot read '{path}': {(exc.strerror or str(exc)).lower()}") from exc


def _fetch(url: str) -> bytes:
    from probe.compare.reports import LARGEST
    from probe.net.web import WebError, fetch

    if not url.lower().startswith(("https://", "http://")):
        raise Usage(f"--reports: '{url}' begins with neither https:// nor http://")
    try:
        return fetch(url, limit=LARGEST)
    except WebError as exc:
        raise Usage(f"cannot fetch {exc}") from exc


def held(
    root: Path,
    since: datetime | None,
    until: datetime | None,
    reports: "Iterable[Report]",
    skipped: "ScanReport",
    *,
    quiet: bool,
) -> "Comparison":
    """The stored verdicts held against reports; what cannot be read is noted in ``skipped``."""
    from probe.cli.reading import side_by_side, stored_series
    from probe.compare.comparison import compare
    from probe.net.clocks import RealClock

    now = RealClock().now()
    closing = min(until, now) if until else now
    try:
        with (
            _progress(visible=not quiet and sys.stderr.isatty()),
            side_by_side(root, since, until) as each,
        ):
            series = stored_series(root, since, until, skipped, each)
            return compare(reports, series, until=closing, each=each)
    except PermissionError as exc:
        raise Usage(f"cannot read '{exc.filename}': permission denied") from exc


@contextlib.contextmanager
def _progress(*, visible: bool) -> Iterator[None]:
    if not visible:
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("reading results"):
        yield


def _tell(root: Path, series: "tuple[Series, ...]", skipped: "ScanReport") -> None:
    """What a person should know beside the data, a line each."""
    if skipped.bad:
        lines = "line" if skipped.bad == 1 else "lines"
        first = skipped.examples[0]
        print(f"skipped {skipped.bad} unreadable {lines}, first in {first}", file=sys.stderr)
    if not series:
        print(f"there are no verdicts in '{root}' to hold against reports", file=sys.stderr)
