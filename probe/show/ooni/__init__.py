"""Measurements as OONI writes them: data format 0.2.0, one envelope per line (ooni/spec df-000).

They are written as records of the test ``urlgetter``, the generic one: of other names the usual
parsers know no layers, and drop them. What OONI has no key for stands under ``x_probe``.
"""

import json
from collections.abc import Callable, Iterable
from typing import TextIO

import msgspec

from probe.core.model import JSON, Measurement
from probe.show.ooni.envelope import envelope

__all__ = ["write_jsonl"]


def write_jsonl(
    measurements: Iterable[Measurement], out: TextIO, objects: Callable[[str], bytes | None]
) -> int:
    """One envelope per measurement and line. Gives the number of measurements.

    ``objects`` gives the bytes of a kept certificate or page by their SHA-256, None if they are
    not there. Nothing is scrubbed here: stored measurements hold no foreign addresses.
    """
    count = 0
    for measurement in measurements:
        out.write(_encoded(envelope(measurement, objects)) + "\n")
        count += 1
    return count


def _encoded(value: dict[str, JSON]) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode()
