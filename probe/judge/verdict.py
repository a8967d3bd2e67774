"""Evidence in, verdict out: walks the rule table. Pure, so that a verdict can be given again."""

from collections.abc import Iterator
from datetime import datetime

from probe.core.ids import uuid7
from probe.core.model import Measurement, Trials, Verdict
from probe.judge.controls import control_notes, control_record
from probe.judge.covered import covered
from probe.judge.evidence import Evidence
from probe.judge.rule import Rule
from probe.judge.rules import RULES, TABLE
from probe.judge.vantage import CLOCK_NOTED, clock_offset, wildcarding_resolvers


def rule_for(evidence: Evidence) -> Rule:
    """The first rule that holds; the last one always does."""
    return next(rule for rule in TABLE if rule.when(evidence))


def judge(evidence: Evidence, at: datetime) -> Verdict:
    """The verdict on one cycle of one target, given at ``at``."""
    rule = rule_for(evidence)
    trial = evidence.trial
    concluded = rule.outcome not in {"ok", "invalid"}
    asked = concluded or bool(evidence.controls)
    return Verdict(
        id=uuid7(at),
        at=at,
        cycle=trial.cycle,
        vantage=trial.vantage,
        target=trial.target.id,
        service=trial.target.service,
        feature=trial.target.feature,
        url=trial.target.url,
        outcome=rule.outcome,
        mechanism=rule.mechanism(evidence),
        locus=rule.locus,
        rule=rule.id,
        rules=RULES,
        covered=covered(evidence.decided),
        control=control_record(evidence),
        evidence=tuple(m.id for m in _rests_on(evidence, with_anchors=asked)),
        note="; ".join(_notes(rule, evidence)) or None,
        trials=Trials(failed=evidence.alike, needed=evidence.needed) if concluded else None,
    )


def _rests_on(evidence: Evidence, *, with_anchors: bool) -> Iterator[Measurement]:
    """This cycle's trials first: the first id names the cycle's first trial."""
    this: list[Measurement] = []
    earlier: list[Measurement] = []
    for trial in evidence.trials:
        (this if trial.cycle == evidence.trial.cycle else earlier).append(trial)
    yield from this
    yield from earlier
    yield from evidence.followups
    yield from evidence.control_anchors
    yield from evidence.neighbours
    if with_anchors:
        yield from evidence.anchors


def _notes(rule: Rule, evidence: Evidence) -> Iterator[str]:
    if rule.outcome == "invalid":
        yield evidence.trial.invalid or ""
        return
    if rule.note:
        yield rule.note
    this = [trial for trial in evidence.trials if trial.cycle == evidence.trial.cycle]
    failed_first = this.index(evidence.trial)
    if rule.outcome == "ok":
        if failed_first:
            yield f"trial {failed_first + 1} succeeded after {failed_first} had failed"
        return
    if rule.outcome in {"blocked", "degraded", "denied", "down"} and len(this) > 1:
        yield "repeats within the quarantine are one observation"
    offset = clock_offset(evidence.anchors)
    if offset is not None and abs(offset) > CLOCK_NOTED:
        yield f"this machine's clock is {offset:+.0f} s off"
    for resolver in sorted(wildcarding_resolvers(evidence.anchors)):
        yield f"{resolver} answers for names that do not exist: its answers prove nothing"
    if rule.outcome != "offline":
        yield from control_notes(evidence)
