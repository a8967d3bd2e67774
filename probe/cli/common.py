"""What several commands share: where results are, how times are read, where output goes."""

import argparse
import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from probe.cli.main import Usage, abandon_output
from probe.core.times import parse_instant

RESULTS = "results"
RESULTS_VARIABLE: Final = "PROBE_RESULTS"
SERVICE_RESULTS: Final = Path("/var/lib/probe")  # where an installed service keeps them


def add_results(parser: argparse.ArgumentParser) -> None:
    """The option --results, the same in every command."""
    parser.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        help=f"the folder that holds the results (default: ${RESULTS_VARIABLE}, or ./{RESULTS})",
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option -c, for commands that only want to know where a configuration has its results."""
    parser.add_argument(
        "-c",
        dest="config",
        metavar="CONFIG",
        type=Path,
        help="read the results of this configuration",
    )


def add_log(parser: argparse.ArgumentParser) -> None:
    """The option --log of what runs for long; ``cli.logs`` knows the forms."""
    parser.add_argument(
        "--log",
        choices=("auto", "text", "json"),
        default="auto",
        help="how to log: auto is text on a terminal, JSON lines elsewhere",
    )


def add_interval(parser: argparse.ArgumentParser) -> None:
    """The options --since and --until, which ``interval`` reads."""
    parser.add_argument(
        "--since", metavar="T", help="from this moment on: 2017-07-18 or 2017-07-18T04:00:00Z"
    )
    parser.add_argument(
        "--until",
        metavar="T",
        help="before this moment; a bare date is its first moment in UTC, so that day is left out",
    )


def results_dir(args: argparse.Namespace) -> Path:
    """The results folder that the command line or its configuration names."""
    if args.results:
        return Path(args.results)
    if config := getattr(args, "config", None):
        from probe.plan.config import read_config

        return Path(config.parent, read_config(config).results)
    return default_results()


def default_results() -> Path:
    """Where results are when neither the command line nor a configuration says it."""
    return Path(os.environ.get(RESULTS_VARIABLE) or RESULTS)


def existing_results(args: argparse.Namespace) -> Path:
    """The same, for a command that only reads. Raises Usage when there is no such folder."""
    root = results_dir(args)
    if not root.is_dir():
        what = "is no folder" if root.exists() else "does not exist"
        others = f" {SERVICE_RESULTS}" if SERVICE_RESULTS.is_dir() else ""
        raise Usage(f"the results folder '{root}' {what}; name another with --results{others}")
    return root


def interval(args: argparse.Namespace) -> tuple[datetime | None, datetime | None]:
    """The moments of --since and --until. Raises Usage unless the first is the earlier one."""
    since = _instant("--since", args.since)
    until = _instant("--until", args.until)
    if since and until and since >= until:
        raise Usage(f"--since {args.since} must be earlier than --until {args.until}")
    return since, until


def _instant(option: str, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        return parse_instant(given)
    except OverflowError:
        raise Usage(f"{option}: '{given}' is beyond the calendar") from None
    except ValueError as exc:
        raise Usage(f"{option}: {exc}") from None


@contextlib.contextmanager
def output(path: Path | None) -> Iterator[TextIO]:
    """Where a command's data goes: standard output, or a file that appears whole (mode 0640).

    The file is written beside its place and renamed when it is complete, so a reader never sees
    half of it, and after an error the old one is still there.
    """
    if path is None and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    try:
        if path is None:
            yield sys.stdout
            sys.stdout.flush()
        else:
            yield from _file(path)
    except OSError as exc:
        if exc.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        if path is None:
            abandon_output()
        where = f"'{path}'" if path else "to standard output"
        raise Usage(f"cannot write {where}: the disk is full") from exc


def _file(path: Path) -> Iterator[TextIO]:
    special = path.exists() and not path.is_file()  # /dev/null, a pipe: nothing to rename
    # Through a link: the file that it points to is replaced, not the link.
    place = path if special else path.resolve()
    draft = place if special else place.with_name(f".{place.name}.{os.getpid()}")
    try:
        file = draft.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as exc:
        raise Usage(f"cannot write '{path}': {(exc.strerror or str(exc)).lower()}") from exc
    try:
        with file:
            if not special:
                os.fchmod(file.fileno(), 0o640)
            yield file
        if not special:
            draft.replace(place)
    except BaseException:
        if not special:
            draft.unlink(missing_ok=True)
        raise
