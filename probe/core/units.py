"""Durations and sizes as people write them: ``10m``, ``1.5s``, ``128KiB``."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DAYS: Final = {"d": 1, "M": 30, "y": 365}
LONGEST: Final = 366 * 86400.0  # seconds; longer is a mistake, and the calendar has an end
_BYTES: Final = {
    "": 1,
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
}


def parse_duration(text: str) -> float:
    """Seconds in a text such as 500ms, 30s, 10m, 2h, 1d. ValueError for anything else.

    A year is the most.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text.strip())
    if not match:
        raise ValueError(f"'{text}' is no duration: write a number and ms, s, m, h or d, as in 30s")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > LONGEST:
        raise ValueError(f"'{text}' is longer than a year")
    return seconds


def parse_size(text: str) -> int:
    """Bytes in a text such as 65536, 128KiB, 1MB. ValueError for anything else."""
    match = re.fullmatch(r"(\d+)\s*(|B|KiB|MiB|GiB|kB|MB|GB)", text.strip())
    if not match:
        raise ValueError(f"'{text}' is no size: write a number and B, KiB, MiB, GiB, kB, MB or GB")
    return int(match[1]) * _BYTES[match[2]]


def parse_age(text: str) -> timedelta:
    """Whole days in a text such as 90d, 18M, 2y (a month has 30 days, a year 365); else ValueError.

    A century is the most.
    """
    match = re.fullmatch(r"(\d{1,6})(d|M|y)", text.strip())
    if not match:
        raise ValueError(
            f"'{text}' is no age: write a number and d (days), M (months) or y (years)"
        )
    days = int(match[1]) * _DAYS[match[2]]
    if not 1 <= days <= 100 * 365:
        raise ValueError(f"'{text}' is not between a day and a century")
    return timedelta(days=days)


def show_duration(seconds: float) -> str:
    """The shortest exact way to write a duration, e.g. 600.0 as 10m."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    return f"{seconds * 1000:.15g}ms"


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Size = Annotated[int, BeforeValidator(_size), Field(gt=0)]  # bytes, as pydantic reads them
# Seconds, likewise; a Delay may be zero.
Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0, le=LONGEST)]
Delay = Annotated[float, BeforeValidator(_duration), Field(ge=0, le=LONGEST)]
