"""probe.judge.service: a service in sum, with both answers to how many targets are needed."""

from dataclasses import replace
from datetime import timedelta

from support.records import verdict
from support.virtual import DAY

from probe.core.model import Verdict
from probe.judge.feature import judge_feature
from probe.judge.policy import Policy
from probe.judge.service import Failing, in_sum


def feature(name: str, policy: str, *members: Verdict) -> list[Verdict]:
    """Verdicts on targets of this feature, and the feature's after them."""
    own = [replace(member, service="chat", feature=name) for member in members]
    return [*own, judge_feature(Policy.parse(policy), own, DAY)]


def test_both_answers_are_kept_whatever_the_policy_says() -> None:
    members = [verdict("a"), verdict("b", "blocked", mechanism="tcp.timeout"), verdict("c")]
    for policy, outcome in (("any", "ok"), ("all", "blocked"), ("quorum 2", "ok")):
        (found,) = in_sum(feature("text", policy, *members))
        (part,) = found.features
        assert (part.outcome, part.any_ok, part.all_ok) == (outcome, True, False)
        assert (part.ok, part.failed, part.policy) == (2, 1, policy)
        assert part.failing == (Failing(outcome="blocked", mechanism="tcp.timeout", count=1),)


def test_of_the_targets_that_are_ok_while_others_fail_it_is_known_how_far_they_looked() -> None:
    blocked = verdict("a", "blocked", mechanism="tcp.timeout", covered="lookup")
    good = [verdict("b", covered="transfer"), verdict("c", covered="handshake")]
    for policy, others in (("all", "handshake"), ("any", None)):
        (found,) = in_sum(feature("text", policy, blocked, *good))
        assert found.features[0].others == others
    (found,) = in_sum(feature("text", "all", blocked))
    assert (found.features[0].others, found.features[0].covered) == (None, "lookup")


def test_features_keep_their_order_and_services_theirs() -> None:
    verdicts = [*feature("text", "any", verdict("a")), *feature("media", "all", verdict("b"))]
    other = replace(verdicts[-1], service="zoom", feature="web")
    first, second = in_sum([*verdicts, other])
    assert (first.service, [part.feature for part in first.features]) == ("chat", ["text", "media"])
    assert second.service == "zoom"


def test_the_newest_verdict_counts_for_a_feature_and_for_a_target() -> None:
    old = feature("text", "all", verdict("a", "blocked", mechanism="tcp.timeout"))
    new = [replace(v, at=v.at + timedelta(hours=1)) for v in feature("text", "all", verdict("a"))]
    for order in (old + new, new + old):
        (found,) = in_sum(order)
        assert found.features[0].outcome == "ok"
        assert found.features[0].failing == ()
        assert found.at == DAY + timedelta(hours=1)


def test_targets_without_a_feature_are_no_service() -> None:
    assert in_sum([verdict("https://a.example/")]) == ()
    assert in_sum([]) == ()
