"""Reads measurements that somebody else wrote: what they say may be false, but it must be sound.

The judge trusts the types that ``docs/data-format.md`` gives the facts of a step. One's own files
hold them because our checks wrote them; from elsewhere a single text in place of a number would
stop the judging of everything else.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from probe.core.address import parse_endpoint
from probe.core.model import JSON, Measurement, Step
from probe.record.codec import BadLineError, decode_measurement

LONGEST: Final = 256 * 1024  # bytes of one measurement
_DEPTH: Final = 12  # of lists and objects in a detail
_TEXT: Final = 2048  # characters of a name, an address or a URL
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_Text = str | UnsetType | None
_Number = float | UnsetType | None
_Count = int | UnsetType
_Flag = bool | UnsetType
_Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _Answer(msgspec.Struct):
    type: str
    data: str
    ttl: int | UnsetType | None = UNSET


class _Leaf(msgspec.Struct):
    subject: _Text = UNSET
    issuer: _Text = UNSET
    not_before: _Text = UNSET
    not_after: _Text = UNSET
    names: list[str] | UnsetType = UNSET


class _Lookup(msgspec.Struct):
    """A resolver's own name, looked up: its answers are addresses."""

    resolver: _Text = UNSET
    answers: list[str] | UnsetType = UNSET


class _Detail(msgspec.Struct):
    resolver: _Text = UNSET
    engine: _Text = UNSET
    hostname: _Text = UNSET
    query_type: _Text = UNSET
    answers: list[_Answer] | UnsetType = UNSET
    rcode: _Text = UNSET
    authoritative: _Flag = UNSET
    truncated: _Flag = UNSET
    edns: _Flag = UNSET
    wrong_id: _Flag = UNSET
    raw: _Text = UNSET
    unreadable: _Text = UNSET
    error: _Text = UNSET
    errno: _Text = UNSET
    server_name: _Text = UNSET
    verify: _Flag = UNSET
    pin: _Text = UNSET
    tls_version: _Text = UNSET
    cipher_suite: _Text = UNSET
    alpn: _Text = UNSET
    peer_certificates: list[_Sha256] | UnsetType = UNSET
    leaf: _Leaf | UnsetType = UNSET
    private_root: _Text = UNSET
    verify_code: _Count = UNSET
    alert: _Text = UNSET
    method: _Text = UNSET
    host: _Text = UNSET
    path: _Text = UNSET
    first_byte: _Number = UNSET
    status: _Count = UNSET
    reason: _Text = UNSET
    headers: list[tuple[str, str]] | UnsetType = UNSET
    bytes: _Count = UNSET
    limit: _Count = UNSET
    complete: _Flag = UNSET
    last_byte: _Number = UNSET
    progress: list[tuple[float, int]] | UnsetType = UNSET
    body: _Sha256 | UnsetType = UNSET


def decode_foreign(line: bytes) -> Measurement:
    """Read a measurement of somebody else. Raises BadLineError, also for what is merely odd."""
    if len(line) > LONGEST:
        raise BadLineError(f"a measurement is larger than {LONGEST} bytes")
    measurement = decode_measurement(line)
    target, software = measurement.target, measurement.software
    if not _UUID.fullmatch(measurement.id):
        raise BadLineError("a measurement's id is no UUID")
    texts = (target.id, target.url, target.service, target.feature, software.name, software.version)
    if any(len(text) > _TEXT for text in texts):
        raise BadLineError("a measurement names its target or its program at great length")
    for step in measurement.steps:
        _check(step)
    return measurement


def _check(step: Step) -> None:
    if not (math.isfinite(step.t0) and math.isfinite(step.t)):
        raise BadLineError("a step's time is not finite")
    if not _shallow(step.detail, _DEPTH):
        raise BadLineError("a step's detail is nested too deeply")
    type_: Any = _Lookup if step.op == "bootstrap" else _Detail
    try:
        msgspec.convert(step.detail, type_)
        if step.address is not None:
            parse_endpoint(step.address)
    except ValueError as exc:
        raise BadLineError(f"a step {step.op[:40]}: {exc}") from None


def _shallow(value: JSON, levels: int) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return levels > 0 and all(_shallow(item, levels - 1) for item in value)
