"""List everything that would be sent, and send nothing.

For each target: which host and port get which kind of packet, what of it can be read on the way,
and how often. Anchors are the pages that tell whether the vantage itself has a network.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.check import add_whats
from probe.cli.common import output
from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.plan.preview import Planned
    from probe.show.listing import Group

COLUMNS = ("host", "port", "via", "what", "for", "every")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_whats(parser)
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="what to print"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Print the plan; always 0."""
    from probe.cli.what import plan_for
    from probe.core.units import show_duration
    from probe.plan.preview import preview
    from probe.show.listing import write_groups
    from probe.show.tabular import write_rows

    if not args.what and not args.config:
        raise Usage("say what to plan: a URL, a configuration file or a service")
    plan = plan_for(
        args.what,
        config=args.config,
        resolvers=args.resolver,
        vantage=args.vantage,
        controls=args.control,
        dedicated_key=args.dedicated_key,
    )
    planned = preview(plan)
    if args.trace:
        from probe.measure.tracing import planned_traces
        from probe.net.hops import RealTracer

        planned += planned_traces(plan, RealTracer(), hello=args.trace == "hello")
    with output(args.out) as out:
        if args.format == "table":
            write_groups(_groups(planned), out)
            return 0
        rows = [
            (p.host, p.port, p.transport, p.what, p.purpose, show_duration(p.every))
            for p in planned
        ]
        write_rows(args.format, COLUMNS, rows, out)
    return 0


def _groups(planned: "list[Planned]") -> "list[Group]":
    """By purpose, with the name lookups gathered at the end."""
    from probe.core.units import show_duration
    from probe.show.listing import Group

    lines: dict[str, list[tuple[str, str]]] = {}
    lookups: dict[tuple[str, str], set[str]] = {}
    for item in planned:
        host = f"[{item.host}]" if ":" in item.host else item.host
        where = host if item.port is None else f"{host}:{item.port}"
        if item.lookup_of is None:
            heading = f"{item.purpose} (every {show_duration(item.every)})"
            lines.setdefault(heading, []).append((where, item.what))
        else:
            kind = item.what.replace(f" of {item.lookup_of}", "", 1)
            lookups.setdefault((where, kind), set()).add(item.lookup_of)
    groups = [Group(heading, tuple(found)) for heading, found in lines.items()]
    if lookups:
        asked = tuple(
            (where, f"{kind}, for {len(names)} of the names above")
            for (where, kind), names in lookups.items()
        )
        groups.append(Group("name lookups", asked))
    return groups
