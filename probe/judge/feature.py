"""From the verdicts on a feature's targets to one on the feature.

The feature fails with an outcome only if enough of its targets have that outcome to break its
policy by themselves: a single odd server among many never speaks for all of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from probe.core.ids import uuid7
from probe.core.model import Control, Covered, Members, Outcome, Verdict
from probe.judge.policy import Policy
from probe.judge.rules import RULES

# What accuses somebody speaks for the feature only if it breaks the policy by itself: a blocked
# target and one that is down do not make two of either.
_ACCUSING: Final[tuple[Outcome, ...]] = ("blocked", "down", "denied")
# From the strongest conclusion to the weakest. Where the stronger ones are too few to break the
# policy, the next weaker one counts them in: a blocked target is at least degraded, all that
# accuses is at least unreachable, and an unreachable target is at least inconclusive.
_ORDER: Final[tuple[tuple[Outcome, frozenset[Outcome]], ...]] = (
    ("degraded", frozenset({"blocked", "degraded"})),
    ("unreachable", frozenset({*_ACCUSING, "degraded", "unreachable"})),
    ("inconclusive", frozenset({*_ACCUSING, "degraded", "unreachable", "inconclusive"})),
    ("offline", frozenset({*_ACCUSING, "degraded", "unreachable", "inconclusive", "offline"})),
)
_DEPTH: Final[tuple[Covered, ...]] = ("lookup", "handshake", "response", "transfer")


def judge_feature(policy: Policy, verdicts: Sequence[Verdict], at: datetime) -> Verdict:
    """The verdict on a feature, from the newest verdict on each of its targets (at least one)."""
    first = verdicts[0]
    good = [verdict for verdict in verdicts if verdict.outcome == "ok"]
    bad = [verdict for verdict in verdicts if verdict.outcome != "ok"]
    needed = policy.needed(len(verdicts))
    outcome: Outcome = "ok"
    speakers: Sequence[Verdict] = good
    if len(good) < needed:
        outcome = _failing(bad, len(verdicts) - needed + 1)
        speakers = [verdict for verdict in bad if verdict.outcome == outcome] or bad
    return Verdict(
        id=uuid7(at),
        at=at,
        cycle=max(verdict.cycle for verdict in verdicts),
        vantage=first.vantage,
        target=None,
        service=first.service,
        feature=first.feature,
        url=None,
        outcome=outcome,
        mechanism=None if outcome == "ok" else _common(v.mechanism for v in speakers),
        locus=None if outcome == "ok" else speakers[0].locus,
        rule=f"policy-{policy.text.split()[0]}",
        rules=RULES,
        covered=shallowest(speakers),
        control=Control(ids=(), outcome=_agreed([v.control.outcome for v in speakers])),
        evidence=tuple(dict.fromkeys(id_ for v in verdicts for id_ in v.evidence[:1])),
        note=_note(speakers) if outcome != "ok" else None,
        policy=policy.text,
        members=Members(ok=len(good), failed=len(bad)),
        partial=bool(good and bad),
    )


def _failing(bad: Sequence[Verdict], enough: int) -> Outcome:
    counts = Counter(verdict.outcome for verdict in bad)
    for outcome in _ACCUSING:
        if counts[outcome] >= enough:
            return outcome
    for outcome, counted in _ORDER:
        if sum(counts[each] for each in counted) >= enough:
            return outcome
    return "invalid"


def _agreed(outcomes: Sequence[Outcome | None]) -> Outcome | None:
    """What the controls saw, where they saw the same of every target that spoke."""
    return outcomes[0] if len(set(outcomes)) == 1 else None


def _common(mechanisms: Iterable[str | None]) -> str | None:
    """The commonest mechanism; the earliest of those that are equally common."""
    counts = Counter(mechanism for mechanism in mechanisms if mechanism is not None)
    return counts.most_common(1)[0][0] if counts else None


def shallowest(verdicts: Sequence[Verdict]) -> Covered:
    """How far the one looked that looked least far."""
    return min((verdict.covered for verdict in verdicts), key=_DEPTH.index)


def _note(speakers: Sequence[Verdict]) -> str | None:
    notes = Counter(verdict.note for verdict in speakers if verdict.note)
    return notes.most_common(1)[0][0] if notes else None
