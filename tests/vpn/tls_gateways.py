"""Real VPN gateways behind TLS, as programs on loopback, with certificates of the tests' own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
