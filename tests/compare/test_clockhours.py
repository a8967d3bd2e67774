"""probe.compare.clockhours: moments fall into hours, however regularly they come."""

import random
from collections import Counter

import pytest

from probe.compare.clockhours import HOUR, hour_of_day, spans


@pytest.mark.parametrize(
    "times",
    [
        [],
        [0.0],
        [HOUR - 1e-6, float(HOUR)],
        [600.0 * cycle for cycle in range(1000)],
        [600.0 * cycle + 0.001 * (cycle % 7) for cycle in range(1000) if cycle % 50 < 31],
        sorted(random.Random(1).uniform(0, 90 * HOUR) for _ in range(700)),
        [5.0] * 9 + [5.0 + HOUR] * 9 + [7.0 + HOUR] * 3,
        [600.0 * cycle for cycle in range(60)] + [36e3 + 60.0 * cycle for cycle in range(300)],
    ],
)
def test_each_moment_lies_in_the_span_of_its_hour(times: list[float]) -> None:
    found = list(spans(times))
    assert [at for _, first, last in found for at in range(first, last)] == list(range(len(times)))
    wanted = Counter(int(time // HOUR) for time in times)
    assert {hour: last - first for hour, first, last in found} == wanted
    assert [hour for hour, *_ in found] == sorted(wanted)


def test_the_hour_of_day_is_that_of_utc() -> None:
    assert [hour_of_day(time) for time in (0.0, 3599.9, 86400.0 * 3 + 23 * 3600, 1.5e9)] == [
        *(0, 0, 23),
        2,  # 2017-07-14T02:40:00Z
    ]
