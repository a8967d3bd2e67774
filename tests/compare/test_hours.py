"""probe.compare.hours: what each network saw, hour by hour."""

from datetime import timedelta

from support.reported import LAB, START, cycles

from probe.compare.clockhours import HOUR
from probe.compare.collect import collect
from probe.compare.hours import Place, hourly
from probe.core.model import Vantage

FIRST = int(START.timestamp()) // HOUR


def test_an_hour_counts_cycles_failures_gaps_and_outcomes() -> None:
    (one,) = hourly(collect([*cycles("..xb?o"), *cycles("..", START + timedelta(hours=3))]))
    first, later = one.hours
    assert (first.hour, first.cycles, first.failed, first.gaps) == (FIRST, 4, 2, 2)
    assert first.outcomes == {
        "ok": 2,
        "unreachable": 1,
        "blocked": 1,
        "inconclusive": 1,
        "offline": 1,
    }
    assert first.share.share == 0.5
    assert first.outcome_share("blocked").share == 0.25
    assert first.outcome_share("offline").share == 0.0
    assert (later.hour, later.cycles) == (FIRST + 3, 2)


def test_missing_hours_are_not_there_and_hours_of_gaps_have_no_share() -> None:
    (one,) = hourly(collect([*cycles("oooooo"), *cycles(".", START + timedelta(hours=2))]))
    assert [hour.hour - FIRST for hour in one.hours] == [0, 2]
    assert one.hours[0].share.share is None


def test_vantages_of_one_network_are_one_and_others_are_not() -> None:
    same = Vantage(id="b", country="CN", asn=4134, network="residential")
    firm = Vantage(id="c", country="CN", asn=4134, network="leased_line")
    verdicts = [v for at in (LAB, same, firm) for v in cycles("x", vantage=at)]
    found = hourly(collect(verdicts))
    assert [(str(one.place), one.hours[0].cycles) for one in found] == [
        ("CN AS4134 leased line", 1),
        ("CN AS4134 residential", 2),
    ]


def test_a_place_names_what_is_known_of_it() -> None:
    assert str(Place("CN", None, None)) == "CN"
    assert str(Place("IR", 44244, "mobile")) == "IR AS44244 mobile"
