"""List the services that come with the program, with every host that they consist of.

Each host is listed with what it is and where that is known from.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.common import output
from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.plan.catalogue import Group as Hosts
    from probe.plan.catalogue import Service
    from probe.show.listing import Group

COLUMNS = ("service", "feature", "needs", "url", "about", "source", "date")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "action", choices=("list",), nargs="?", default="list", help="what to do (default: list)"
    )
    parser.add_argument("service", metavar="SERVICE", nargs="*", help="only these services")
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="what to print"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """List; always 0."""
    from probe.plan.catalogue import names, service
    from probe.show.listing import write_groups
    from probe.show.tabular import write_rows

    for name in args.service:
        if name not in names():
            raise Usage(f"there is no service '{name}'; there are {', '.join(names())}")
    chosen = [service(name) for name in args.service or names()]
    with output(args.out) as out:
        if args.format == "table":
            groups = [group for known in chosen for group in _groups(known)]
            write_groups(groups, out, beneath=True)
        else:
            write_rows(args.format, COLUMNS, [row for s in chosen for row in _rows(s)], out)
    return 0


def _groups(known: "Service") -> "list[Group]":
    from probe.show.listing import Group

    return [
        Group(
            f"{known.id} {name} ({feature.policy.text})",
            tuple((", ".join(g.urls), _said(g)) for g in feature.targets),
        )
        for name, feature in known.features.items()
    ]


def _said(group: "Hosts") -> str:
    about = " ".join(group.about.split())
    return f"{about} Source of {group.date.isoformat()}: {group.source}"


def _rows(known: "Service") -> list[tuple[str, ...]]:
    return [
        (
            known.id,
            name,
            feature.policy.text,
            url,
            " ".join(group.about.split()),
            group.source,
            group.date.isoformat(),
        )
        for name, feature in known.features.items()
        for group in feature.targets
        for url in group.expanded()
    ]
