"""probe.compare.share: Wilson's interval against published figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.compare.share import share


@pytest.mark.parametrize(
    ("failed", "cycles", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(
    failed: int, cycles: int, low: float, high: float
) -> None:
    found = share(failed, cycles)
    assert found.share == failed / cycles
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_without_cycles_nothing_is_known() -> None:
    found = share(0, 0)
    assert (found.cycles, found.failed) == (0, 0)
    assert (found.share, found.low, found.high) == (None, None, None)


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    found, mirrored = share(*counts), share(counts[1] - counts[0], counts[1])
    assert found.low is not None
    assert found.share is not None
    assert found.high is not None
    assert 0 <= found.low <= found.share <= found.high <= 1
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-9)
