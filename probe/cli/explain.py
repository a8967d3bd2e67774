"""Say why a stored verdict is what it is.

ID is the id of a verdict or of a measurement, or its first characters; a cycle's id serves too.
Printed are what was done, what was seen, what the control saw, which rule decided, and what would
have changed it. Without ID, the newest verdict that is not ok is explained.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from probe.cli.common import add_config, add_results, existing_results, output
from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.core.model import Verdict
    from probe.judge.evidence import Evidence

_SHORTEST = 8  # characters of an id: fewer would name half of the file


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("id", metavar="ID", nargs="?", help="of a verdict, measurement or cycle")
    add_results(parser)
    add_config(parser)
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")


def run(args: argparse.Namespace) -> int:
    """Explain; 0 when done."""
    root = existing_results(args)
    if args.id is not None and len(args.id) < _SHORTEST:
        raise Usage(f"give at least the first {_SHORTEST} characters of an id")

    from probe.cli.stored import members_of, newest_failure, verdict_called
    from probe.plan.knowledge import shipped_knowledge
    from probe.record.find import measurements_by_id
    from probe.show.evidence import Bodies, evidence_of, named

    verdict = verdict_called(root, args.id) if args.id else newest_failure(root)
    if verdict is None:
        what = f"nothing has an id that begins with '{args.id}'" if args.id else "all is ok"
        raise Usage(f"{what} in '{root}'")
    with output(args.out) as out:
        members = [verdict] if verdict.target else members_of(root, verdict)
        if verdict.target is None:
            _say_feature(verdict, members, out)
        found = measurements_by_id(root, (id_ for member in members for id_ in named(member)))
        for member in members:
            evidence = evidence_of(member, found, Bodies(root), shipped_knowledge())
            say(member, evidence, out)
    return 0


def _say_feature(verdict: "Verdict", members: "Sequence[Verdict]", out: TextIO) -> None:
    from probe.judge.service import in_sum
    from probe.plan.catalogue import titles
    from probe.show.quotable import say as say_in_sum
    from probe.show.terminal import safe

    counted = verdict.members
    count = f": {counted.ok} ok, {counted.failed} not" if counted else ""
    out.write(safe(f"{verdict.service} {verdict.feature}: {verdict.outcome} by policy"))
    out.write(f" '{verdict.policy}'{count}\n")
    (found,) = in_sum([verdict, *members])
    say_in_sum(found, titles([found.service]), out)
    out.write("\n")


def say(verdict: "Verdict", evidence: "Evidence | None", out: TextIO) -> None:
    """Write the explanation for a terminal of 80 columns."""
    import textwrap

    from probe.judge.explain import explain, headline
    from probe.show.terminal import safe

    out.write(f"{safe(headline(verdict))}\n")
    if evidence is None:
        out.write("  some of the measurements that it rests on are no longer there\n\n")
        return
    for part in explain(verdict, evidence):
        out.write(f"\n  {part.heading}\n")
        for line in part.lines:
            wrapped = textwrap.wrap(
                safe(line), 78, initial_indent="    - ", subsequent_indent="      "
            )
            out.write("\n".join(wrapped) + "\n")
    out.write("\n")
