"""VPN protocols: well, down, blocked by address, and filtered by their shape; and their servers.

The servers are real ones, in the internet's namespace: OpenVPN, strongSwan's charon, aioquic. Of
WireGuard and Shadowsocks only strangers' packets are sent, to which every server is silent.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from lab.network import Lab
from lab.rules import NullRoute, Residual, Rule, ShapeFilter, Where
from lab.running import STARTING, Program, python
from lab.scenario import Right, Scenario
from lab.servers import Servers, program
from support.programs import charon

RESIDUAL: Final = 1.5  # seconds; see ``interference.RESIDUAL``
_SOMEBODYS: Final = "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="  # a WireGuard public key
_SHADOWS: Final = 8388  # the usual port
_WG: Final = {"public_key": _SOMEBODYS}
_OK: Final = Right(("ok",))
# A server that wants a key would be as silent.
_SILENT: Final = Right(("inconclusive", "down"))


def _vpn(id_: str, url: str, right: Right, **more: Any) -> Scenario:
    return Scenario(id=f"vpn-{id_}", url=url, right=right, site={"serves": False}, **more)


def _blocked(mechanism: str) -> Right:
    return Right(("blocked",), mechanism)


_UDP, _TCP, _IKE, _WIREGUARD = (
    "openvpn+udp://{name}",
    "openvpn+tcp://{name}",
    "ikev2://{name}",
    "wireguard://{name}",
)

TUNNELS: Final = (
    _vpn("openvpn-udp", _UDP, _OK),
    _vpn("openvpn-tcp", _TCP, _OK),
    _vpn("ike", _IKE, _OK),
    _vpn("quic", "quic://{name}", _OK),
    # Without its password it is silent to everybody; something takes the connection.
    _vpn("shadowsocks", f"shadowsocks://{{name}}:{_SHADOWS}", Right(("inconclusive",))),
    _vpn("wireguard", _WIREGUARD, Right(("inconclusive",)), options=_WG, dark=True),
    _vpn("openvpn-off", _UDP, _SILENT, dark=True),
    _vpn("openvpn-tcp-off", _TCP, Right(("down", "inconclusive")), dark=True),
    _vpn("ike-off", _IKE, Right(("down",)), dark=True),
)
# Not their shape but their address is what is cut off.
BY_ADDRESS: Final = (
    _vpn("openvpn-null", _UDP, _blocked("udp.timeout"), by_address=(NullRoute(),)),
    _vpn("openvpn-tcp-null", _TCP, _blocked("tcp.timeout"), by_address=(NullRoute(),)),
    _vpn("ike-null", _IKE, _blocked("udp.timeout"), by_address=(NullRoute(),)),
)
# What is right where every shape is filtered on the path.
FILTERED: Final = {
    "vpn-openvpn-udp": _blocked("vpn.timeout"),
    "vpn-openvpn-tcp": _blocked("vpn.reset"),
    "vpn-ike": _blocked("vpn.timeout"),
    "vpn-quic": _blocked("quic.timeout"),
    "vpn-shadowsocks": _blocked("vpn.timeout"),
    # No server's answer is needed: its shape does not come through to the echo either.
    "vpn-wireguard": _blocked("vpn.timeout"),
}
# All share one echo, which rests after each trial: who comes last may find no time for it. So the
# server that is off is left out: whether it or its protocol is found out would be a matter of luck.
MET: Final = tuple(scenario for scenario in TUNNELS if scenario.id != "vpn-openvpn-off")
FILTERS: Final = tuple(
    Rule(
        where=Where(protocol=transport),
        act=ShapeFilter(protocol=protocol, by=by, residual=Residual(seconds=RESIDUAL, by="drop")),
    )
    for transport, protocol, by in (
        ("udp", "openvpn", "drop"), ("tcp", "openvpn", "reset"), ("udp", "wireguard", "drop"),
        ("udp", "ike", "drop"), ("udp", "quic", "drop"), ("tcp", "encrypted", "drop"),
    )
)  # fmt: skip


def start(lab: Lab, servers: Servers, numbered: Iterable[tuple[int, Scenario]]) -> None:
    """Start a server at the address of each scenario that has one; they end with the laboratory."""
    folder = lab.folder / "tunnels"
    folder.mkdir()
    waiting: list[tuple[Program, Path, str]] = []
    for number, scenario in numbered:
        scheme, at = scenario.url.partition("://")[0], scenario.address(number)
        if scenario.dark:
            continue
        if scheme.startswith("openvpn"):
            waiting.append(_openvpn(lab, servers, folder, scenario, number))
        elif scheme == "quic":
            pem = _certificate(servers, scenario.name())
            lab.program("internet", *python("lab.quic", at, "443", pem)).hear()
        elif scheme == "shadowsocks":
            lab.program("internet", *python("lab.listener", at, str(_SHADOWS))).hear()
    waiting.append(_charon(lab, folder))
    for started, log, ready in waiting:
        _wait(started, log, ready)


def _openvpn(
    lab: Lab, servers: Servers, folder: Path, scenario: Scenario, number: int
) -> tuple[Program, Path, str]:
    log, pem = folder / f"{scenario.id}.log", _certificate(servers, scenario.name())
    transport = "udp4" if scenario.url.startswith("openvpn+udp") else "tcp4-server"
    words = f"""--mode server --tls-server --dev tun --ifconfig-noexec --dh none
        --local {scenario.address(number)} --port 1194 --proto {transport}
        --connect-freq-initial 1000 1 --log {log}"""
    files = ["--ca", str(servers.ca_file), "--cert", pem, "--key", pem]
    started = lab.program("internet", program("openvpn"), *words.split(), *files)
    return started, log, "Initialization Sequence Completed"


def _certificate(servers: Servers, name: str) -> str:
    """A file with a good certificate for this name, and its key."""
    servers.authority.context(name, "valid")
    return str(servers.ca_file.parent / f"{name}-valid.pem")


def _charon(lab: Lab, folder: Path) -> tuple[Program, Path, str]:
    """One daemon for all addresses: it answers from the one that was asked."""
    settings, log = folder / "strongswan.conf", folder / "charon.log"
    settings.write_text(
        f"""charon {{
  load_modular = no
  load = random nonce openssl aes sha1 sha2 hmac gmp curve25519 kernel-netlink socket-default
  filelog {{
    said {{
      path = {log}
      default = 1
      flush_line = yes
    }}
  }}
}}
"""
    )
    command = ("env", f"STRONGSWAN_CONF={settings}", *charon())
    return lab.program("internet", *command), log, "00[JOB] spawning"


def _wait(started: Program, log: Path, ready: str) -> None:
    deadline = time.monotonic() + STARTING
    while not (log.exists() and ready in log.read_text(errors="replace")):
        if started.process.poll() is not None or time.monotonic() > deadline:
            raise started.failed("did not get ready")
        time.sleep(0.05)
