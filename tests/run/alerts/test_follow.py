"""probe.run.alerts.follow: one word for each change that lasts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import verdict
from support.virtual import DAY

from probe.run.alerts.follow import FAILING, Patience, Standing, follow

PATIENCE = Patience(after=3, changes=4, within=3600.0)
SHORT = {"o": "ok", "b": "blocked", "u": "unreachable", "d": "down", "g": "degraded", "n": "denied"}
SHORT |= {"-": "offline", "?": "inconclusive", "!": "invalid"}


def told(outcomes, *, patience=PATIENCE, every=600.0, standing=None):
    """What is told of these outcomes, one letter each: (number of the cycle, kind, from, to)."""
    standing = standing or Standing()
    found = []
    for number, letter in enumerate(outcomes.replace(" ", "")):
        at = DAY + timedelta(seconds=number * every)
        change = follow(standing, replace(verdict(None, SHORT[letter]), at=at), patience)
        if change:
            found.append((number, change.kind, change.before, change.outcome))
    return found


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("ooooooo", []),
        ("ooobb", []),
        ("ooobbb", [(5, "changed", "ok", "blocked")]),
        ("ooobbbbbbbb", [(5, "changed", "ok", "blocked")]),
        ("ooobboobboobb", []),  # it never lasts
        ("ooobbbooo", [(5, "changed", "ok", "blocked"), (8, "changed", "blocked", "ok")]),
        ("ooobbbobobobbb", [(5, "changed", "ok", "blocked")]),  # nor does the recovery
        ("bbb", [(2, "changed", None, "blocked")]),  # bad from the start
        ("oobbb", [(4, "changed", None, "blocked")]),
        ("ooobbbuuu", [(5, "changed", "ok", "blocked"), (8, "changed", "blocked", "unreachable")]),
        ("ooo bub", [(5, "changed", "ok", "unreachable")]),  # what they have in common
        ("ooo bub bb", [
            (5, "changed", "ok", "unreachable"),
            (7, "changed", "unreachable", "blocked"),
        ]),
        ("ooo bbb udu dud", [(5, "changed", "ok", "blocked")]),  # still failing: no news
        ("ooo gggdddnnn", [
            (5, "changed", "ok", "degraded"),
            (8, "changed", "degraded", "down"),
            (11, "changed", "down", "denied"),
        ]),
    ],
)  # fmt: skip
def test_a_change_is_told_once_when_it_has_lasted(outcomes, expected):
    assert told(outcomes) == expected


@pytest.mark.parametrize("nothing", ["-", "?", "!", "-?!-?!"])
def test_what_concludes_nothing_neither_counts_nor_begins_anew(nothing):
    assert told(f"ooo{nothing * 5}") == []
    plain = told("ooobbb")
    ((number, *rest),) = told(f"ooo b{nothing}b{nothing}b{nothing}")
    assert rest == list(plain[0][1:])
    assert number == 5 + 2 * len(nothing)


def test_a_vantage_that_is_offline_for_ever_is_never_told():
    assert told("-" * 500) == []
    assert told("ooo" + "-" * 500 + "ooo") == []


def test_a_change_says_since_when_and_what_was_before():
    standing = Standing()
    found = [
        follow(standing, replace(verdict(None, SHORT[o]), at=DAY + timedelta(minutes=n)), PATIENCE)
        for n, o in enumerate("ooo?bb-b")
    ]
    (change,) = [each for each in found if each]
    assert change.was_since == DAY
    assert change.since == DAY + timedelta(minutes=4)
    assert change.count == 3
    assert change.verdict.at == DAY + timedelta(minutes=7)


def test_what_changes_too_often_is_told_so_and_then_left_alone():
    found = told("ooo" + "bbbooo" * 6, every=60)
    assert [kind for _, kind, _, _ in found][:4] == ["changed"] * 3 + ["flapping"]
    assert {kind for _, kind, _, _ in found[4:]} == {"muted"}


def test_the_silence_ends_once_it_has_stayed_the_same():
    found = told("ooo" + "bbbooo" * 3 + "o" * 70 + "bbb", every=60)
    loud = [(kind, outcome) for _, kind, _, outcome in found if kind != "muted"]
    assert loud[3:] == [("flapping", "ok"), ("steady", "ok"), ("changed", "blocked")]
    assert loud.count(("steady", "ok")) == 1


def test_slow_changes_are_no_flapping():
    found = told("ooo" + "bbbooo" * 10, every=3600)
    assert {kind for _, kind, _, _ in found} == {"changed"}
    assert len(found) == 20


def test_one_cycle_can_be_enough():
    found = told("obo", patience=replace(PATIENCE, after=1))
    assert found == [(1, "changed", "ok", "blocked"), (2, "changed", "blocked", "ok")]


@given(st.text(alphabet=sorted(SHORT), max_size=80))
def test_every_change_leads_from_what_was_told_before(outcomes):
    found = told(outcomes)
    last = None
    seen = 0
    for number, kind, before, outcome in found:
        assert outcome in {"ok", *FAILING}
        if kind != "steady":
            assert before == last or (last is None and before == "ok")
            assert before != outcome
            assert number - seen >= 1
        last, seen = outcome, number
    assert len(found) <= len(outcomes.replace("-", "").replace("?", "")) / 2 + 1


@given(st.text(alphabet=sorted(SHORT), max_size=60), st.integers(0, 60))
def test_a_restart_anywhere_changes_nothing(outcomes, cut):
    import msgspec

    standing, found = Standing(), []
    for number, letter in enumerate(outcomes):
        if number == cut:
            standing = msgspec.json.decode(msgspec.json.encode(standing), type=Standing)
        at = DAY + timedelta(seconds=number * 600)
        change = follow(standing, replace(verdict(None, SHORT[letter]), at=at), PATIENCE)
        if change:
            found.append((number, change.kind, change.before, change.outcome))
    assert found == told(outcomes)
