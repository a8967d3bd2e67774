"""probe explain: from stored facts to a chain that a person can follow, in 80 columns."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.cases import RESET, cases, control, evidence, trials
from support.command import Command, Done, one_line
from support.records import WEB, https, measured, verdict
from support.virtual import DAY

from probe.core.ids import uuid7
from probe.core.model import Measurement, Verdict
from probe.judge.evidence import Evidence
from probe.judge.feature import judge_feature
from probe.judge.policy import Policy
from probe.judge.verdict import judge
from probe.record.journal import Journal

Run = Callable[..., Done]


def write(root: Path, *judged: tuple[Verdict, Evidence]) -> None:
    with Journal(root) as journal:
        for given, case in judged:
            for part in ("trials", "anchors", "controls", "control_anchors", "followups"):
                for measurement in getattr(case, part):
                    journal.measurement(measurement)
            journal.verdict(given)


def long_ids(case: Evidence, cycle: str) -> Evidence:
    """The same with ids as they are in real results."""

    def real(found: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
        return tuple(replace(m, id=uuid7(m.started), cycle=cycle) for m in found)

    return replace(
        case, trials=real(case.trials), anchors=real(case.anchors), controls=real(case.controls)
    )


@pytest.fixture
def results(tmp_path: Path) -> list[Verdict]:
    """A success, then a target that was blocked, in ./results."""
    fine = long_ids(evidence((measured(steps=https()),)), "cycle-fine")
    bad = long_ids(evidence(trials(RESET), **control()), "cycle-blocked")
    given = [(judge(fine, DAY), fine), (judge(bad, DAY + timedelta(hours=1)), bad)]
    write(tmp_path / "results", *given)
    return [each for each, _ in given]


def test_the_newest_verdict_that_is_not_ok_is_explained(here: Run, results: list[Verdict]) -> None:
    done = here("explain")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("shop: blocked (tls.reset)\n")
    for text in (
        "what was done",
        "trial 1: the TLS handshake at 192.0.2.1:443",
        "connection_reset",
        "the vantage",
        "online",
        "the control",
        "fra-1 (DE) counts",
        "the rule",
        "failed-control-fine",
        "what would have changed it: a control that fails too",
    ):
        assert text in done.out, text


@pytest.mark.parametrize("which", ["verdict", "trial", "control", "cycle", "beginning"])
def test_any_id_that_belongs_to_a_verdict_leads_to_it(
    here: Run, results: list[Verdict], which: str
) -> None:
    blocked = results[1]
    id_ = {
        "verdict": blocked.id,
        "trial": blocked.evidence[1],
        "control": blocked.control.ids[0],
        "cycle": "cycle-blocked",
        "beginning": blocked.id[:30],
    }[which]
    assert here("explain", id_).out.startswith("shop: blocked")


def test_a_success_can_be_asked_for(here: Run, results: list[Verdict]) -> None:
    done = here("explain", results[0].id)
    assert done.out.startswith("shop: ok\n")
    assert "answered" in done.out


def test_an_unknown_or_short_id_and_a_missing_folder_are_usage_errors(
    here: Run, results: list[Verdict]
) -> None:
    one_line(here("explain", "no-such-id"), 2, "no-such-id", "results")
    one_line(here("explain", results[1].id[:7]), 2, "8 characters")
    one_line(here("explain", "--results", "nowhere"), 2, "nowhere", "does not exist")


def test_where_all_is_ok_there_is_nothing_to_explain(here: Run, tmp_path: Path) -> None:
    fine = evidence((measured(steps=https()),))
    write(tmp_path / "results", (judge(fine, DAY), fine))
    one_line(here("explain"), 2, "all is ok")


def test_a_feature_is_explained_by_its_members(here: Run, tmp_path: Path) -> None:
    one = evidence(trials(RESET), **control())
    other = evidence((measured(steps=https(), target=replace(WEB, id="second"), cycle="other"),))
    members = [(judge(one, DAY), one), (judge(other, DAY), other)]
    feature = judge_feature(Policy.parse("any"), [each for each, _ in members], DAY)
    write(tmp_path / "results", *members, (feature, Evidence(trials=())))
    done = here("explain", feature.id)
    assert done.out.startswith("shop web: ok by policy 'any': 1 ok, 1 not\n")
    assert "\nshop: blocked (tls.reset)\n" in done.out
    assert "\nsecond: ok\n" in done.out


def test_measurements_that_are_gone_are_told_of(here: Run, tmp_path: Path) -> None:
    bad = evidence(trials(RESET), **control())
    gone = replace(bad, trials=bad.trials[1:])
    write(tmp_path / "results", (judge(bad, DAY), gone))
    done = here("explain")
    assert done.code == 0
    assert "no longer there" in done.out


@pytest.mark.parametrize("target", ["shop", None])
def test_a_verdict_that_rests_on_nothing_is_no_crash(
    here: Run, tmp_path: Path, target: str | None
) -> None:
    empty = verdict("shop", "blocked", evidence=())
    asked = verdict(target, "blocked", evidence=(), policy="any")
    nothing = Evidence(trials=())
    write(tmp_path / "results", (empty, nothing), (asked, nothing))
    assert here("explain", asked.id).code == 0


def test_broken_lines_beside_it_do_not_matter(
    here: Run, results: list[Verdict], tmp_path: Path
) -> None:
    for path in (tmp_path / "results").rglob("*.jsonl"):
        path.write_bytes(b"{\n\xff\xfe\n[]\n" + path.read_bytes() + b'{"schema": 1, "id"')
    assert here("explain").out.startswith("shop: blocked")


@pytest.mark.parametrize("name", cases())
def test_every_kind_of_verdict_is_explained_in_eighty_columns(
    here: Run, tmp_path: Path, name: str
) -> None:
    case = cases()[name]
    given = judge(case, DAY)
    with Journal(tmp_path / "results") as journal:
        for measurement in case.neighbours:
            journal.measurement(measurement)
    write(tmp_path / "results", (given, case))
    done = here("explain", given.id)
    assert done.code == 0, done
    assert f"{name} (version {given.rules})" in done.out
    assert done.widest <= 80
    assert "no longer there" not in done.out


def test_a_hostile_text_moves_no_cursor(here: Run, tmp_path: Path) -> None:
    nasty = "unknown_failure: \x1b[2J\x1b]0;owned\x07 \u202e"
    bad = evidence(trials(https("tls_handshake", nasty)), **control())
    write(tmp_path / "results", (judge(bad, DAY), bad))
    done = here("explain")
    assert done.code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(done.out)


def test_the_real_command_writes_to_a_file(probe: Command, results: list[Verdict]) -> None:
    done = probe("explain", results[1].id, "-o", "why.txt")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (probe.folder / "why.txt").read_text().startswith("shop: blocked")
