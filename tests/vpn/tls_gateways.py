"""Real VPN gateways behind TLS, as programs on loopback, with certificates of the tests' own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from loopback.servers import Certificates
from support.programs import HERE, Running, free_ports, listens, need_root, program, running

NAME = "vpn.example"  # what their certificates are for
OCSERV = """auth = "plain[passwd={folder}/passwd]"
listen-host = {here}
tcp-port = {port}
run-as-user = root
run-as-group = root
socket-file = {folder}/socket
server-cert = {chain}
server-key = {chain}
isolate-workers = false
device = vpns
ipv4-network = 192.0.2.0/24
"""
SSTP = Path(__file__).parents[2] / ".venv-sstp"
# Version 0.6.0 asks for a name that Python has dropped since.
SSTPD = (
    "import configparser as c; c.SafeConfigParser = c.ConfigParser; "
    "from sstpd.__main__ import main; main()"
)


@contextmanager
def ocserv(folder: Path, certificates: Certificates) -> Iterator[tuple[int, Running]]:
    """OpenConnect's server. It touches no device before somebody has logged in."""
    need_root()
    (port,) = free_ports(1)
    (folder / "passwd").touch()
    settings = folder / "ocserv.conf"
    chain = certificates.chain_file(NAME)
    settings.write_text(OCSERV.format(folder=folder, here=HERE, port=port, chain=chain))
    command = [program("ocserv"), "--foreground", "--config", str(settings)]
    with running(command, folder / "ocserv.log", listens(port)) as server:
        yield port, server


@contextmanager
def sstpd(folder: Path, certificates: Certificates) -> Iterator[tuple[int, Running]]:
    """An SSTP server. What it hands over to pppd comes after all that is looked at here."""
    if not SSTP.exists():
        pytest.skip("needs sstp-server: run 'make sstp' as root")
    (port,) = free_ports(1)
    (folder / "options").touch()
    command = [sys.executable, "-c", SSTPD, "--listen", HERE, "--listen-port", str(port)]
    command += ["--pem-cert", certificates.chain_file(NAME), "--pppd", program("pppd", "ppp")]
    command += ["--pppd-config", str(folder / "options")]
    command += ["--local", "192.0.2.1", "--remote", "192.0.2.0/24"]
    environment = {"PYTHONPATH": str(SSTP)}
    ready = listens(port)
    with running(command, folder / "sstpd.log", ready, environment=environment) as server:
        yield port, server
