"""probe.compare.unreported: failures in a row that no report speaks of."""

from datetime import timedelta

import pytest
from support.reported import CYCLE, LAB, START, cycles, reported

from probe.compare.reports import Report
from probe.compare.series import collect
from probe.compare.unreported import Unreported, unreported
from probe.core.model import Verdict

DAY = timedelta(days=1)


def found(verdicts: list[Verdict], *reports: Report) -> tuple[Unreported, ...]:
    return unreported(collect(verdicts), reports, until=START + 100 * DAY)


def test_a_streak_begins_with_its_first_failure_and_ends_when_it_works_again() -> None:
    verdicts = [*cycles("..xxx"), *cycles("b.", START + 5 * CYCLE, mechanism="tls.timeout")]
    assert found(verdicts) == (
        Unreported(
            vantage=LAB.id,
            service="whatsapp",
            feature="media",
            onset=START + 2 * CYCLE,
            end=START + 6 * CYCLE,
            cycles=4,
            mechanisms={"tls.reset": 3, "tls.timeout": 1},
        ),
    )


@pytest.mark.parametrize(
    ("pattern", "streaks"),
    [
        ("xx.xx.xx", []),
        ("xxx", [3]),
        ("xxx.xx.xxxx", [3, 4]),
        ("xox?xi", [3]),  # a gap neither breaks a streak nor counts in it
        ("xoooox", []),
        ("ooo???iii", []),
        ("", []),
    ],
)
def test_three_failures_in_a_row_make_a_streak(pattern: str, streaks: list[int]) -> None:
    assert [streak.cycles for streak in found(list(cycles(pattern)))] == streaks


def test_what_still_fails_at_the_last_observation_has_no_end() -> None:
    (streak,) = found(list(cycles(".xxxooo")))
    assert streak.end is None


def test_a_pause_of_more_than_a_day_ends_what_is_known_of_a_streak() -> None:
    again = START + 2 * CYCLE + DAY
    short = found([*cycles("xxx"), *cycles("xxx.", again)])
    assert [(streak.onset, streak.cycles) for streak in short] == [(START, 6)]
    later = again + timedelta(microseconds=1)
    paused = found([*cycles("xxx"), *cycles("xxx.", later)])
    assert [(streak.onset, streak.cycles, streak.end) for streak in paused] == [
        (START, 3, None),
        (later, 3, later + 3 * CYCLE),
    ]
    assert found([*cycles("xx"), *cycles("xx", START + 3 * DAY)]) == ()


def test_a_matching_report_takes_every_streak_that_overlaps_its_window() -> None:
    end = reported().end_latest
    assert end is not None
    before = list(cycles("xxx.", START - 3 * CYCLE))
    touching = list(cycles("xxxx.", START - 3 * CYCLE))
    last = list(cycles("xxx", end - CYCLE))
    behind = list(cycles("xxx", end))
    counts = [len(found(verdicts, reported())) for verdicts in (before, touching, last, behind)]
    assert counts == [1, 0, 0, 1]


@pytest.mark.parametrize(
    "report",
    [
        reported(country="IR"),
        reported(features=["text"]),
        reported(networks=["mobile"]),
        reported(kind="statement", expects="ok"),
    ],
)
def test_a_report_of_something_else_or_of_working_takes_none(report: Report) -> None:
    assert len(found(list(cycles("xxx")), report)) == 1


def test_streaks_come_in_order_of_time() -> None:
    verdicts = [
        *cycles("xxx", START + DAY, service="signal"),
        *cycles("xxx", START, feature="text"),
        *cycles("xxx", START, feature="media"),
    ]
    streaks = [(streak.service, streak.feature) for streak in found(verdicts)]
    assert streaks == [("whatsapp", "media"), ("whatsapp", "text"), ("signal", "media")]
