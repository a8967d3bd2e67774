"""Identifiers that sort by time: UUID version 7 (RFC 9562 section 5.7)."""

import secrets
from datetime import datetime
from uuid import UUID


def uuid7(at: datetime) -> str:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low))
