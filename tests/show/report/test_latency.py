"""Durations and speeds from a stream, in bounded memory."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.records import HERE, WEB, https, measured, step
from support.virtual import DAY

from probe.core.model import Measurement
from probe.show.figures.scale import HOUR, Scale
from probe.show.report.latency import Latency

FIRST = int(DAY.timestamp() // HOUR)
AXIS = Scale(FIRST, FIRST + 24, 6)


def took(seconds: float, hour: float = 0, **more: object) -> Measurement:
    steps = [replace(step("connect", 2), t=seconds), replace(step("transfer", 2), t=seconds)]
    made = measured("https", steps, started=DAY + timedelta(hours=hour))
    return replace(made, **more)  # type: ignore[arg-type]


def summed(*measurements: Measurement, targets: int = 10) -> Latency:
    latency = Latency(AXIS, targets)
    for measurement in measurements:
        latency.add(measurement)
    return latency


def test_each_column_has_its_median_and_upper_values() -> None:
    early = [took(0.1 + 0.001 * number) for number in range(101)]
    (line,) = summed(*early, took(5, hour=7)).lines()
    first, second = line.total
    assert (first.start, first.values) == (FIRST, 101)
    assert first.median == pytest.approx(150, rel=0.02)
    assert first.high == pytest.approx(190, rel=0.02)
    assert first.low == pytest.approx(110, rel=0.02)
    assert (second.start, second.values) == (FIRST + 6, 1)
    assert second.median == pytest.approx(5000, rel=0.02)


def test_what_failed_or_is_no_own_measurement_of_a_target_has_no_duration() -> None:
    failed = measured("https", https("connect", "generic_timeout_error"))
    others = (
        took(1, role="followup"),
        took(1, role="anchor"),
        took(1, origin="fra-1"),
        took(1, invalid="a bug"),
        took(1, hour=-1),
        took(1, hour=24),
        measured("https"),
        failed,
    )
    assert summed(*others).lines() == ()


def test_a_transfer_that_was_long_enough_has_a_speed() -> None:
    steps = [
        replace(step("connect", 2), t=0.1),
        replace(step("http_response", 2), t0=0.1, t=0.2),
        replace(step("transfer", 2, bytes=200_000), t0=0.2, t=1.1),
    ]
    (line,) = summed(measured("https", steps)).lines()
    assert [point.median for point in line.speed] == [pytest.approx(200, rel=0.02)]


def test_targets_and_networks_are_kept_apart() -> None:
    elsewhere = replace(HERE, asn=56041, network="mobile")
    other = replace(WEB, id="other")
    latency = summed(took(1), took(1, target=other), took(1, vantage=elsewhere))
    assert [(line.target, str(line.place)) for line in latency.lines()] == [
        ("other", "CN AS4134 residential"),
        ("shop", "CN AS4134 residential"),
        ("shop", "CN AS56041 mobile"),
    ]


def test_beyond_its_room_targets_are_counted_only() -> None:
    latency = summed(*(took(1, target=replace(WEB, id=str(n))) for n in range(5)), targets=2)
    assert [line.target for line in latency.lines()] == ["0", "1"]
    assert latency.left_out == 3
