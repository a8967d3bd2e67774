"""probe.plan.retention: how long and how much, within reason."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from probe.plan.retention import RetentionSection


def section(**given: object) -> RetentionSection:
    return RetentionSection.model_validate(given)


def test_by_default_results_have_an_end() -> None:
    found = section()
    assert (found.keep, found.max_size) == (timedelta(days=730), 10 * 1024**3)


@pytest.mark.parametrize(
    ("text", "days"), [("1d", 1), ("90d", 90), ("18M", 540), ("2y", 730), ("100y", 36500)]
)
def test_ages_are_days_months_and_years(text: str, days: int) -> None:
    assert section(keep=text).keep == timedelta(days=days)


def test_null_means_without_end() -> None:
    found = section(keep=None, max_size=None)
    assert (found.keep, found.max_size) == (None, None)


@pytest.mark.parametrize(
    "given",
    [
        {"keep": "0d"},
        {"keep": "2h"},
        {"keep": "101y"},
        {"keep": 30},
        {"keep": "P1Y"},
        {"max_size": "1MiB"},
        {"max_size": 0},
        {"max_size": "big"},
        {"max_size": True},
        {"kept": "1y"},
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section(**given)
