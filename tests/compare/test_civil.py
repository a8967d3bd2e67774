"""probe.compare.civil: days become instants, wherever they are and whatever clocks do."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from probe.compare import civil


@pytest.mark.parametrize(
    ("day", "zone", "first", "last"),
    [
        ("2017-07-18", "Asia/Shanghai", "2017-07-17T16:00", "2017-07-18T16:00"),
        ("2017-07-18", "UTC", "2017-07-18T00:00", "2017-07-19T00:00"),
        ("2017-07-18", "Asia/Kolkata", "2017-07-17T18:30", "2017-07-18T18:30"),
        # Clocks go forward at 2 in the morning: 23 hours. Back: 25.
        ("2017-03-12", "America/New_York", "2017-03-12T05:00", "2017-03-13T04:00"),
        ("2017-11-05", "America/New_York", "2017-11-05T04:00", "2017-11-06T05:00"),
        # Clocks go forward at midnight: the day begins at one o'clock.
        ("2017-10-15", "America/Sao_Paulo", "2017-10-15T03:00", "2017-10-16T02:00"),
        # Clocks go back from one o'clock to midnight: there are two midnights.
        ("2017-11-05", "America/Havana", "2017-11-05T04:00", "2017-11-06T05:00"),
        ("2016-12-31", "Pacific/Kiritimati", "2016-12-30T10:00", "2016-12-31T10:00"),
    ],
)
def test_a_day_reaches_from_its_first_moment_to_that_of_the_next(
    day: str, zone: str, first: str, last: str
) -> None:
    given = ZoneInfo(zone)
    assert civil.moment(day, given, last=False) == datetime.fromisoformat(first + "Z")
    assert civil.moment(day, given, last=True) == datetime.fromisoformat(last + "Z")


@pytest.mark.parametrize(
    "zone", ["America/Sao_Paulo", "America/Havana", "Asia/Tehran", "Asia/Beirut", "Europe/London"]
)
def test_days_meet_without_gap_or_overlap_all_year(zone: str) -> None:
    place = ZoneInfo(zone)
    days = [str(date(2017, 1, 1) + timedelta(days=number)) for number in range(366)]
    for day, following in pairwise(days):
        ends = civil.moment(day, place, last=True)
        assert ends == civil.moment(following, place, last=False)
        assert ends > civil.moment(day, place, last=False)


@pytest.mark.parametrize("last", [False, True])
def test_an_instant_is_itself_in_any_zone(last: bool) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    expected = datetime(2017, 7, 18, 4, 0, 0, 250000, tzinfo=UTC)
    assert civil.moment("2017-07-18T04:00:00.25Z", zone, last=last) == expected
    assert civil.moment("2017-07-18T12:00:00.25+08:00", zone, last=last) == expected


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("2017-02-29", "no day of the calendar"),
        ("2017-13-01", "no day of the calendar"),
        ("18.7.2017", "is no time"),
        ("٢٠١٧-٠٧-١٨", "is no time"),
        ("2017-07-18T12:00", "names no offset"),
        ("2017-07-18 12:00:00", "names no offset"),
        ("0017-07-18", "the year 17 lies outside"),
        ("9999-12-31", "the year 9999 lies outside"),
        ("0001-01-01T00:00:00+14:00", "the year 1 lies outside"),
        (20170718, "write a day"),
        (None, "write a day"),
    ],
)
def test_anything_else_is_refused_and_says_why(value: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        civil.moment(value, ZoneInfo("Asia/Shanghai"), last=True)
