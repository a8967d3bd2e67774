"""OpenVPN checks with credentials run against a scripted server."""

import ssl
from functools import cache
from typing import Any

from pydantic import SecretStr
from support.client_certificate import tunnel_authority
from support.kits import Done, run_check
from support.openvpn_login import LoginServer

from probe.checks.openvpn import OpenVpnTcpCheck, OpenVpnUdpCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork

AT = Endpoint("192.0.2.7", 1194)
TIMEOUT = "generic_timeout_error"
REFUSED = "unknown_failure: credentials refused"
NO_CIPHER = "unknown_failure: no openvpn cipher in common"
LOGIN = SecretStr("alice\nit's me\n")
LOGGED_IN = ["openvpn_reset", "tls_handshake", "openvpn_key_exchange", "openvpn_push"]


@cache
def user() -> dict[str, str]:
    certificate, key = tunnel_authority()("a user")
    return {"cert_file": certificate, "key_file": key}


@cache
def context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.maximum_version = version
    made.load_cert_chain(*tunnel_authority()("a server", server=True))
    made.load_verify_locations(tunnel_authority().ca_file)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


def server(**options: Any) -> LoginServer:
    return LoginServer(**{"context": context(), **options})


def run(there: LoginServer, *, budget: float = 60.0, timeouts: Any = None, **options: Any) -> Done:
    make = OpenVpnTcpCheck if there.tcp else OpenVpnUdpCheck
    known = {"ca_file": tunnel_authority().ca_file, **user()}
    given = {name: value for name, value in {**known, **options}.items() if value is not None}
    check = make(host=AT.ip, port=AT.port, **given)
    net = FakeNetwork(tcp={AT: there}) if there.tcp else FakeNetwork(udp={AT: there})
    return run_check(check, net, budget=budget, timeouts=timeouts)


def data(there: LoginServer, **options: Any) -> Any:
    return run(there, **options).only("data_exchange")


def up_to(count: int) -> Any:
    return lambda number: number <= count


def nothing(_: int) -> bool:
    return False
