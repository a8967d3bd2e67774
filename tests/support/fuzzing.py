"""How long codecs are fed with what nobody would send.

In CI, and with ``FUZZ=full``, each property is tried on 10,000 examples; elsewhere on 500, so that
whoever changes a line is not kept waiting. The examples are the same each time (conftest.py).
"""

import os
from typing import Final

from hypothesis import HealthCheck, settings

EXAMPLES: Final = (
    10_000 if os.environ.get("CI") == "true" or os.environ.get("FUZZ") == "full" else 500
)

# For a property: ``@fuzzed`` above ``@given(...)``.
fuzzed: Final = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
