"""probe.cli.stored: stored verdicts with everything that they rest on."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from support.cases import cases
from support.records import measured, verdict
from support.virtual import DAY

from probe.cli.stored import newest
from probe.core.model import Control, Measurement, Verdict
from probe.judge.evidence import Evidence
from probe.judge.knowledge import EMPTY
from probe.judge.verdict import judge
from probe.record.find import measurements_by_id
from probe.record.journal import Journal
from probe.show.evidence import Bodies, evidence_of, named


def parts(evidence: Evidence) -> tuple[Measurement, ...]:
    return (
        *evidence.trials,
        *evidence.anchors,
        *evidence.controls,
        *evidence.control_anchors,
        *evidence.followups,
        *evidence.neighbours,
    )


def stored(root: Path, *verdicts: Verdict, measurements: tuple[Measurement, ...] = ()) -> Path:
    with Journal(root) as journal:
        for measurement in measurements:
            journal.measurement(measurement)
        for each in verdicts:
            journal.verdict(each)
    return root


def test_of_several_verdicts_on_one_cycle_and_target_the_one_written_last_stands(
    tmp_path: Path,
) -> None:
    first, again = verdict(outcome="unreachable"), verdict(outcome="blocked")
    other, later = verdict("b"), verdict(cycle="cycle-2")
    found = list(newest(stored(tmp_path, first, other, later, again), None, None).values())
    assert found == [other, later, again]


def test_a_feature_and_its_only_target_are_two(tmp_path: Path) -> None:
    target, feature = verdict("a"), verdict(None, policy="any")
    assert len(newest(stored(tmp_path, target, feature), None, None)) == 2


def test_only_verdicts_of_the_interval_are_given(tmp_path: Path) -> None:
    days = [verdict(cycle=f"c{n}", at=DAY + timedelta(days=n)) for n in range(4)]
    found = newest(stored(tmp_path, *days), DAY + timedelta(days=1), DAY + timedelta(days=3))
    assert list(found.values()) == days[1:3]


def test_only_what_is_wanted_is_collected_and_what_is_gone_is_not_made_up(tmp_path: Path) -> None:
    some = tuple(measured("tcp") for _ in range(3))
    root = stored(tmp_path, measurements=some)
    assert measurements_by_id(root, [some[1].id, "gone"]) == {some[1].id: some[1]}


def test_evidence_comes_back_as_it_was_judged(tmp_path: Path) -> None:
    for name, case in cases().items():
        given = judge(case, DAY)
        root = stored(tmp_path / name, given, measurements=parts(case))
        (back,) = newest(root, None, None).values()
        found = evidence_of(
            back, measurements_by_id(root, named(back)), case.bodies, case.knowledge
        )
        assert found is not None
        assert replace(judge(found, DAY), id=given.id) == given, name


def test_evidence_that_is_not_whole_is_none() -> None:
    trial = measured("tcp")
    given = verdict(evidence=(trial.id,))
    found = {trial.id: trial}
    assert evidence_of(given, found, {}, EMPTY)
    assert evidence_of(given, {}, {}, EMPTY) is None
    assert evidence_of(replace(given, control=Control(ids=("gone",))), found, {}, EMPTY) is None
    assert evidence_of(replace(given, target=None), found, {}, EMPTY) is None


def test_evidence_without_any_trial_is_none() -> None:
    anchor = measured("tcp", role="anchor")
    assert evidence_of(verdict(evidence=()), {}, {}, EMPTY) is None
    assert evidence_of(verdict(evidence=(anchor.id,)), {anchor.id: anchor}, {}, EMPTY) is None


def test_bodies_are_read_when_they_are_asked_for_and_missing_or_changed_ones_are_none(
    tmp_path: Path,
) -> None:
    with Journal(tmp_path) as journal:
        name = journal.objects.put(b"a page")
    bodies = Bodies(tmp_path)
    assert bodies[name] == b"a page"
    assert bodies.get("0" * 64) is None
    assert bodies.get("../../etc/passwd") is None
    (place,) = (p for p in tmp_path.rglob("*") if p.is_file() and name in p.name)
    place.chmod(0o640)
    place.write_bytes(b"another page")
    assert Bodies(tmp_path).get(name) is None
