"""probe.compare.series: what becomes an observation, and which series bear on a report."""

from datetime import timedelta
from typing import Any, get_args

import pytest
from support.reported import CYCLE, START, cycles, reported

from probe.compare.collect import collect
from probe.compare.series import FAILING, GAPS, WORKING, Series, matches, unplaced
from probe.core.model import Outcome, Vantage

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def only(series: tuple[Series, ...]) -> Series:
    (one,) = series
    return one


def test_every_outcome_either_concludes_or_is_a_gap() -> None:
    assert sorted([*WORKING, *FAILING, *GAPS]) == sorted(get_args(Outcome))


def test_spans_are_half_open_to_the_microsecond() -> None:
    moment = timedelta(microseconds=1)
    one = only(collect(cycles("x", START + moment)))
    assert one.count(FAILING, START, START + moment) == 0
    assert one.count(FAILING, START, START + 2 * moment) == 1
    assert one.count(FAILING, START + moment, START + DAY) == 1
    assert one.count(FAILING, START + 2 * moment, START + DAY) == 0


def test_gaps_cover_no_hour_and_are_no_failures() -> None:
    hourly = only(collect(cycles("o?i.x", every=HOUR)))
    first = int(START.timestamp()) // 3600
    assert hourly.hours(START, START + DAY) == {first + 3, first + 4}
    assert hourly.count(FAILING | WORKING, START, START + 3 * HOUR) == 0
    assert [seen.failing for seen in hourly.concluded()] == [False, True]
    late = only(collect(cycles("ooooo.oooooo")))
    assert late.hours(START, START + HOUR) == {first}


def test_mechanisms_are_counted_in_failures_only() -> None:
    verdicts = [
        *cycles("x?o", mechanism="tls.reset"),
        *cycles("xx", START + HOUR, mechanism="dns.timeout"),
        *cycles("x", START + 2 * HOUR, mechanism=None),
        *cycles("x", START + DAY, mechanism="tcp.timeout"),
    ]
    assert only(collect(verdicts)).failures(START, START + DAY) == {
        "tls.reset": 1,
        "dns.timeout": 2,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"country": "IR"}, False),
        ({"asns": [4134, 4837]}, True),
        ({"asns": [4837]}, False),
        ({"networks": ["mobile", "residential"]}, True),
        ({"networks": ["leased_line"]}, False),
        ({"services": None, "features": None}, True),
        ({"services": ["signal"]}, False),
        ({"services": ["signal", "whatsapp"], "features": None}, True),
        ({"services": None, "features": ["text"]}, False),
    ],
)
def test_a_series_bears_on_a_report_that_names_nothing_else(
    changes: dict[str, Any], expected: bool
) -> None:
    one = only(collect(cycles(".")))
    assert matches(reported(**changes), one) is expected
    assert not unplaced(reported(**changes), one)


@pytest.mark.parametrize("changes", [{"asns": [4134]}, {"networks": ["mobile"]}])
def test_what_is_not_known_of_a_vantage_matches_no_report_that_names_it(
    changes: dict[str, Any],
) -> None:
    one = only(collect(cycles(".", vantage=Vantage(id="v", country="CN"))))
    assert matches(reported(), one)
    assert not matches(reported(**changes), one)


def test_a_vantage_in_an_unknown_country_matches_nothing_but_is_known_of() -> None:
    one = only(collect(cycles(".", vantage=Vantage(id="local"))))
    assert not matches(reported(), one)
    assert unplaced(reported(), one)
    assert not unplaced(reported(features=["text"]), one)


def test_ten_minute_cycles_stay_small_in_memory() -> None:
    one = only(collect(cycles("." * 1000, every=CYCLE)))
    columns = (one.times, one.outcomes, one.mechanisms)
    assert sum(len(memoryview(column).tobytes()) for column in columns) <= 13 * 1000
