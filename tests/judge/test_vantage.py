"""probe.judge.vantage: what the anchors say about the vantage's own network."""

import itertools

import pytest
from support.records import anchor

from probe.core.model import Measurement
from probe.judge.vantage import VantageState, vantage_state

ONLINE, CUT, OFFLINE, UNTESTED = (
    VantageState.ONLINE,
    VantageState.INTERNATIONAL_PATH_DOWN,
    VantageState.OFFLINE,
    VantageState.UNTESTED,
)


def round_(pattern: str, cycle: str = "round-1") -> list[Measurement]:
    """A letter per anchor: I or D answered, i or d did not (international, domestic)."""
    kinds = {"i": "international", "d": "domestic"}
    return [anchor(up=c.isupper(), feature=kinds[c.lower()], cycle=cycle) for c in pattern]


@pytest.mark.parametrize(
    ("pattern", "state"),
    [
        ("", UNTESTED),
        ("I", ONLINE),
        ("iiiI", ONLINE),
        ("i", OFFLINE),
        ("iiid", OFFLINE),
        ("iD", CUT),
        ("iidD", CUT),
        ("Id", ONLINE),
        ("ID", ONLINE),
        ("D", ONLINE),
        ("d", OFFLINE),
    ],
)
def test_one_anchor_that_answers_is_enough_for_its_kind(pattern: str, state: VantageState) -> None:
    for order in set(itertools.permutations(pattern)):
        assert vantage_state(round_("".join(order))) is state


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ("ID", "iD", CUT),
        ("ID", "id", OFFLINE),
        ("iD", "id", OFFLINE),
        ("ID", "ID", ONLINE),
        ("ID", "", ONLINE),
    ],
)
def test_of_two_rounds_the_worse_counts(before: str, after: str, state: VantageState) -> None:
    one, two = round_(before, "round-1"), round_(after, "round-2")
    assert vantage_state([*one, *two]) is state
    assert vantage_state([*two, *one]) is state


def test_an_anchor_with_an_error_of_ours_says_nothing() -> None:
    broken = anchor(up=False, invalid="a bug")
    assert vantage_state([broken]) is UNTESTED
    assert vantage_state([broken, *round_("D")]) is ONLINE
    assert vantage_state([anchor(up=True, invalid="a bug"), *round_("i")]) is OFFLINE
