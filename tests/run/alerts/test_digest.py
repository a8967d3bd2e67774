"""probe.run.alerts.digest: every day at the same time of that place, and all of the day in it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.virtual import DAY

from probe.run.alerts.digest import digest, next_digest, note_change
from probe.run.alerts.follow import Standing
from probe.run.alerts.state import Day, State, Subject

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "at", "zone", "expected"),
    [
        (utc(2017, 7, 18, 0, 0), time(8), SHANGHAI, utc(2017, 7, 19, 0, 0)),
        (utc(2017, 7, 17, 23, 59), time(8), SHANGHAI, utc(2017, 7, 18, 0, 0)),
        (utc(2017, 7, 18, 5, 0), time(8), BERLIN, utc(2017, 7, 18, 6, 0)),
        # The clock is put forward at 02:00: there is no 02:30.
        (utc(2017, 3, 25, 12, 0), time(2, 30), BERLIN, utc(2017, 3, 26, 1, 30)),
        (utc(2017, 3, 26, 1, 30), time(2, 30), BERLIN, utc(2017, 3, 27, 0, 30)),
        # It is put back at 03:00: 02:30 comes twice, and is told once.
        (utc(2017, 10, 28, 12, 0), time(2, 30), BERLIN, utc(2017, 10, 29, 0, 30)),
        (utc(2017, 10, 29, 0, 30), time(2, 30), BERLIN, utc(2017, 10, 30, 1, 30)),
    ],
)
def test_the_next_one(after, at, zone, expected):
    assert next_digest(after, at, zone) == expected


def test_a_year_has_one_every_day():
    moment, days = utc(2017, 1, 1), []
    for _ in range(365):
        moment = next_digest(moment, time(2, 30), BERLIN)
        days.append(moment.astimezone(BERLIN).date())
    assert days == [days[0] + timedelta(days=n) for n in range(365)]


def subject(told, **tally):
    return Subject(service="s", feature="f", standing=Standing(told=told), tally=tally)


def test_what_fails_comes_first_and_all_is_counted():
    state = State(day=Day(begin=DAY, changes=["then this"], missed=3, skipped=4))
    called = [("good", subject("ok", ok=144)), ("bad", subject("down", ok=1, down=143))]
    called.append(("new", subject(None)))
    item = digest(state, called, DAY + timedelta(days=1), SHANGHAI)
    assert item.headline == "digest, 1 of 3 failing"
    assert item.lines == [
        "from 2017-07-18 08:00 Asia/Shanghai to 2017-07-19 08:00 Asia/Shanghai",
        "bad: down (143 down, 1 ok)",
        "good: ok (144 ok)",
        "new: not measured",
        "changes:",
        "then this",
        "3 turns were missed",
        "4 turns were left out",
    ]


def test_a_quiet_day_is_short():
    item = digest(State(day=Day(begin=DAY)), [("a", subject("ok", ok=1))], DAY, SHANGHAI)
    assert item.headline == "digest, all as it should be"
    assert item.lines[1:] == ["a: ok (1 ok)", "no changes"]


def test_the_vantage_that_was_away_and_still_is():
    state = State(day=Day(begin=DAY, away=600.0), away=DAY - timedelta(days=9), away_as="captive")
    item = digest(state, [], DAY + timedelta(hours=2), SHANGHAI)
    assert item.lines[-1] == (
        "the vantage itself was without a working network for 2 h 10 min, and still is (captive)"
    )


def test_a_long_list_is_cut():
    day = Day(begin=DAY)
    for number in range(100):
        note_change(day, f"change {number}")
    called = [(f"n{number}", subject("ok", ok=1)) for number in range(100)]
    item = digest(State(day=day), called, DAY, SHANGHAI)
    assert len(item.lines) < 90
    assert "and 60 more" in item.lines
