"""Windows in which an OONI test failed by its own fault: such a measurement is invalid.

Signal changed its authority and retired hosts, and versions that did not know it yet saw failures
everywhere. The windows are those in which OONI's own analysis passes over the test
(ooni/backend, fastpath/core.py, score_signal).
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple


class _Window(NamedTuple):
    tests: tuple[tuple[int, ...], tuple[int, ...]]  # versions of the test, first and behind last
    engines: tuple[int, ...] | None  # versions of the engine below this one
    since: datetime


_ALL: Final = ((0,), (99,))
_SIGNAL: Final = (
    _Window(((0,), (0, 2, 2)), None, datetime(2022, 10, 19, tzinfo=UTC)),
    _Window(_ALL, (3, 17, 2), datetime(2023, 5, 2, tzinfo=UTC)),
    _Window(((0,), (0, 2, 4)), None, datetime(2023, 11, 7, tzinfo=UTC)),
    _Window(((0, 2, 4), (0, 2, 5)), None, datetime(1970, 1, 1, tzinfo=UTC)),
)
_REASON: Final = "this version of OONI's own test could not reach the service from anywhere"


def defect(test: str, version: str, engine: str, at: datetime) -> str | None:
    """Why a measurement of this test says nothing; None where it does."""
    if test != "signal":
        return None
    number, build = _numbers(version), _numbers(engine)
    for (first, end), below, since in _SIGNAL:
        if at < since or not number or not first <= number < end:
            continue
        if below is None or (build and build < below):
            return _REASON
    return None


def _numbers(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.partition("-")[0].split(".")[:4]:
        if not (part.isascii() and part.isdigit() and len(part) < 9):
            return ()
        numbers.append(int(part))
    return tuple(numbers)
