"""How long codecs are fed with what nobody would send.

In CI, and with ``FUZZ=full``, each codec's readers get 10,000 examples of anything, and its other
properties 1,000; elsewhere 500 and 50, so that whoever changes a line is not kept waiting. The
examples are the same each time (conftest.py).
"""

import os
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES: Final = (
    10_000 if os.environ.get("CI") == "true" or os.environ.get("FUZZ") == "full" else 500
)
_PATIENCE: Final = 300.0  # seconds for one property on a machine that is busy

Test = Callable[..., Any]


def fuzzed(test: Test) -> Test:
    """For the one test that feeds a codec's readers: ``@fuzzed`` above ``@given(...)``."""
    return _settings(test, EXAMPLES)


def sampled(test: Test) -> Test:
    """For properties of what is well formed, such as that it is read as it was written."""
    return _settings(test, EXAMPLES // 10)


def _settings(test: Test, examples: int) -> Test:
    wanted = settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    return pytest.mark.timeout(_PATIENCE)(wanted(test))
