"""probe.core.times: one spelling for an instant, in which text sorts as time does."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.times import parse_instant, rfc3339, utc_day

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-9.5))])
# A day away from both ends of the calendar, where another zone's clock would lie outside of it.
FIRST, LAST = datetime.fromisoformat("0001-01-02"), datetime.fromisoformat("9999-12-30")
INSTANTS = st.datetimes(FIRST, LAST, timezones=ZONES)


@given(INSTANTS)
def test_every_instant_is_written_with_six_decimals_and_read_back(at: datetime) -> None:
    text = rfc3339(at)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    assert parse_instant(text) == at
    assert parse_instant(text).tzinfo is UTC
    assert text.startswith(utc_day(at))


@given(INSTANTS, INSTANTS)
def test_text_sorts_as_time(one: datetime, other: datetime) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


def test_a_whole_second_keeps_its_decimals() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert rfc3339(datetime(2017, 7, 18, 7, tzinfo=shanghai)) == "2017-07-17T23:00:00.000000Z"


@pytest.mark.parametrize(
    "text",
    ["2017-07-18", "2017-07-18T00:00", "2017-07-18T00:00:00Z", "2017-07-18T08:00:00+08:00"],
)
def test_shorter_spellings_mean_the_first_moment_in_utc(text: str) -> None:
    assert parse_instant(text) == datetime(2017, 7, 18, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "18.07.2017", "2017-02-30", "2017-07-18T25:00"])
def test_what_is_no_time_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{re.escape(text)}' is no time: write 2017-07-18"):
        parse_instant(text)
