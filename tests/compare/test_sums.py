"""probe.compare.sums: where they cross a threshold, and how high noise drives them."""

import random
from math import log

import pytest

from probe.compare.baseline import Baseline, baseline
from probe.compare.clockhours import spans
from probe.compare.sums import PARTIAL, SOLID, Both, Sums, weight

HIGH = Both(11.7, 11.7)
NEVER = Both(1e9, 1e9)
QUIET = Baseline((0.02,) * 24, (0.02,) * 7)


def sums(failing: bytes, usual: Baseline = QUIET) -> Sums:
    return Sums.of([600.0 * cycle for cycle in range(len(failing))], failing, usual)


def test_a_cycle_weighs_the_log_of_its_likelihoods() -> None:
    assert weight(1, SOLID, 0.02) == pytest.approx(log(0.95 / 0.02))
    assert weight(0, SOLID, 0.02) == pytest.approx(log(0.05 / 0.98))
    assert weight(1, PARTIAL, 0.3) == pytest.approx(log(0.45 / 0.3))  # half as much again
    assert weight(1, SOLID, 0.8) == pytest.approx(log(0.97 / 0.8))


def test_the_fourth_failure_crosses_and_the_first_began_it() -> None:
    made = sums(bytes(50) + b"\1" * 10 + bytes(50))
    assert made.alarm(0, HIGH) == (50, 53)
    assert made.alarm(51, HIGH) == (51, 54)
    assert made.alarm(57, HIGH) is None
    assert made.alarm(0, NEVER) is None


def test_the_sum_for_partial_disruptions_crosses_where_the_other_does_not() -> None:
    made = sums(b"\0\1\0" * 60)
    began, crossed = made.alarm(0, HIGH) or (-1, -1)
    assert began == 1
    assert made.alarm(0, Both(11.7, 1e9)) is None
    assert made.alarm(0, Both(1e9, 11.7)) == (began, crossed)


def test_peaks_are_how_high_each_rise_came() -> None:
    one = weight(1, SOLID, 0.02)
    solid, partial = sums(bytes(40) + b"\1" + bytes(40) + b"\1\1" + bytes(40)).peaks(11.7)
    assert solid == pytest.approx([one, 2 * one])
    small = weight(1, PARTIAL, 0.02)
    assert partial == pytest.approx([small, 2 * small])


def test_a_long_disruption_is_one_peak_at_the_most() -> None:
    solid, partial = sums(bytes(40) + b"\1" * 500 + bytes(400)).peaks(11.7)
    assert solid == partial == [11.7]
    unfinished, _ = sums(bytes(40) + b"\1" * 500).peaks(11.7)
    assert unfinished == []  # nobody knows yet how high it comes


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2])
def test_peaks_and_alarms_agree(share: float) -> None:
    """What crosses a threshold has a peak above it."""
    rng = random.Random(4)
    failing = bytes(rng.random() < share for _ in range(3000)) + bytes(3000)
    times = [600.0 * cycle for cycle in range(len(failing))]
    made = Sums.of(times, failing, baseline(failing, spans(times)))
    solid, partial = made.peaks(1e9)
    for high in (3.0, 6.0, 9.0, 12.0):
        assert (made.alarm(0, Both(high, 1e9)) is not None) == (max(solid) >= high)
        assert (made.alarm(0, Both(1e9, high)) is not None) == (max(partial) >= high)
