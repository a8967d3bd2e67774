"""What VPN protocols leave behind, here, at a control, and at its echo."""

from typing import Any

from support.cases import (
    INNER,
    TUNNEL,
    control,
    evidence,
    follow,
    trials,
)
from support.records import resolve, step

from probe.core.model import Measurement, Target
from probe.judge import followups as f
from probe.judge.deciding import ENDS
from probe.judge.evidence import Evidence

TIMEOUT, CUT = "generic_timeout_error", "connection_reset"
ECHO = "198.51.100.2:7007"
VPN = {"check": "openvpn+udp", "target": TUNNEL}


def asked(failure: str | None = TIMEOUT, *, tcp: bool = False, **detail: Any) -> list[Any]:
    """A VPN's first packet, and what became of it."""
    dialled = [step("connect", 2)] if tcp else []
    went_on = [INNER] if failure is None else []
    return [resolve(), *dialled, step("openvpn_reset", 2, failure, **detail), *went_on]


def echo(kind: str, failure: str | None = None, number: int = 1) -> Measurement:
    return follow(kind, [step("echo", 1, failure, address=ECHO)], number, "echo")


def echoes(protocol: str | None, *, harmless: str | None = None, times: int = 2) -> Any:
    numbers = range(1, times + 1)
    return (
        *(echo(f.HARMLESS_AT_ECHO, harmless, number) for number in (1, 2)),
        *(echo(f.PROTOCOL_AT_ECHO, protocol, number) for number in numbers),
    )


def found(steps: Any, followups: Any = (), times: int = 3, there: Any = None, **more: Any) -> Any:
    told = control(there, **VPN) if there is not None else {}
    return evidence(trials(steps, times, **VPN), followups=followups, **{**told, **more})


KEYLESS = asked(keyed=True)
VPNS = sorted(ENDS.keys() - {"dns", "tcp", "tls", "http", "https"})

WG = Target(id="wg", service="vpn", feature="tunnel", url="wireguard://vpn.example:51820")
WIREGUARD = {"check": "wireguard", "target": WG}
STOPPED = {"sent": 33, "received": 6, "strays": 0, "stops": 6, "again": True}
NEVER = {"sent": 33, "received": 0, "strays": 0, "stops": 0, "again": True, "never": True}
PASSED = {"sent": 20, "received": 20, "strays": 0}
ACKNOWLEDGED = {"sent": 27, "received": 0, "keepalives": 1, "strays": 0}


def through(failure: str | None = None, **detail: Any) -> list[Any]:
    """A handshake of WireGuard's, and what became of its data."""
    data = [step("data_exchange", 2, failure, **detail)] if detail else []
    return [resolve(), step("wireguard_initiation", 2), *data]


def tunnel(here: Any, there: Any = None, times: int = 3, **more: Any) -> Evidence:
    told = control(there, **WIREGUARD) if there is not None else {}
    return evidence(trials(here, times, **WIREGUARD), **{**told, **more})
