"""Bring in what others publish: reported disruptions, OONI's measurements, or targets.

reports: reads a table or list of reported disruptions, from a file or an address, and writes it as
report files that "probe compare --reports" reads. Rows that cannot be read are listed with the
reason, and the rest is imported; importing twice changes nothing. Formats: stop (Access Now's
KeepItOn STOP, CSV), ooni (OONI's findings, JSON), radar (Cloudflare Radar's outage annotations,
JSON), ioda (IODA's events, JSON), cenalert (CenAlert's events, CSV), probe (our own, YAML).

ooni: reads OONI's measurements (JSON Lines, also compressed by gzip) into the results folder.

targets: reads the Citizen Lab's test lists (CSV), plain lists of hosts and URLs, access keys of
Outline (ss://…, better in a file), bridge lines of Tor, .ovpn and wg-quick's .conf into a target
file, which "probe check" reads. Keys go into files of their own beside it.

exit code: 0 something was read; 2 usage, or nothing could be read.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from probe.cli.common import add_results, output, results_dir
from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.compare.importers.rows import Draft, Imported, Rejected

LISTED: Final = 20  # rejected rows that are named one by one
FORMATS: Final = ("stop", "ooni", "radar", "ioda", "cenalert", "probe")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("kind", choices=("reports", "ooni", "targets"), help="what to bring in")
    parser.add_argument(
        "sources", metavar="FILE|URL", nargs="+", help="where it is; - is standard input"
    )
    parser.add_argument("--from", dest="form", choices=FORMATS, help="reports: their format")
    parser.add_argument(
        "-o",
        dest="out",
        metavar="FILE",
        type=Path,
        help="the report or target file, which is made or added to "
        "(default: reports/FORMAT.yaml, targets.yaml)",
    )
    parser.add_argument(
        "--rejected", metavar="FILE", type=Path, help="write all rejected rows there"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="reports: fetch even what has not changed"
    )
    parser.add_argument(
        "--dedicated-key",
        action="store_true",
        help="targets: nothing else uses the keys in these profiles (.conf, .ovpn)",
    )
    add_results(parser)
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Import; 0 when something was read."""
    if args.kind == "ooni":
        from probe.cli import import_ooni

        if args.form or args.out or args.rejected:
            raise Usage("--from, -o and --rejected go with reports only")
        files = list(map(Path, args.sources))
        return import_ooni.import_measurements(files, results_dir(args), quiet=args.quiet)
    if args.kind == "targets":
        from probe.cli import import_targets

        if args.form or args.results:
            raise Usage("--from and --results do not go with targets")
        return import_targets.import_targets(
            args.sources,
            args.out or import_targets.DEFAULT,
            dedicated_key=args.dedicated_key,
            rejected=args.rejected,
            quiet=args.quiet,
        )
    if not args.form:
        raise Usage(f"reports need --from and their format: {', '.join(FORMATS)}")
    if args.results:
        raise Usage("--results goes with ooni only; reports are written to -o FILE")
    found = [_read(args, source) for source in args.sources]
    reports = [one for part in found for one in part.reports]
    rejected = [one for part in found for one in part.rejected]
    path = args.out or Path("reports") / f"{args.form}.yaml"
    counts = _merge(path, reports) if reports else "nothing to write"
    if args.rejected:
        with output(args.rejected) as file:
            file.writelines(f"{one.row}\t{one.reason}\t{one.excerpt}\n" for one in rejected)
    if not args.quiet:
        _tell(rejected)
        rows = "1 row" if len(rejected) == 1 else f"{len(rejected)} rows"
        print(f"{path}: {counts}; {rows} rejected", file=sys.stderr)
    return 0 if reports or not rejected else 2


def _read(args: argparse.Namespace, source: str) -> "Imported":
    from probe.compare.importers.formats import read
    from probe.compare.importers.rows import FormatError
    from probe.core.masking import mask

    data = read_source(source, quiet=args.quiet, cached=not args.no_cache)
    try:
        return read(args.form, data, mask(source))
    except FormatError as exc:
        raise Usage(f"{mask(source)}: not in the format '{args.form}': {exc}") from exc


def read_source(source: str, *, quiet: bool = True, cached: bool = True) -> bytes:
    """What a file, an address or standard input holds. Usage if it cannot be had."""
    from probe.net.web import LARGEST, WebError

    if "://" in source:
        from probe.cli.fetching import fetched

        try:
            return fetched(source, limit=LARGEST, quiet=quiet, cached=cached)
        except WebError as exc:
            raise Usage(f"cannot fetch {exc}") from exc
    try:
        if source == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as exc:
        raise Usage(f"cannot read '{source}': {(exc.strerror or str(exc)).lower()}") from exc
    if len(data) > LARGEST:
        raise Usage(f"'{source}' is larger than {LARGEST // 1024**2} MiB")
    return data


def _merge(path: Path, reports: "list[Draft]") -> str:
    """Put the reports into a report file beside those that it holds; what that changed."""
    import yaml

    from probe.compare.reports import LARGEST, parse
    from probe.core import strictyaml

    held: dict[str, Draft] = {}
    if path.exists():
        try:
            data = path.read_bytes()
        except OSError as exc:
            raise Usage(f"cannot read '{path}': {(exc.strerror or str(exc)).lower()}") from exc
        parse(data, str(path))  # what it holds is sound, or nothing is touched
        held = {one["id"]: one for one in strictyaml.value(data, str(path), LARGEST)["reports"]}
    new = sum(one["id"] not in held for one in reports)
    updated = sum(one["id"] in held and held[one["id"]] != one for one in reports)
    if new or updated:
        held |= {one["id"]: one for one in reports}
        text = yaml.safe_dump({"reports": list(held.values())}, sort_keys=False, allow_unicode=True)
        if len(text.encode()) > LARGEST:
            raise Usage(f"{path} would be larger than {LARGEST // 1024**2} MiB; give another -o")
        path.parent.mkdir(parents=True, exist_ok=True)
        with output(path) as file:
            file.write(text)
    return f"{new} new, {updated} updated, {len(reports) - new - updated} unchanged"


def _tell(rejected: "list[Rejected]") -> None:
    from probe.show.terminal import safe

    for one in rejected[:LISTED]:
        print(safe(f"row {one.row}: {one.reason}"), file=sys.stderr)
    if len(rejected) > LISTED:
        more = len(rejected) - LISTED
        print(f"and {more} more; --rejected FILE lists all", file=sys.stderr)
