"""Give stored verdicts again, from the stored measurements, under the present rules.

With --recompute every verdict whose evidence is still there is judged anew. Those that come out
different are listed and appended to the results; the old lines stay, and readers take the newest.
Under the same version of the rules nothing changes.

exit code: 0 done; 1 with --dry-run, if something would change; 2 usage.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.common import add_config, add_interval, add_results, existing_results, interval
from probe.cli.main import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from probe.core.model import Verdict

CHANGES = 1
_AT_ONCE = 2000  # verdicts whose evidence is held in memory together


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_results(parser)
    add_config(parser)
    add_interval(parser)
    parser.add_argument("--recompute", action="store_true", help="judge again")
    parser.add_argument("--dry-run", action="store_true", help="list changes, write nothing")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Judge again; 0 when done."""
    if not args.recompute:
        raise Usage("say --recompute to judge stored measurements again")
    root = existing_results(args)
    since, until = interval(args)

    from probe.cli.stored import newest
    from probe.record.disk import ResultsError

    old = list(newest(root, since, until).values())
    try:
        return _recompute(args, root, old)
    except ResultsError as exc:
        raise Usage(str(exc)) from exc


def _recompute(args: argparse.Namespace, root: Path, old: "list[Verdict]") -> int:
    from probe.record.journal import Journal
    from probe.show.terminal import safe

    equal = changed = 0
    missing = 0
    journal = None if args.dry_run else Journal(root)
    try:
        for before, after in _again(root, old):
            if after is None:
                missing += 1
            elif same(before, after):
                equal += 1
            else:
                changed += 1
                name = before.target or f"{before.service} {before.feature}"
                print(safe(f"{before.at:%Y-%m-%d %H:%M} {name}: {_change(before, after)}"))
                if journal is not None:
                    journal.verdict(after)
    finally:
        if journal is not None:
            journal.close()
    if not args.quiet:
        lost = f", {missing} without their evidence" if missing else ""
        print(f"{len(old)} verdicts: {equal} equal, {changed} changed{lost}", file=sys.stderr)
    return CHANGES if changed and args.dry_run else 0


def _again(root: Path, old: "list[Verdict]") -> "Iterator[tuple[Verdict, Verdict | None]]":
    """Each verdict beside its new one; None where evidence is gone. Features after targets."""
    from probe.judge.verdict import judge
    from probe.plan.knowledge import shipped_knowledge
    from probe.record.find import measurements_near
    from probe.show.evidence import Bodies, evidence_of, named

    knowledge, bodies = shipped_knowledge(), Bodies(root)
    new: dict[str, Verdict] = {}  # by the id of the cycle's first trial
    targets = [verdict for verdict in old if verdict.target is not None]
    for start in range(0, len(targets), _AT_ONCE):
        part = targets[start : start + _AT_ONCE]
        wanted = (id_ for verdict in part for id_ in named(verdict))
        found = measurements_near(root, wanted, (verdict.at for verdict in part))
        for verdict in part:
            evidence = evidence_of(verdict, found, bodies, knowledge)
            after = judge(evidence, verdict.at) if evidence else None
            if after is not None:
                new.update((id_, after) for id_ in verdict.evidence[:1])
            yield verdict, after
    for verdict in old:
        if verdict.target is None:
            yield verdict, _feature_again(verdict, new)


def _feature_again(verdict: "Verdict", new: "Mapping[str, Verdict]") -> "Verdict | None":
    from dataclasses import replace

    from probe.judge.feature import judge_feature
    from probe.judge.policy import Policy

    members = [new[id_] for id_ in verdict.evidence if id_ in new]
    if not members or len(members) != len(verdict.evidence) or verdict.policy is None:
        return None
    try:
        policy = Policy.parse(verdict.policy)
    except ValueError:
        return None
    return replace(judge_feature(policy, members, verdict.at), cycle=verdict.cycle)


def same(before: "Verdict", after: "Verdict") -> bool:
    """Whether two verdicts say the same: all but their own ids."""
    from dataclasses import replace

    return replace(after, id=before.id) == before


def _change(before: "Verdict", after: "Verdict") -> str:
    def shown(verdict: "Verdict") -> str:
        node = f" {verdict.mechanism}" if verdict.mechanism else ""
        return f"{verdict.outcome}{node} ({verdict.rule}, rules {verdict.rules})"

    return f"{shown(before)} -> {shown(after)}"
