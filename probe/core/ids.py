"""Identifiers that sort by time: UUID version 7 (RFC 9562 section 5.7)."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)


def uuid7(at: datetime) -> str:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = (at - _UNIX) // timedelta(milliseconds=1) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low))
