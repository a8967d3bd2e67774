"""What a proxy that hides itself is asked to relay: only a place that answers proves anything."""

import re
from typing import Final

from probe.core.hostname import parse_place
from probe.wire.http1 import Exchange

NEUTRAL: Final = "www.example.com"  # answers everybody, and is nobody's enemy (RFC 2606)
WEB: Final = f"{NEUTRAL}:80"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


def head_of(to: str, user_agent: str) -> bytes:
    """A request to a web server for the head of its first page, as small as it gets."""
    host, port = parse_place(to)
    name = f"[{host}]" if ":" in host else host
    headers = [
        ("Host", name if port == 80 else f"{name}:{port}"),
        ("User-Agent", user_agent),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
    return Exchange().request("HEAD", "/", headers, b"")


def status_of(answer: bytes) -> int | None:
    """The status with which a web server's answer begins, if it is one."""
    found = _STATUS.match(answer)
    return int(found[1]) if found else None
