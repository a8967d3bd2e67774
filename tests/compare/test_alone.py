"""probe.compare.alone: without a control, what a line does by itself bears nothing out."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.reported import START, answered, cycles, reported

from probe.compare.answer import Answer
from probe.core.model import Vantage, Verdict

DAY = timedelta(days=1)
BESIDE = "." * 1440  # cycles: ten days before the window and as many after it
DOWN = "x" * 288  # the two days that are reported


def line(asn: int, whole: str) -> Iterator[Verdict]:
    vantage = Vantage(id=f"v{asn}", country="CN", asn=asn, network="residential")
    yield from cycles(whole, START - 10 * DAY, vantage=vantage)


def held(*lines: str, **changes: Any) -> Answer:
    verdicts = [one for asn, whole in enumerate(lines, 1) for one in line(asn, whole)]
    return answered(verdicts, reported(kind="outage", **changes), until=START + 12 * DAY)


def test_an_outage_that_nothing_else_on_the_line_comes_near_to_is_supported() -> None:
    assert held(BESIDE + DOWN + BESIDE).answer == "supported"


@pytest.mark.parametrize(("cycles_elsewhere", "expected"), [(100, "supported"), (150, "alone")])
def test_it_has_to_last_twice_as_long_as_any_other(cycles_elsewhere: int, expected: str) -> None:
    other = "." * 400 + "x" * cycles_elsewhere + BESIDE[400 + cycles_elsewhere :]
    found = held(other + DOWN + BESIDE)
    if expected == "alone":
        assert found.answer == "inconclusive"
        assert found.sentence.endswith(
            "without a control, a line that fails by itself looks the same, which decides nothing."
        )
    else:
        assert found.answer == expected


def test_a_control_makes_the_same_spell_count() -> None:
    other = "." * 400 + "b" * 150 + BESIDE[550:]
    assert held(other + DOWN.replace("x", "b") + BESIDE).answer == "supported"


@pytest.mark.parametrize(
    ("failed", "expected"), [(1, "inconclusive"), (2, "partly"), (3, "supported")]
)
def test_most_networks_have_to_agree(failed: int, expected: str) -> None:
    lines = [BESIDE + (DOWN if number < failed else "." * 288) + BESIDE for number in range(3)]
    assert held(*lines).answer == expected


def test_another_time_than_the_reported_one_connects_it_with_nothing() -> None:
    late = BESIDE + "." * 300 + DOWN + BESIDE[300:]
    window = {"end_earliest": "2017-07-24", "end_latest": "2017-07-24"}
    assert held(late, **window).answer == "inconclusive"
    assert held(late.replace("x", "b"), **window).answer == "partly"


def test_a_few_failures_are_what_any_line_has() -> None:
    daily = {"every": timedelta(days=1)}
    for failures, expected in ((4, "inconclusive"), (6, "supported")):
        whole = "." * 60 + "x" * failures + "." * 60
        verdicts = cycles(whole, START - 60 * DAY, **daily)
        end = f"2017-07-{18 + failures - 1}"
        report = reported(kind="outage", end_earliest=end, end_latest=end)
        assert answered(verdicts, report, until=START + 60 * DAY).answer == expected
