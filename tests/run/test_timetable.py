"""probe.run.timetable: everybody at a moment of their own, the same after every start."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from probe.plan.timing import Quiet, Timing
from probe.run.timetable import COUNTED, EPOCH, Timetable, phase

MICROSECOND = timedelta(microseconds=1)
BERLIN = ZoneInfo("Europe/Berlin")


def timing(*quiet, cron=None, timezone="Europe/Berlin"):
    return Timing(cron=cron, quiet=tuple(map(Quiet.parse, quiet)), timezone=timezone)


def moments(timetable, since, until):
    """All moments in since < t <= until, one by one."""
    found, at = [], since
    while (at := timetable.after(at)) is not None and at <= until:
        found.append(at)
    return found


def test_phases_fill_the_period_evenly():
    phases = [phase(f"https://host-{n}.example/", 600.0) for n in range(6000)]
    assert all(0 <= p < 600 for p in phases)
    minutes = Counter(int(p // 60) for p in phases)
    # 600 are expected in each of the ten; a deviation of 120 is five standard deviations.
    assert sorted(minutes) == list(range(10))
    assert all(480 < count < 720 for count in minutes.values())


def test_a_phase_depends_on_the_name_alone():
    # Fixed for ever: with another number here every probe would change its rhythm at an upgrade.
    assert phase("office", 600.0) == pytest.approx(217.41915311)
    assert phase("office", 60.0) == pytest.approx(21.741915311)
    assert phase("office ", 600.0) != phase("office", 600.0)


@pytest.mark.parametrize("every", [0.5, 10.0, 37.5, 600.0, 86400.0])
def test_the_moments_of_a_period_follow_one_another_exactly(every):
    for name in (f"https://host-{n}.example/" for n in range(20)):
        table = Timetable(name, every)
        for number in (-3, 0, 1, 9_133, 1_234_567):
            due = EPOCH + timedelta(seconds=phase(name, every)) + number * timedelta(seconds=every)
            assert table.latest(due) == due
            assert table.latest(due - MICROSECOND) == due - timedelta(seconds=every)
            assert table.after(due - MICROSECOND) == due
            assert table.after(due) == due + timedelta(seconds=every)
            assert table.count(due - MICROSECOND, due) == 1
            assert table.count(due, due + timedelta(seconds=10 * every)) == 10


def test_a_cron_expression_means_some_second_of_the_minutes_that_it_names():
    table = Timetable("office", 1800.0, timing(cron="*/30 8-17 * * mon-fri"))
    own = timedelta(seconds=phase("office", 60.0))
    week = moments(table, datetime(2024, 6, 3, tzinfo=UTC), datetime(2024, 6, 10, tzinfo=UTC))
    local = [(at - own).astimezone(BERLIN) for at in week]
    assert len(week) == 5 * 20
    assert {at.second for at in local} == {0}
    assert {at.minute for at in local} == {0, 30}
    assert {at.hour for at in local} == set(range(8, 18))
    assert {at.weekday() for at in local} == set(range(5))
    for at, following in pairwise(week):
        assert table.latest(following - MICROSECOND) == at
        assert table.latest(at) == at
    assert table.count(week[0], week[-1]) == 99


def test_what_is_rare_is_found_backwards_too():
    table = Timetable("leap", 1.0, timing(cron="0 12 29 feb *", timezone="UTC"))
    found = table.latest(datetime(2027, 1, 1, tzinfo=UTC))
    assert found.date().isoformat() == "2024-02-29"
    assert table.after(found).date().isoformat() == "2028-02-29"


def test_many_moments_of_an_expression_are_not_counted_for_ever():
    table = Timetable("often", 60.0, timing(cron="* * * * *"))
    assert (
        table.count(datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)) == COUNTED
    )


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2024-07-10", 8), ("2024-03-30", 7), ("2024-10-26", 9)],
    ids=["summer", "the night that is an hour short", "the night that is an hour long"],
)
def test_quiet_hours_are_those_of_the_local_clock(day, hours):
    table = Timetable("office", 600.0, timing("22:00-06:00"))
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=BERLIN).astimezone(UTC)
    tomorrow = noon + timedelta(hours=24)
    due = moments(table, noon, tomorrow)
    longest, before = max((later - at, at) for at, later in pairwise(due))
    assert timedelta(hours=hours) < longest <= timedelta(hours=hours, minutes=10)
    assert before.astimezone(BERLIN).hour == 21
    assert (before + longest).astimezone(BERLIN).hour == 6
    assert all(not at.astimezone(BERLIN).hour < 6 for at in due)
    assert table.count(noon, tomorrow) == len(due)
    night = before + longest / 2
    assert table.resting(night)
    assert table.latest(night) == before


def test_quiet_hours_in_the_hour_that_comes_twice_last_through_both():
    table = Timetable("office", 60.0, timing("02:15-02:30"))
    begin = datetime(2024, 10, 27, 0, 15, tzinfo=UTC)  # 02:15 in summer time
    assert table.resting(begin)
    assert table.resting(begin + timedelta(minutes=74))  # 02:29 for the second time
    assert not table.resting(begin + timedelta(minutes=75))


def test_quiet_hours_that_the_clock_leaves_out_stop_nothing():
    table = Timetable("office", 60.0, timing("02:00-03:00"))
    night = datetime(2024, 3, 31, tzinfo=UTC)
    due = moments(table, night, night + timedelta(hours=6))
    assert len(due) == 360


def test_quiet_hours_that_overlap_are_counted_once():
    table = Timetable("office", 600.0, timing("22:00-06:00", "05:00-08:00", "12:00-12:30"))
    start = datetime(2024, 1, 1, 3, 7, tzinfo=UTC)
    end = start + timedelta(days=40, hours=5)
    assert table.count(start, end) == len(moments(table, start, end))


def test_nothing_is_due_in_quiet_hours_also_by_cron():
    table = Timetable("office", 3600.0, timing("22:00-06:00", cron="0 * * * *"))
    start = datetime(2024, 1, 1, tzinfo=UTC)
    hours = {at.astimezone(BERLIN).hour for at in moments(table, start, start + timedelta(days=9))}
    assert hours == set(range(6, 22))
