"""probe.judge.verdict: evidence in, verdict out, and the same again at any later time."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from support.records import HERE, anchor, https, measured
from support.virtual import DAY

from probe.core.model import Control
from probe.judge.evidence import Evidence
from probe.judge.rules import RULES
from probe.judge.verdict import judge

RESET = https("tls_handshake", "connection_reset")


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(trials=(measured(steps=https()),)),
        Evidence(trials=(measured(steps=RESET),), anchors=(anchor(up=True),)),
        Evidence(trials=(measured(steps=RESET),), anchors=(anchor(up=False),)),
        Evidence(trials=(measured(steps=[], invalid="a bug"),)),
        Evidence(trials=(measured(steps=[]),)),
    ],
)
def test_judged_again_it_differs_by_its_id_alone(evidence: Evidence) -> None:
    again = Evidence(trials=evidence.trials, anchors=evidence.anchors)
    one, two = judge(evidence, DAY), judge(again, DAY)
    assert one.id != two.id
    assert replace(one, id="") == replace(two, id="")
    later = judge(again, DAY + timedelta(days=365))
    same = {field.name for field in fields(later)} - {"id", "at"}
    assert all(getattr(later, name) == getattr(one, name) for name in same)


def test_a_failure_is_told_with_all_that_it_rests_on() -> None:
    trial = measured(steps=RESET)
    before, after = anchor(up=True), anchor(up=True, cycle="round-2")
    told = judge(Evidence(trials=(trial,), anchors=(before, after)), DAY)
    assert (told.outcome, told.mechanism, told.locus) == ("unreachable", "tls.reset", "unknown")
    assert (told.cycle, told.vantage, told.target, told.url) == (
        "cycle-1",
        HERE,
        "shop",
        "https://shop.example/",
    )
    assert told.evidence == (trial.id, before.id, after.id)
    assert (told.rules, told.covered, told.control) == (RULES, "handshake", Control())
    assert told.note == "without a control nothing tells blocked from down"
    assert (told.policy, told.members, told.partial) == (None, None, None)


def test_a_success_needs_no_anchors_and_lists_none() -> None:
    trial = measured(steps=https())
    told = judge(Evidence(trials=(trial,), anchors=(anchor(up=False),)), DAY)
    assert (told.outcome, told.mechanism, told.locus, told.note) == ("ok", None, None, None)
    assert told.evidence == (trial.id,)


def test_an_error_of_ours_is_the_note_and_lists_no_anchors() -> None:
    trial = measured(steps=RESET, invalid="KeyError: 'x'")
    told = judge(Evidence(trials=(trial,), anchors=(anchor(up=True),)), DAY)
    assert (told.outcome, told.locus, told.mechanism) == ("invalid", "vantage", None)
    assert (told.note, told.evidence) == ("KeyError: 'x'", (trial.id,))


def test_offline_names_no_mechanism() -> None:
    told = judge(Evidence(trials=(measured(steps=RESET),), anchors=(anchor(up=False),)), DAY)
    assert (told.outcome, told.mechanism, told.locus) == ("offline", None, "vantage")


def test_a_success_after_failures_says_so() -> None:
    trials = (measured(steps=RESET), measured(steps=RESET), measured(steps=https()))
    told = judge(Evidence(trials=trials), DAY)
    assert (told.outcome, told.note) == ("ok", "trial 3 succeeded after 2 had failed")
    assert told.evidence == tuple(trial.id for trial in trials)
