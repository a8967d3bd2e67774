"""Failure names as they come from OONI: old spellings, free texts, and those that are ours too."""

import re
from typing import Final

from probe.core.failure import UNKNOWN
from probe.core.scrub import Scrubber

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{2,63}")
_LONGEST: Final = 200  # characters of a failure that is a text
# What the test helper and the tests of ooni-probe 2 called them.
_OLD: Final = {
    "dns_name_error": "dns_nxdomain_error",
    "dns_lookup_error": "dns_server_misbehaving",
    "connection_refused_error": "connection_refused",
    "connect_error": "connection_refused",
    "tcp_timed_out_error": "generic_timeout_error",
    "host_unreachable_error": "host_unreachable",
    "response_never_received": "eof_error",
    "connection_lost_error": "eof_error",
}


def failure_name(text: str | None, scrubber: Scrubber) -> str | None:
    """The failure as our results name it; None for a success, which OONI writes as null or ""."""
    if not text:
        return None
    if _NAME.fullmatch(text):
        return _OLD.get(text, text)
    return UNKNOWN + scrubber.text(text.removeprefix(UNKNOWN))[:_LONGEST]


def layer_of(name: str) -> str | None:
    """Which operation a failure's name by itself belongs to; None where it may be any."""
    if name.startswith("dns_"):
        return "resolve"
    if name.startswith("ssl_"):
        return "tls_handshake"
    if name in {"connection_refused", "host_unreachable", "network_unreachable"}:
        return "connect"
    return None
