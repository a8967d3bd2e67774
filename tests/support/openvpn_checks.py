"""OpenVPN checks run against a scripted server."""

from pathlib import Path
from typing import Any

from support.authority import serving as certified
from support.kits import Done, run_check
from support.openvpn import PAIRS, STATIC, Server, pem, serving

from probe.checks import Check
from probe.checks.openvpn import OpenVpnTcpCheck, OpenVpnUdpCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, Serve

AT = Endpoint("192.0.2.7", 1194)
KIND = "OpenVPN Static key V1"
UNAUTHENTICATED = "unknown_failure: unauthenticated openvpn reply"
MALFORMED = "unknown_failure: malformed openvpn reply"
TIMEOUT = "generic_timeout_error"


def static_key(folder: Path) -> str:
    """A file with the key that the servers with one have."""
    path = folder / "static.key"
    path.write_bytes(pem(KIND, STATIC))
    return str(path)


def udp(**options: Any) -> OpenVpnUdpCheck:
    return OpenVpnUdpCheck(host=AT.ip, port=AT.port, **options)


def tcp(**options: Any) -> OpenVpnTcpCheck:
    return OpenVpnTcpCheck(host=AT.ip, port=AT.port, **options)


def measured(check: Check, serve: Serve | OSError, **more: Any) -> Done:
    net = (
        FakeNetwork(tcp={AT: serve}) if check.name.endswith("tcp") else FakeNetwork(udp={AT: serve})
    )
    return run_check(check, net, **more)


def server(kind: str = "none", **more: Any) -> Server:
    return Server(PAIRS[kind][1](), **more)


def vpn(kind: str = "none", *, over_tcp: bool = False, **more: Any) -> Serve:
    return serving(server(kind), certified("vpn.example"), tcp=over_tcp, **more)
