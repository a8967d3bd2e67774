"""A service in sum: what the verdicts on its features say together, as data.

Both answers of a feature are kept, the one by which any target suffices and the one by which all
are needed: a policy that is met can hide that a part is blocked (ooni/probe#2466), and one that is
broken can hide that most of the service is there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from probe.core.model import Covered, Outcome, Vantage, Verdict
from probe.judge.feature import shallowest


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """So many of a feature's targets that are not ok, in the same way."""

    outcome: Outcome
    mechanism: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One feature. ``covered`` is how far those looked that speak for it, ``others`` how far those
    that are ok while it fails (None where there are none); ``control`` what the controls saw of
    those that speak, None where none was asked or they disagree."""

    feature: str
    outcome: Outcome
    mechanism: str | None
    covered: Covered
    policy: str
    ok: int
    failed: int
    any_ok: bool
    all_ok: bool
    control: Outcome | None
    failing: tuple[Failing, ...] = ()
    others: Covered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InSum:
    """One service from one vantage, at the time of its newest verdict."""

    service: str
    vantage: Vantage
    at: datetime
    features: tuple[Part, ...]


def in_sum(verdicts: Sequence[Verdict]) -> tuple[InSum, ...]:
    """Every service that has verdicts on features, in their order; the newest counts for each
    feature. Verdicts on targets tell what is wrong with those that are not ok."""
    features: dict[tuple[str, str, str], Verdict] = {}
    for verdict in sorted(verdicts, key=lambda each: each.at):
        if verdict.target is None:
            features[verdict.vantage.id, verdict.service, verdict.feature] = verdict
    order = dict.fromkeys((v.vantage.id, v.service) for v in verdicts if v.target is None)
    return tuple(
        _service([f for key, f in features.items() if key[:2] == each], verdicts) for each in order
    )


def _service(features: Sequence[Verdict], verdicts: Sequence[Verdict]) -> InSum:
    order = list(dict.fromkeys(v.feature for v in verdicts if v.target is None))
    features = sorted(features, key=lambda each: order.index(each.feature))
    return InSum(
        service=features[0].service,
        vantage=features[0].vantage,
        at=max(feature.at for feature in features),
        features=tuple(_part(feature, verdicts) for feature in features),
    )


def _part(feature: Verdict, verdicts: Sequence[Verdict]) -> Part:
    ok = feature.members.ok if feature.members else 0
    newest = _newest(feature, verdicts)
    good = [verdict for verdict in newest if verdict.outcome == "ok"]
    failed = feature.members.failed if feature.members else 0
    return Part(
        feature=feature.feature,
        outcome=feature.outcome,
        mechanism=feature.mechanism,
        covered=feature.covered,
        policy=feature.policy or "all",
        ok=ok,
        failed=failed,
        any_ok=ok > 0,
        all_ok=failed == 0,
        control=feature.control.outcome,
        failing=_failing(newest),
        others=shallowest(good) if good and feature.outcome != "ok" else None,
    )


def _newest(feature: Verdict, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The newest verdict on each of the feature's targets."""
    whose = (feature.vantage.id, feature.service, feature.feature)
    newest = {
        verdict.target: verdict
        for verdict in sorted(verdicts, key=lambda each: each.at)
        if verdict.target and (verdict.vantage.id, verdict.service, verdict.feature) == whose
    }
    return list(newest.values())


def _failing(newest: Sequence[Verdict]) -> tuple[Failing, ...]:
    counts = Counter((v.outcome, v.mechanism) for v in newest if v.outcome != "ok")
    return tuple(
        Failing(outcome=outcome, mechanism=mechanism, count=count)
        for (outcome, mechanism), count in counts.most_common()
    )
