"""probe.judge.rule: one row of the table, and how it names the node."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from support.cases import RESET, evidence, trials
from support.records import https, measured

from probe.judge.rule import Rule, named, neutral, none


def row() -> Rule:
    return Rule(
        id="r", when=lambda _: True, outcome="blocked", locus=None, comment="c", otherwise="o"
    )


def test_a_row_says_where_it_failed_unless_it_says_otherwise() -> None:
    found = evidence(trials(RESET))
    assert row().mechanism(found) == neutral(found) == "tls.reset"
    assert none(found) is None
    assert named("http.blockpage")(found) == "http.blockpage"
    assert neutral(evidence((measured(steps=https()),))) is None


def test_rows_are_data_that_nothing_changes() -> None:
    changed: Any = row()
    with pytest.raises(FrozenInstanceError):
        changed.outcome = "ok"
