"""How long results are kept, and how much room they may take."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from probe.core.units import Size, parse_age
from probe.plan.section import Strict

SMALLEST = 64 * 1024**2  # bytes; less would not hold a few days of many targets


def _age(value: object) -> object:
    return parse_age(value) if isinstance(value, str) else value


class RetentionSection(Strict):
    """What is deleted of sealed days, the oldest first; null: nothing for that reason.

    ``keep`` is how old they may be, ``max_size`` how much the whole results folder may take.
    """

    keep: Annotated[timedelta, BeforeValidator(_age), Field(strict=True)] | None = timedelta(
        days=730
    )
    max_size: Annotated[Size, Field(ge=SMALLEST)] | None = 10 * 1024**3
