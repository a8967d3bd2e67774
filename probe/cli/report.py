"""Write a page with pictures: what was reported, and what was measured.

One HTML file that works offline and prints well: each report with its answer, timelines of what was
measured under what was reported, coverage, durations, and the data itself. Needs matplotlib, the
extra "plots".

exit code: 0 done; 2 usage, a report file that is wrong, or no matplotlib.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
    from probe.record.scan import ScanReport
    from probe.show.figures.canvas import Image
    from probe.show.figures.scale import Scale
    from probe.show.report.latency import Latency

FILE: Final = "report.html"
MISSING: Final = "probe report draws with matplotlib, which is not installed; install it with: "
INSTALL: Final = "pip install 'probe[plots]'"


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
        "-o",
        dest="out",
        metavar="FILE",
        type=Path,
        default=Path(FILE),
        help=f"write to this file (default: {FILE}); - is standard output",
    )
    parser.add_argument(
        "--figures", metavar="DIR", type=Path, help="also write each figure there, as SVG and PNG"
    )
    parser.add_argument("--title", metavar="TEXT", help="the page's heading")
    parser.add_argument(
        "--no-latency",
        action="store_true",
        help="leave out durations and throughput, for which every measurement is read",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Write the page; 0 when done."""
    from probe.show.figures.canvas import available

    if not available():
        raise Usage(MISSING + INSTALL)
    from probe.cli.compare import held, report_files
    from probe.compare.reports import parse_all
    from probe.net.clocks import RealClock
    from probe.record.scan import ScanReport

    root = existing_results(args)
    since, until = interval(args)
    now = RealClock().now()
    reports = parse_all(report_files(args.reports or ()))
    skipped = ScanReport()
    found = held(root, since, until, reports, skipped, quiet=args.quiet)
    number = _write(args, root, found, now)
    if not args.quiet:
        _tell(args, number, skipped)
    return 0


def _write(args: argparse.Namespace, root: Path, found: "Comparison", now: datetime) -> int:
    """Write the page and the figures; gives the number of figures."""
    from probe import __version__
    from probe.show.figures.gallery import drafts
    from probe.show.figures.painters import Painters
    from probe.show.figures.rows import rows
    from probe.show.figures.scale import scale
    from probe.show.report import page

    axis = scale(found.series)
    drawn: list[str] = []
    left_out: list[str] = []
    given = rows(found, axis) if axis else ()
    figures: Iterable[Image] = ()
    with Painters(len(given), png=args.figures is not None) as painters:
        if axis:
            latency = _latency(args, root, axis)
            left_out = list(_left_out(args, latency))
            images = painters.images(drafts(given, latency.lines(), axis, found.until))
            figures = _kept(images, args.figures, drawn)
        about = page.Page(
            comparison=found,
            rows=given,
            scale=axis,
            made=now,
            version=__version__,
            title=args.title or page.TITLE,
            left_out=left_out,
        )
        with output(None if args.out == Path("-") else args.out) as out:
            page.write(about, figures, out)
    return len(drawn)


def _latency(args: argparse.Namespace, root: Path, axis: "Scale") -> "Latency":
    """What the measurements say of durations; they are read once, one by one."""
    from probe.record.scan import measurements
    from probe.show.report.latency import Latency

    latency = Latency(axis)
    if not args.no_latency:
        since, until = interval(args)
        try:
            for measurement in measurements(root, since, until):
                latency.add(measurement)
        except PermissionError as exc:
            raise Usage(f"cannot read '{exc.filename}': permission denied") from exc
    return latency


def _left_out(args: argparse.Namespace, latency: "Latency") -> Iterator[str]:
    if args.no_latency:
        yield "Durations and throughput were left out on request."
    if latency.left_out:
        yield f"Durations of {latency.left_out:,} or more further targets: there are too many."


def _kept(images: "Iterable[Image]", folder: Path | None, drawn: list[str]) -> "Iterator[Image]":
    """The figures as they come, each also in files of its own where a folder is named."""
    for image in images:
        drawn.append(image.name)
        if folder:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{image.name}.svg").write_bytes(image.svg)
                (folder / f"{image.name}.png").write_bytes(image.png or b"")
            except OSError as exc:
                reason = (exc.strerror or str(exc)).lower()
                raise Usage(f"cannot write figures to '{folder}': {reason}") from exc
        yield image


def _tell(args: argparse.Namespace, number: int, skipped: "ScanReport") -> None:
    """What a person should know beside the page, a line each."""
    if skipped.bad:
        lines = "line" if skipped.bad == 1 else "lines"
        first = skipped.examples[0]
        print(f"skipped {skipped.bad} unreadable {lines}, first in {first}", file=sys.stderr)
    if not number:
        print("there are no verdicts to draw; the page says so", file=sys.stderr)
    figures = "1 figure" if number == 1 else f"{number} figures"
    where = f", also in '{args.figures}'" if args.figures and number else ""
    print(f"wrote {args.out} with {figures}{where}", file=sys.stderr)
