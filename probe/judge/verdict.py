"""Evidence in, verdict out: walks the rule table. Pure, so that a verdict can be given again."""

from datetime import datetime

from probe.core.ids import uuid7
from probe.core.model import Control, Verdict
from probe.judge.covered import covered
from probe.judge.evidence import Evidence
from probe.judge.rules import RULES, TABLE, Rule


def judge(evidence: Evidence, at: datetime) -> Verdict:
    """The verdict on one cycle of one target, given at ``at``."""
    rule = next(rule for rule in TABLE if rule.when(evidence))
    trial = evidence.trial
    anchors = () if rule.outcome in {"ok", "invalid"} else evidence.anchors
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
        control=Control(),
        evidence=tuple(m.id for m in (*evidence.trials, *anchors)),
        note=_note(rule, evidence),
    )


def _note(rule: Rule, evidence: Evidence) -> str | None:
    if rule.outcome == "invalid":
        return evidence.trial.invalid
    notes = [rule.note] if rule.note else []
    failed_first = evidence.trials.index(evidence.trial)
    if rule.outcome == "ok" and failed_first:
        notes.append(f"trial {failed_first + 1} succeeded after {failed_first} had failed")
    return "; ".join(notes) or None
