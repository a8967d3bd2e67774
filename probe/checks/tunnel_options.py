"""Options of checks that go on to data: where inside the tunnel, and how many packets."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator

from probe.checks.tunnel_echo import LEAST, MOST


def _inside(text: str) -> str:
    """An address inside the tunnel, without the length of prefix that wg-quick's files have."""
    return str(ipaddress.ip_interface(text.strip()).ip)


def _count(packets: int) -> int:
    if packets and not LEAST <= packets <= MOST:
        raise ValueError(f"{LEAST} to {MOST} packets, or 0 for none")
    return packets


Inside = Annotated[str, AfterValidator(_inside)]
Count = Annotated[int, AfterValidator(_count)]
