"""Numbers and times as the page writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from support.reported import reported

from probe.compare.share import share
from probe.show.report import words

AT = datetime(2017, 7, 18, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1.0, "100 %")],
)
def test_nothing_is_rounded_to_none_or_to_all(share: float | None, text: str) -> None:
    assert words.percent(share) == text


def test_a_share_is_told_with_its_interval_and_nothing_is_no_zero() -> None:
    assert words.failures(share(12, 20)) == "12 of 20 (60 %; 39 % to 78 %)"
    assert words.failures(share(0, 0)) == "nothing measured"


def test_an_interval_may_be_open() -> None:
    assert words.interval(AT, AT) == "2017-07-18 04:00 UTC"
    assert words.interval(None, AT) == "before 2017-07-18 04:00 UTC"
    assert words.interval(AT, None) == "after 2017-07-18 04:00 UTC"
    assert words.interval(None, None) == "–"
    assert words.interval(AT, AT + timedelta(hours=1)) == "2017-07-18 04:00 to 2017-07-18 05:00 UTC"


def test_what_was_measured_is_told_in_the_time_zone_of_what_was_reported() -> None:
    shanghai = words.interval(AT, AT + timedelta(hours=1), "Asia/Shanghai")
    assert shanghai == "2017-07-18 12:00 to 2017-07-18 13:00 (Asia/Shanghai)"


def test_reported_days_are_days_where_they_were_reported() -> None:
    report = reported(end_latest="2017-07-20")
    assert words.reported_onset(report) == "2017-07-18 (Asia/Shanghai)"
    assert words.reported_end(report) == "2017-07-19 to 2017-07-20 (Asia/Shanghai)"


def test_reported_moments_are_told_to_the_minute() -> None:
    report = reported(onset_earliest="2017-07-17T18:00:00+08:00")
    assert words.reported_onset(report) == "2017-07-17 18:00 to 2017-07-19 00:00 (Asia/Shanghai)"


def test_an_end_that_is_not_known_is_said_to_be_so() -> None:
    open_end = {"end_earliest": None, "end_latest": None}
    assert words.reported_end(reported(**open_end)) == "not reported"
    assert words.reported_end(reported(**open_end, ongoing=True)) == "ongoing"


def test_long_lags_are_told_in_days() -> None:
    assert [words.hours(number) for number in (-1.25, 71, 240)] == [
        "-1.2 h",
        "+71.0 h",
        "+10.0 days",
    ]
