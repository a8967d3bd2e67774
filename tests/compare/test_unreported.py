"""probe.compare.unreported: disruptions that no report speaks of."""

from datetime import timedelta

import pytest
from support.reported import CYCLE, LAB, START, compared, cycles, reported

from probe.compare.reports import Report
from probe.compare.unreported import Unreported
from probe.core.model import Vantage, Verdict

DAY = timedelta(days=1)
QUIET = list(cycles("." * 288, START - 2 * DAY))


def found(verdicts: list[Verdict], *reports: Report) -> tuple[Unreported, ...]:
    return compared(verdicts, *reports, until=START + 100 * DAY).unreported


def test_a_disruption_is_told_with_its_network_dates_and_failures() -> None:
    verdicts = [
        *QUIET,
        *cycles("xxxxx"),
        *cycles("b", START + 5 * CYCLE, mechanism="tls.timeout"),
        *cycles("." * 30, START + 6 * CYCLE),
    ]
    assert found(verdicts) == (
        Unreported(
            network="CN AS4134 residential",
            vantages=(LAB.id,),
            service="whatsapp",
            feature="media",
            onset_earliest=START - CYCLE,
            onset_latest=START,
            end_earliest=START + 5 * CYCLE,
            end_latest=START + 6 * CYCLE,
            cycles=6,
            failed=6,
            outcomes={"unreachable": 5, "blocked": 1},
            mechanisms={"tls.reset": 5, "tls.timeout": 1},
        ),
    )


@pytest.mark.parametrize("pattern", ["xxx", "x.x..x", "x" * 3 + "." * 30 + "x" * 3, "ooo???iii"])
def test_everyday_failures_are_none(pattern: str) -> None:
    assert found([*QUIET, *cycles(pattern + "." * 50)]) == ()


def test_gaps_neither_end_a_disruption_nor_count_in_it() -> None:
    (one,) = found([*QUIET, *cycles("xxoxxoo?ixx" + "." * 50)])
    assert (one.cycles, one.failed) == (6, 6)


def test_a_gap_at_the_onset_widens_its_interval_by_as_much() -> None:
    (one,) = found([*QUIET, *cycles("oooooxxxxxx")])
    assert (one.onset_earliest, one.onset_latest) == (START - CYCLE, START + 5 * CYCLE)


def test_what_still_fails_at_the_last_cycle_has_no_end_and_at_the_first_no_onset() -> None:
    (one,) = found([*QUIET, *cycles("x" * 9 + "ooo")])
    assert one.end_latest is None
    (one,) = found(list(cycles("x" * 9 + "." * 99)))
    assert one.onset_earliest is None


def test_a_matching_report_takes_every_disruption_that_overlaps_its_window() -> None:
    end = reported().end_latest
    assert end is not None

    def left(start: timedelta) -> int:
        quiet = cycles("." * 288, end + start - 2 * DAY)
        return len(found([*quiet, *cycles("x" * 9 + "." * 99, end + start)], reported()))

    assert [left(start) for start in (-4 * DAY, -DAY, -CYCLE, timedelta(0))] == [1, 0, 0, 1]


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
    assert len(found([*QUIET, *cycles("x" * 9)], report)) == 1


def test_vantages_of_one_network_see_one_disruption_and_networks_are_told_apart() -> None:
    same = Vantage(id="lab-2", country="CN", asn=4134, network="residential")
    other = Vantage(id="lab-3", country="CN", asn=4837, network="mobile")
    verdicts = [
        verdict
        for vantage in (LAB, same, other)
        for part in (
            cycles("." * 288, START - 2 * DAY, vantage=vantage),
            cycles("x" * 9, vantage=vantage),
        )
        for verdict in part
    ]
    told = [(one.network, one.vantages, one.cycles) for one in found(verdicts)]
    assert told == [
        ("CN AS4134 residential", ("lab-1", "lab-2"), 18),
        ("CN AS4837 mobile", ("lab-3",), 9),
    ]
