"""List the services that come with the program, with every host that they consist of.

Without a SERVICE the table is an overview; with one, or a feature, each host is listed with what it
is and where that is known from. All other formats hold every host.
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
        "--feature",
        action="append",
        default=[],
        metavar="NAME",
        help="only this feature (repeatable)",
    )
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="what to print"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """List; always 0."""
    from probe.plan.catalogue import names, service, which_there_are
    from probe.show.listing import write_groups
    from probe.show.tabular import write_rows

    for name in args.service:
        if name not in names():
            raise Usage(f"there is no service '{name}'; {which_there_are(name)}")
    all_of_them = [service(name) for name in names()]
    known_features = sorted({feature for known in all_of_them for feature in known.features})
    for name in args.feature:
        if name not in known_features:
            raise Usage(f"no service has a feature '{name}'; there are {', '.join(known_features)}")
    chosen = [known for known in all_of_them if known.id in (args.service or names())]
    if args.feature:
        chosen = [only for known in chosen if (only := _only(known, args.feature)).features]
    with output(args.out) as out:
        if args.format != "table":
            write_rows(args.format, COLUMNS, [row for s in chosen for row in _rows(s)], out)
        elif args.service or args.feature:
            groups = [group for known in chosen for group in _groups(known)]
            write_groups(groups, out, beneath=True)
        else:
            write_groups([_overview(chosen)], out)
            print(
                "'probe targets list SERVICE' tells every host, and where it is known from.",
                file=out,
            )
    return 0


def _only(known: "Service", features: list[str]) -> "Service":
    left = {name: feature for name, feature in known.features.items() if name in features}
    return known.model_copy(update={"features": left})


def _overview(chosen: "list[Service]") -> "Group":
    from probe.show.listing import Group

    return Group(
        "Services, with their features and how many of their hosts must answer",
        tuple((known.id, _features(known)) for known in chosen),
    )


def _features(known: "Service") -> str:
    if known.closed:
        return f"closed on {known.closed.date.isoformat()}"
    told = []
    for name, feature in known.features.items():
        count = sum(len(group.expanded()) for group in feature.targets)
        told.append(f"{name} ({feature.policy.text} of {count})" if count > 1 else name)
    return ", ".join(told)


def _groups(known: "Service") -> "list[Group]":
    from probe.show.listing import Group

    if known.closed:
        about = f"{known.closed.about.strip()} Source: {known.closed.source}"
        return [Group(f"{known.id} (closed on {known.closed.date.isoformat()})", (("", about),))]
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
