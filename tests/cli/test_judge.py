"""probe judge: stored verdicts, given again from what was measured."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.cases import cases
from support.command import Command, Done, one_line
from support.records import verdict
from support.virtual import DAY

from probe.cli.judge import same
from probe.core.model import Verdict
from probe.judge.feature import judge_feature
from probe.judge.policy import Policy
from probe.judge.rules import RULES
from probe.judge.verdict import judge
from probe.record.journal import Journal
from probe.record.scan import ScanReport, verdicts

Run = Callable[..., Done]
NAMES = ("answered", "down", "failed-control-fine", "dns-two-answers")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "results"


def write(root: Path, *, rules: int = RULES, **changes: object) -> list[Verdict]:
    """Four cycles of as many targets, judged, and a feature of them. What an earlier version of the
    rules said of them may have been something else (``changes``)."""
    given: list[Verdict] = []
    with Journal(root) as journal:
        for hour, name in enumerate(NAMES):
            case = cases()[name]
            own = tuple(replace(m, cycle=f"{name} {m.cycle}") for m in case.trials)
            case = replace(case, trials=own)
            for part in ("trials", "anchors", "controls", "control_anchors", "followups"):
                for measurement in getattr(case, part):
                    journal.measurement(measurement)
            found = judge(case, DAY + timedelta(hours=hour))
            given.append(replace(found, rules=rules, **changes))
            journal.verdict(given[-1])
        feature = judge_feature(Policy.parse("all"), given, DAY + timedelta(hours=5))
        given.append(replace(feature, rules=rules))
        journal.verdict(given[-1])
    return given


def read(root: Path) -> list[Verdict]:
    return list(verdicts(root, None, None, ScanReport()))


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_under_the_same_rules_nothing_changes_and_nothing_is_written(here: Run, root: Path) -> None:
    write(root)
    before = read(root)
    done = here("judge", "--recompute")
    assert (done.code, done.out) == (0, "")
    assert "5 verdicts: 5 equal, 0 changed" in done.err
    assert read(root) == before


def test_what_comes_out_different_is_listed_and_appended_once(here: Run, root: Path) -> None:
    old = write(root, rules=RULES - 1, outcome="inconclusive", mechanism=None)
    done = here("judge", "--recompute")
    assert done.code == 0
    assert len(done.out.splitlines()) == len(old)
    assert f"inconclusive (failed-control-fine, rules {RULES - 1}) -> blocked tls.reset" in done.out
    assert read(root)[: len(old)] == old  # the old lines stay
    new = read(root)[len(old) :]
    assert [v.outcome for v in new[:4]] == ["ok", "down", "blocked", "blocked"]
    assert {v.rules for v in new} == {RULES}
    assert [(v.at, v.cycle) for v in new] == [(v.at, v.cycle) for v in old]
    again = here("judge", "--recompute")
    assert again.out == ""
    assert "5 equal, 0 changed" in again.err
    assert len(read(root)) == 2 * len(old)


def test_a_feature_follows_its_members(here: Run, root: Path) -> None:
    write(root, rules=RULES - 1, outcome="ok", mechanism=None, locus=None)
    done = here("judge", "--recompute")
    assert "shop web: ok" in done.out
    feature = read(root)[-1]
    assert feature.target is None
    assert feature.members
    assert (feature.members.ok, feature.members.failed) == (1, 3)


def test_a_dry_run_lists_the_same_says_so_and_touches_nothing(here: Run, root: Path) -> None:
    write(root, rules=RULES - 1, outcome="inconclusive", mechanism=None)
    before = files(root)
    done = here("judge", "--recompute", "--dry-run")
    assert done.code == 1
    assert files(root) == before
    assert done.out == here("judge", "--recompute").out
    assert here("judge", "--recompute", "--dry-run").code == 0


def test_a_verdict_whose_evidence_is_gone_stays_as_it_is(here: Run, root: Path) -> None:
    given = write(root, rules=RULES - 1)
    trial = given[1].evidence[0]
    (day,) = root.glob("????-*.jsonl")
    lines = day.read_bytes().splitlines(keepends=True)
    day.write_bytes(b"".join(line for line in lines if f'"id":"{trial}"'.encode() not in line))
    done = here("judge", "--recompute")
    assert done.code == 0
    assert "2 without their evidence" in done.err  # the target's, and so the feature's
    assert trial not in {id_ for v in read(root)[len(given) :] for id_ in v.evidence}


def test_only_the_interval_is_judged_again(here: Run, root: Path) -> None:
    write(root, rules=RULES - 1)
    since = ("--since", "2017-07-18T01:00:00Z", "--until", "2017-07-18T02:00:00Z")
    done = here("judge", "--recompute", *since)
    assert "1 verdicts: 0 equal, 1 changed" in done.err
    assert len(done.out.splitlines()) == 1


def test_broken_lines_and_verdicts_that_rest_on_nothing_are_passed_over(
    here: Run, root: Path
) -> None:
    write(root)
    with Journal(root) as journal:
        journal.verdict(verdict("empty", "blocked", evidence=(), cycle="x"))
        journal.verdict(verdict(None, "blocked", evidence=(), policy="any", cycle="y"))
    for path in root.rglob("*.jsonl"):
        path.write_bytes(b"{\n\xff\n[]\n" + path.read_bytes())
    done = here("judge", "--recompute")
    assert (done.code, done.out) == (0, "")
    assert "7 verdicts: 5 equal, 0 changed, 2 without their evidence" in done.err


def test_a_policy_that_nobody_can_read_is_no_crash(here: Run, root: Path) -> None:
    (first, *_) = write(root)
    with Journal(root) as journal:
        odd = verdict(None, evidence=first.evidence[:1], policy="most", cycle="y")
        journal.verdict(odd)
    assert "1 without their evidence" in here("judge", "--recompute").err


def test_bad_usage_is_told_in_one_line(here: Run, root: Path) -> None:
    one_line(here("judge", "--recompute"), 2, "results", "does not exist")
    write(root)
    one_line(here("judge"), 2, "--recompute")
    one_line(here("judge", "--recompute", "--since", "yesterday"), 2, "--since")


def test_the_real_command_is_quiet_when_it_is_told_to(probe: Command, root: Path) -> None:
    write(root)
    done = probe("judge", "--recompute", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_two_verdicts_are_the_same_but_for_their_own_ids() -> None:
    one = verdict()
    assert same(one, replace(one, id="another"))
    assert not same(one, replace(one, note="more"))
