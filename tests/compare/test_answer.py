"""probe.compare.answer: windows, coverage, shares, and the two answers that are honest so far."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from support.reported import LAB, START, answered, cycles, reported

from probe.compare.answer import Answer
from probe.core.model import Vantage, Verdict

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATER = START + 100 * DAY


def held(verdicts: Iterable[Verdict], **changes: Any) -> Answer:
    return answered(verdicts, reported(**changes), until=LATER)


def test_failures_before_during_and_after_are_counted_apart() -> None:
    found = held(
        [
            *cycles("." * 40, START - DAY),
            *cycles("x" * 12 + "." * 8),
            *cycles("xx" + "." * 8, START + 2 * DAY),
        ]
    )
    counts = [(part.failed, part.cycles) for part in (found.before, found.during, found.after)]
    assert counts == [(0, 40), (12, 20), (2, 10)]
    assert found.during.share == 0.6
    assert found.during.low == pytest.approx(0.3866, abs=5e-5)
    assert found.during.high == pytest.approx(0.7812, abs=5e-5)
    assert found.effect == 0.6
    assert found.mechanisms == {"tls.reset": 12}
    assert (found.report, found.answer, found.vantages) == (
        "whatsapp-media",
        "inconclusive",
        ("lab-1",),
    )


@pytest.mark.parametrize(
    ("end", "beside"),
    [
        ({"end_earliest": "2017-07-18T01:00:00+08:00", "end_latest": "2017-07-19"}, 2 * DAY),
        ({"end_earliest": "2017-07-30", "end_latest": "2017-07-30"}, 7 * DAY),
    ],
)
def test_before_and_after_are_as_long_as_the_window_up_to_seven_days(
    end: dict[str, Any], beside: timedelta
) -> None:
    closing = reported(**end).end_latest
    assert closing is not None
    moment = timedelta(microseconds=1)
    instants = [
        START - beside - moment,
        START - beside,
        START - moment,
        START,
        closing - moment,
        closing,
        closing + beside - moment,
        closing + beside,
    ]
    found = held([v for at in instants for v in cycles("x", at)], **end)
    assert (found.before.cycles, found.during.cycles, found.after.cycles) == (2, 2, 2)


def test_a_window_of_an_hour_is_compared_with_a_whole_day() -> None:
    hour = {
        "onset_latest": "2017-07-18T00:10:00+08:00",
        "end_earliest": "2017-07-18T00:50:00+08:00",
        "end_latest": "2017-07-18T01:00:00+08:00",
    }
    found = held([*cycles("." * 24, START - DAY, every=HOUR), *cycles("xxxxxx")], **hour)
    assert (found.before.cycles, found.during.cycles) == (24, 6)
    assert found.coverage == 1.0


def test_an_open_window_ends_now_and_has_no_after() -> None:
    report = reported(end_earliest=None, end_latest=None, ongoing=True)
    verdicts = [*cycles("." * 24, START - DAY, every=HOUR), *cycles("x" * 48, every=HOUR)]
    found = answered(verdicts, report, until=START + DAY)
    assert found.during.cycles == 24
    assert found.coverage == 1.0
    assert found.after.cycles == 0
    assert found.after.share is None


def test_coverage_is_the_share_of_hours_with_a_conclusion_on_the_network_that_saw_most() -> None:
    same = Vantage(id="lab-2", country="CN", asn=4134, network="residential")
    other = Vantage(id="lab-3", country="CN")
    found = held(
        [
            *cycles("." * 6, START),  # hour 0, six times
            *cycles("x", START + HOUR),
            *cycles(".", START + HOUR, vantage=same),
            *cycles("..", START + 46 * HOUR, every=HOUR, vantage=same),  # the last two
            *cycles("...", START + 20 * HOUR, every=HOUR, vantage=other),
            *cycles(".", START - HOUR),
            *cycles(".", START + 48 * HOUR),
        ]
    )
    assert found.coverage == 4 / 48
    assert found.vantages == ("lab-1", "lab-2", "lab-3")


def test_hours_are_counted_from_the_window_s_beginning() -> None:
    # In Kolkata a day begins at half past an hour of UTC.
    kolkata = {"timezone": "Asia/Kolkata"}
    start = reported(**kolkata).onset_earliest
    assert held(cycles("." * 300, start), **kolkata).coverage == 1.0
    assert held(cycles("....", start), **kolkata).coverage == 1 / 48


def test_what_is_measured_every_three_hours_can_cover_a_window() -> None:
    found = held(cycles("." * 80, START - 5 * DAY, every=3 * HOUR))
    assert found.coverage == 1.0
    gaps = held(
        [v for v in cycles("." * 80, START - 5 * DAY, every=3 * HOUR) if v.at < START + DAY]
    )
    assert 0.4 < gaps.coverage < 0.6


@pytest.mark.parametrize("pattern", ["o", "?", "i", "o?i" * 50])
def test_offline_inconclusive_and_invalid_cover_nothing(pattern: str) -> None:
    found = held([*cycles("." * 40, START - DAY), *cycles(pattern)])
    assert (found.answer, found.coverage) == ("no_coverage", 0.0)
    assert (found.during.cycles, found.during.share, found.effect) == (0, None, None)
    assert found.mechanisms == {}


def test_gaps_are_neither_failures_nor_successes() -> None:
    plain, gaps = held(cycles("xx..")), held(cycles("xooooo?????x..iiiii"))
    assert plain.during == gaps.during


@pytest.mark.parametrize(
    "vantage",
    [
        Vantage(id="v", country="IR", asn=4134, network="residential"),
        Vantage(id="v", country="ZZ", asn=4134, network="residential"),
    ],
)
def test_a_vantage_elsewhere_covers_nothing(vantage: Vantage) -> None:
    found = held(cycles("x" * 100, vantage=vantage))
    assert (found.answer, found.coverage, found.vantages) == ("no_coverage", 0.0, ())


def test_a_window_that_has_not_begun_is_not_covered() -> None:
    report = reported(end_earliest=None, end_latest=None)
    found = answered(cycles("xxx", vantage=LAB), report, until=START - DAY)
    assert (found.answer, found.coverage, found.during.cycles) == ("no_coverage", 0.0, 0)


def test_without_a_before_no_effect_is_claimed() -> None:
    found = held(cycles("xxx"))
    assert (found.answer, found.during.share, found.effect) == ("inconclusive", 1.0, None)
