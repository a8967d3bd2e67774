"""probe.measure.rounds: a feature's verdict whenever all of its targets were measured again."""

from support.records import verdict
from support.virtual import DAY

from probe.core.model import Verdict
from probe.judge.policy import Policy
from probe.measure.rounds import FeatureRounds
from probe.plan.jobs import Feature


def feature(*targets: str, name: str = "web", policy: str = "all") -> Feature:
    return Feature(service="shop", feature=name, policy=Policy.parse(policy), targets=targets)


def follow(*features: Feature) -> tuple[FeatureRounds, list[Verdict]]:
    given: list[Verdict] = []
    return FeatureRounds(features, given.append, lambda: DAY), given


def test_a_round_ends_when_every_target_was_measured() -> None:
    rounds, given = follow(feature("a", "b"))
    rounds.add(verdict("a"))
    assert given == []
    rounds.add(verdict("b", "unreachable"))
    (told,) = given
    assert (told.outcome, told.at, told.members.ok, told.partial) == ("unreachable", DAY, 1, True)


def test_a_target_that_comes_again_ends_the_round_of_a_slower_one() -> None:
    rounds, given = follow(feature("fast", "slow"))
    rounds.add(verdict("fast", "unreachable"))
    rounds.add(verdict("slow"))
    rounds.add(verdict("fast"))
    rounds.add(verdict("fast", "unreachable"))  # ends the round in which fast was ok
    rounds.add(verdict("fast"))
    assert [told.outcome for told in given] == ["unreachable", "ok", "unreachable"]
    assert [told.members.ok for told in given] == [1, 2, 1]


def test_before_the_slow_one_was_ever_measured_only_the_known_count() -> None:
    rounds, given = follow(feature("fast", "slow"))
    rounds.add(verdict("fast"))
    rounds.add(verdict("fast"))
    (told,) = given
    assert (told.members.ok, told.members.failed) == (1, 0)


def test_finish_ends_what_has_begun_and_nothing_else() -> None:
    rounds, given = follow(feature("a", "b"), feature("c", "d", name="text"))
    rounds.finish()
    assert given == []
    rounds.add(verdict("a"))
    rounds.finish()
    assert [told.feature for told in given] == ["web"]
    rounds.finish()
    assert len(given) == 1


def test_a_target_may_belong_to_several_features_or_none() -> None:
    text = {"feature": "text"}
    rounds, given = follow(feature("a"), feature("a", "b", name="text"))
    rounds.add(verdict("elsewhere", "unreachable"))
    rounds.add(verdict(None, "unreachable"))
    assert given == []
    rounds.add(verdict("a"))
    rounds.add(verdict("b", "unreachable", **text))
    assert [told.outcome for told in given] == ["ok", "unreachable"]
