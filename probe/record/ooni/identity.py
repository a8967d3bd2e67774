"""Names for what has none of ours: the same record gets the same names each time it is read."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)


def identity(at: datetime, *parts: str) -> str:
    """A UUID of the form of version 7 (RFC 9562) whose random bits are drawn from ``parts``.

    It sorts by ``at`` among other identifiers.
    """
    milliseconds = (at - _UNIX) // timedelta(milliseconds=1) & ((1 << 48) - 1)
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    drawn = int.from_bytes(hashlib.sha256(text).digest()[:10]) & ((1 << 74) - 1)
    high, low = drawn >> 62, drawn & ((1 << 62) - 1)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low))
