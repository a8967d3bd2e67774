"""probe.core.units: durations and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from probe.core.units import (
    LONGEST,
    Delay,
    Duration,
    Size,
    parse_duration,
    parse_size,
    show_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("1.5s", 1.5), (" 10m ", 600), ("2h", 7200), ("366d", LONGEST)],
)
def test_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert TypeAdapter(Duration).validate_python(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-5s", "5 s", "1:30", "5sec", "1h30m", "infs", "367d", "9" * 400 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration|longer than a year"):
        parse_duration(text)


@given(st.integers(0, 10_000_000_000))
def test_a_shown_duration_reads_as_the_same(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(show_duration(seconds)) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"),
        (0.25, "250ms"),
        (90.0, "90s"),
        (600.0, "10m"),
        (86400.0, "1d"),
        (1.5, "1500ms"),
    ],
)
def test_the_largest_unit_that_is_exact_is_shown(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


def test_nothing_takes_no_time_but_a_delay_may_be_none() -> None:
    assert TypeAdapter(Delay).validate_python("0s") == 0
    for bad in ("0s", 0, -1, LONGEST + 1, "a while", None, [1]):
        with pytest.raises(ValidationError):
            TypeAdapter(Duration).validate_python(bad)


@pytest.mark.parametrize(
    ("text", "size"),
    [("65536", 65536), ("1B", 1), ("128KiB", 131072), ("2 MiB", 2097152), ("1kB", 1000)],
)
def test_sizes_are_read_as_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert TypeAdapter(Size).validate_python(text) == size


@pytest.mark.parametrize("text", ["", "KiB", "1.5MiB", "-1B", "1KB", "1 gig"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Size).validate_python("0")
