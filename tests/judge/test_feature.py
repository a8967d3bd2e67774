"""probe.judge.feature: what a feature's targets amount to together."""

import itertools

import pytest
from support.records import verdict
from support.virtual import DAY

from probe.core.model import Control, Verdict
from probe.judge.feature import judge_feature
from probe.judge.policy import Policy

LETTERS = {
    ".": "ok",
    "x": "unreachable",
    "?": "inconclusive",
    "o": "offline",
    "i": "invalid",
}
# From the claim that says most about the target to the one that says nothing about it.
STRENGTH = ["unreachable", "inconclusive", "offline", "invalid"]


def judged(pattern: str, policy: str, **more: object) -> Verdict:
    members = [verdict(f"t{n}", LETTERS[c], **more) for n, c in enumerate(pattern)]
    return judge_feature(Policy.parse(policy), members, DAY)


@pytest.mark.parametrize(
    ("policy", "pattern", "outcome"),
    [
        ("any", "...", "ok"),
        ("any", "xx.", "ok"),
        ("any", "xxx", "unreachable"),
        ("any", "xxo", "offline"),
        ("any", "xx?", "inconclusive"),
        ("any", "xoi", "invalid"),
        ("any", "ooo", "offline"),
        ("all", "...", "ok"),
        ("all", "..x", "unreachable"),
        ("all", ".xo", "unreachable"),
        ("all", "..o", "offline"),
        ("all", "..i", "invalid"),
        ("quorum 2", "..x", "ok"),
        ("quorum 2", ".xx", "unreachable"),
        ("quorum 2", ".xo", "offline"),
        ("quorum 9", "..", "ok"),
        ("quorum 9", ".x", "unreachable"),
    ],
)
def test_the_policy_decides(policy: str, pattern: str, outcome: str) -> None:
    assert judged(pattern, policy).outcome == outcome


@pytest.mark.parametrize("policy", ["any", "all", "quorum 2", "quorum 3"])
def test_no_mixture_claims_more_than_its_members_allow(policy: str) -> None:
    for members in (1, 2, 3, 4):
        needed = Policy.parse(policy).needed(members)
        for pattern in map("".join, itertools.product(LETTERS, repeat=members)):
            outcome = judged(pattern, policy).outcome
            outcomes = [LETTERS[c] for c in pattern]
            assert (outcome == "ok") == (outcomes.count("ok") >= needed)
            if outcome == "ok":
                continue
            as_strong = STRENGTH[: STRENGTH.index(outcome) + 1]
            # Even if all the others were ok, those that claim as much would break the policy.
            assert members - sum(o in as_strong for o in outcomes) < needed, pattern
            assert outcome in outcomes, pattern


def test_members_are_counted_and_partial_is_said_whatever_the_outcome() -> None:
    counted = {p: judged(p, "any") for p in ("..", ".x", "xx")}
    assert [(v.members.ok, v.members.failed, v.partial) for v in counted.values()] == [
        (2, 0, False),
        (1, 1, True),
        (0, 2, False),
    ]
    for one in counted.values():
        assert (one.target, one.url, one.policy, one.rule) == (None, None, "any", "policy-any")
    assert judged("..", "quorum 2").rule == "policy-quorum"


def test_the_commonest_mechanism_of_those_that_speak_is_named() -> None:
    members = [
        verdict("a", "unreachable", mechanism="tcp.refused", locus="unknown", note="n"),
        verdict("b", "unreachable", mechanism="tls.reset", locus="unknown", note="n"),
        verdict("c", "unreachable", mechanism="tls.reset", locus="unknown", note="n"),
        verdict("d", "ok"),
    ]
    failed = judge_feature(Policy.parse("all"), members, DAY)
    assert (failed.mechanism, failed.locus, failed.note) == ("tls.reset", "unknown", "n")
    fine = judge_feature(Policy.parse("any"), members, DAY)
    assert (fine.mechanism, fine.locus, fine.note) == (None, None, None)


def test_the_shallowest_of_those_that_speak_says_how_far_it_looked() -> None:
    members = [
        verdict("a", covered="transfer"),
        verdict("b", covered="handshake"),
        verdict("c", "unreachable", covered="lookup"),
    ]
    assert judge_feature(Policy.parse("any"), members, DAY).covered == "handshake"
    assert judge_feature(Policy.parse("all"), members, DAY).covered == "lookup"


def test_it_rests_on_each_members_own_measurement_once() -> None:
    members = [
        verdict("a", evidence=("m1", "anchor")),
        verdict("b", evidence=("m2", "anchor")),
        verdict("c", evidence=()),
    ]
    assert judge_feature(Policy.parse("any"), members, DAY).evidence == ("m1", "m2")


@pytest.mark.parametrize(
    ("members", "policy", "outcome"),
    [
        (("blocked", "blocked"), "any", "blocked"),
        (("blocked", "down"), "any", "unreachable"),  # a blocked target and one that is down
        (("blocked", "degraded"), "any", "degraded"),
        (("blocked", "unreachable"), "any", "unreachable"),
        (("blocked", "inconclusive"), "any", "inconclusive"),
        (("blocked", "offline"), "any", "offline"),
        (("blocked", "ok"), "any", "ok"),
        (("blocked", "ok"), "all", "blocked"),
        (("blocked", "down", "ok"), "quorum 2", "unreachable"),
        (("blocked", "blocked", "ok"), "quorum 2", "blocked"),
        (("down", "down"), "any", "down"),
        (("denied", "denied"), "any", "denied"),
    ],
)
def test_who_accuses_speaks_for_the_feature_only_if_it_breaks_the_policy_alone(
    members: tuple[str, ...], policy: str, outcome: str
) -> None:
    some = [verdict(f"t{n}", each) for n, each in enumerate(members)]
    for order in (some, some[::-1]):
        assert judge_feature(Policy.parse(policy), order, DAY).outcome == outcome


def test_what_the_controls_saw_is_told_where_they_agree() -> None:
    fine, gone = Control(outcome="ok"), Control(outcome="unreachable")
    same = [verdict(f"t{n}", "blocked", control=fine) for n in range(2)]
    assert judge_feature(Policy.parse("any"), same, DAY).control.outcome == "ok"
    mixed = [same[0], verdict("t1", "blocked", control=gone)]
    assert judge_feature(Policy.parse("any"), mixed, DAY).control.outcome is None
