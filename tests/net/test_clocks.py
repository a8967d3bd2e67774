"""probe.net.clocks: two readings, one of which can jump."""

from datetime import UTC, datetime, timedelta

from probe.net.clocks import FakeClock, RealClock


def test_the_real_clock_reads_utc_and_never_goes_back() -> None:
    clock = RealClock()
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    first = clock.monotonic()
    assert clock.monotonic() >= first


def test_the_fake_clock_moves_when_it_is_told_to() -> None:
    start = datetime(2017, 7, 18, tzinfo=UTC)
    clock = FakeClock(start)
    clock.advance(0.25)
    clock.advance(60)
    assert clock.monotonic() == 60.25
    assert clock.now() == start + timedelta(seconds=60.25)
