"""Pack past days of results into Parquet, and delete what is beyond the limits.

A day is packed once it has been over for an hour (UTC): its lines are converted, read back and
compared, and only then removed. All commands read packed days like the others. Killing this at any
moment loses nothing; it may be run while a probe is writing. 'probe run' does it every night.

Nothing is deleted unless -c, --keep or --max-size gives a limit; with -c it is 'retention' in the
configuration. Only packed days are deleted, the oldest first.

exit code: 0 done; 1 something could not be packed or deleted, and is as it was; 2 usage.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from probe.cli.common import add_config, add_results, existing_results
from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.core.model import JSON
    from probe.record.retain import Limits, Removal
    from probe.record.seal import Sealing

TROUBLE = 1
_T = TypeVar("_T")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_results(parser)
    add_config(parser)
    parser.add_argument(
        "--older-than", metavar="TIME", help="only days that ended so long ago (default: 1h)"
    )
    parser.add_argument("--keep", metavar="AGE", help="delete days that are older, as in 90d or 2y")
    parser.add_argument(
        "--max-size", metavar="SIZE", help="delete the oldest while the folder takes more: 10GiB"
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="what to print"
    )
    parser.add_argument(
        "--no-event", action="store_true", help="write no event: whoever calls this does"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Seal, then delete; 0 when all of it was done."""
    from datetime import timedelta

    from probe.core.units import parse_duration
    from probe.net.clocks import RealClock
    from probe.record.retain import retain
    from probe.record.seal import WAIT, SealerBusyError, seal, sealing_alone

    root = existing_results(args)
    wait = _option(args, "older_than", parse_duration)
    limits, vantage = _limits(args)
    _step_back()
    now = RealClock().now()
    try:
        with sealing_alone(root):
            sealed = seal(root, now, WAIT if wait is None else timedelta(seconds=wait))
            removed = retain(root, now, limits)
    except SealerBusyError as exc:
        if not args.quiet:
            print(exc, file=sys.stderr)
        return 0
    except OSError as exc:
        raise Usage(f"cannot write '{root}': {(exc.strerror or str(exc)).lower()}") from exc
    detail = as_detail(sealed, removed)
    if not args.no_event and _worth_telling(sealed, removed):
        _note(root, now, vantage, detail)
    _print(args, detail)
    return TROUBLE if detail["trouble"] else 0


def as_detail(sealed: "Sealing", removed: "Removal") -> "dict[str, JSON]":
    """What was done, as an event tells it. Sizes are bytes on disk."""
    return {
        "parts": sealed.parts,
        "records": sealed.records,
        "rejected": sealed.rejected,
        "bytes_before": sealed.bytes_before,
        "bytes_after": sealed.bytes_after,
        "deleted_days": removed.days,
        "deleted_objects": removed.objects,
        "freed": removed.freed,
        "size": removed.left,
        "trouble": sealed.trouble + removed.trouble,
    }


def _worth_telling(sealed: "Sealing", removed: "Removal") -> bool:
    return bool(
        sealed.parts or sealed.rejected or sealed.trouble
        or removed.days or removed.objects or removed.trouble
    )  # fmt: skip


def _limits(args: argparse.Namespace) -> "tuple[Limits, str]":
    """The limits, and the vantage whose diary it is."""
    from probe.core.units import parse_age, parse_size
    from probe.record.retain import Limits

    keep = _option(args, "keep", parse_age)
    size = _option(args, "max_size", parse_size)
    if not args.config:
        return Limits(keep, size), "local"
    from probe.plan.config import read_config

    config = read_config(args.config)
    kept = config.retention
    return Limits(keep or kept.keep, size or kept.max_size), config.vantage.id


def _option(args: argparse.Namespace, name: str, parse: Callable[[str], _T]) -> _T | None:
    given = getattr(args, name)
    try:
        return parse(given) if given else None
    except ValueError as exc:
        raise Usage(f"--{name.replace('_', '-')}: {exc}") from None


def _step_back() -> None:
    """Leave processor and disk to whoever else wants them: a measurement's clock is running."""
    import contextlib
    import os

    with contextlib.suppress(OSError):
        os.nice(19)


def _note(root: Path, now: datetime, vantage: str, detail: "dict[str, JSON]") -> None:
    from probe.core.model import Event
    from probe.record.disk import ResultsError
    from probe.record.journal import Journal

    try:
        with Journal(root) as journal:
            journal.event(Event(at=now, event="sealed", vantage=vantage, detail=detail))
    except ResultsError as exc:
        raise Usage(str(exc)) from exc


def _print(args: argparse.Namespace, detail: "dict[str, JSON]") -> None:
    import json

    from probe.show.terminal import safe

    if args.format == "json":
        print(json.dumps(detail))
        return
    lines = []
    if detail["parts"]:
        before, after = detail["bytes_before"] / 1e6, detail["bytes_after"] / 1e6
        lines.append(
            f"packed {detail['records']} records into {detail['parts']} files: "
            f"{before:.1f} MB became {after:.1f} MB"
        )
    if detail["rejected"]:
        lines.append(f"{detail['rejected']} lines were no records; they are kept beside the files")
    if days := detail["deleted_days"]:
        span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        lines.append(f"deleted {span}: {detail['freed'] / 1e6:.1f} MB")
    lines.append(f"the results take {detail['size'] / 1e6:.1f} MB")
    print("\n".join(lines))
    if not args.quiet:
        for line in detail["trouble"]:
            print(safe(f"not done: {line}"), file=sys.stderr)
