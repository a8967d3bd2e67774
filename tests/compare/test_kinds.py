"""Reports of many kinds, true and false: none that is false is supported, none true contradicted.

``python -m support.kinds 5000 5900`` in ``tests`` gives the figures of ``docs/statistics.md``.
"""

import pytest
from support.kinds import KINDS, Case, case


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [case(seed) for seed in range(3 * len(KINDS))]


@pytest.mark.timeout(300)
def test_nothing_false_is_supported_and_nothing_true_contradicted(cases: list[Case]) -> None:
    wrong = [
        f"{one.seed} {one.kind}: {one.answer.sentence}"
        for one in cases
        if one.answer.answer == ("contradicted" if one.made.true else "supported")
    ]
    assert wrong == []


@pytest.mark.timeout(300)
def test_what_is_true_is_mostly_supported(cases: list[Case]) -> None:
    true = [one for one in cases if one.made.true]
    assert sum(one.answer.answer == "supported" for one in true) >= 0.7 * len(true)
