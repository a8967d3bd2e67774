"""Bridge lines, as Tor's users get them: ``obfs4 192.0.2.1:443 0123… cert=… iat-mode=0``.

With or without ``Bridge`` before it, as in a torrc. The whole line is a secret: who knows it can
have the bridge blocked. No error repeats any of it but the transport's name.
"""

import re
from typing import Final

from probe.wire.obfs4 import read_cert

_LINE: Final = re.compile(
    r"(?:bridge\s+)?(?:([a-z][a-z0-9_]{0,20})\s+)?"
    r"([0-9.]+:\d{1,5}|\[[0-9a-f:.]+\]:\d{1,5})(\s+[0-9a-f]{40})?((?:\s+[\w-]+=\S+)*)",
    re.IGNORECASE,
)
_CERT: Final = re.compile(r"\scert=(\S+)")


def is_bridge_line(text: str) -> bool:
    """Whether this is one, of whatever transport: an address alone is none."""
    found = _LINE.fullmatch(text.strip())
    return found is not None and any((found[1], found[3], found[4]))


def read_bridge_line(text: str) -> str:
    """The target's URL, ``obfs4://host:port``, without what else is in the line.

    ValueError for a line of another transport, and for one whose cert is none.
    """
    found = _LINE.fullmatch(text.strip())
    transport = found[1].lower() if found and found[1] else None
    if found is None or transport != "obfs4":
        told = f"of the transport '{transport}'" if transport else "without a transport"
        raise ValueError(f"a bridge {told}: only obfs4 is spoken")
    cert = _CERT.search(found[4])
    read_cert(cert[1] if cert else "")
    return f"obfs4://{found[2]}"
