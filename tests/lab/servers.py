"""The world: real servers (nginx, unbound) at many addresses, described by sites.

A ``Site`` is a web server with names, addresses and manners; the resolvers know every site's names
and nothing else, so that any other name is NXDOMAIN everywhere.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from lab.middle import PORTAL
from lab.network import Lab
from lab.places import CONTROL, FRONT, RESOLVER, RESOLVER6, ROUTER, TRUSTED, TRUSTED_NAME, WILDCARD
from lab.running import TESTS, python

from probe.demo.authority import Authority

BIG: Final = 128 * 1024  # octets at /big
CONTROL_NAME: Final = "control.lab.example"
_BEHIND: Final = "127.0.0.1"  # where the front server's own sites listen
PATHS: Final = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/sbin:/bin"

Certificate = Literal["valid", "expired", "wrong_name", "self_signed", "untrusted"]


@dataclass(frozen=True)
class Site:
    """A web server: http and https at every address, for these names.

    ``here_status`` is what clients behind the router get (a geo-fence); ``resets`` makes it a name
    of the front server (address ``FRONT``) whose backend is dead; ``control_addresses`` is what
    the resolvers tell the control, where that differs (a CDN). Without addresses the names do not
    exist. ``serves`` False: the names resolve, but nothing listens.
    """

    names: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    certificate: Certificate = "valid"
    status: int = 200
    here_status: int | None = None
    body: str = "<html><title>Welcome</title><p>All is well.</p></html>"
    control_addresses: tuple[str, ...] = ()
    resets: bool = False
    serves: bool = True
    http: bool = True
    https: bool = True
    further_ports: tuple[int, ...] = ()  # on which it takes connections, too


@dataclass(frozen=True)
class World:
    """All sites, and further records as ``name type data`` (a resolver's local data)."""

    sites: tuple[Site, ...]
    records: tuple[str, ...] = field(default=())


class Servers:
    """The world's servers, running until the laboratory ends.

    ``ca_file`` is the authority that the control trusts; ``trust`` adds the state's own, which a
    man in the middle may use: the vantage trusts both.
    """

    def __init__(self, lab: Lab, world: World) -> None:
        self._lab = lab
        self._world = world
        now = datetime.now(UTC)
        self._folder = lab.folder / "world"
        self._folder.mkdir()
        (lab.folder / "stranger").mkdir()
        self.authority = Authority(self._folder, now)
        self._stranger = Authority(lab.folder / "stranger", now)
        self.ca_file = self.authority.ca_file
        self.trust = lab.folder / "trust.pem"
        state = (lab.folder / "middle" / "ca.pem").read_text()
        self.trust.write_text(self.ca_file.read_text() + state)
        self._unbound()
        self._nginx()
        self._front()

    # --- the web ---------------------------------------------------------------------------------

    def _nginx(self) -> None:
        files = self._folder / "files"
        files.mkdir()
        (files / "big").write_bytes(b"x" * BIG)
        # Without an address nginx would listen on every one.
        placed = [site for site in self._world.sites if site.addresses]
        sites = [site for site in placed if site.serves and not site.resets]
        listening = {ip for site in sites for ip in site.addresses + site.control_addresses}
        blocks = "".join(self._block(site, number) for number, site in enumerate(sites))
        (self._folder / "nginx.conf").write_text(
            f"""
daemon off; master_process off; pid {self._folder}/nginx.pid;
error_log {self._folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; default_type text/html; server_names_hash_bucket_size 128;
    ssl_buffer_size 4k;
    client_body_temp_path {self._folder}/t1; proxy_temp_path {self._folder}/t2;
    fastcgi_temp_path {self._folder}/t3; uwsgi_temp_path {self._folder}/t4;
    scgi_temp_path {self._folder}/t5;
    geo $here {{ default 0; 45.10.0.0/16 1; 2a0d:10::/32 1; }}
    {blocks}
}}
"""
        )
        log, configuration = str(self._folder / "nginx.log"), str(self._folder / "nginx.conf")
        command = [program("nginx"), "-e", log, "-p", str(self._folder), "-c", configuration]
        started = self._lab.program("internet", *command)
        one = [(host, 80) for host in sorted(listening - {FRONT})][:1]
        self._lab.wait_for("internet", started, one)

    def _block(self, site: Site, number: int) -> str:
        listens = []
        for ip in dict.fromkeys(site.addresses + site.control_addresses):
            host = f"[{ip}]" if ":" in ip else ip
            listens += [f"listen {host}:80;"] if site.http else []
            tls = f"{_BEHIND}:443" if ip == FRONT else f"{host}:443"
            listens += [f"listen {tls} ssl;"] if site.https else []
            listens += [f"listen {host}:{port};" for port in site.further_ports]
        fence = (
            f"if ($here) {{ return {site.here_status} 'Not here.'; }}" if site.here_status else ""
        )
        manners = f"return {site.status} '{site.body}';"
        if site.status == 200:
            big = f"location = /big {{ root {self._folder}/files; }}"
            manners = f"{big} location / {{ {manners} }}"
        blocks = []
        for name in site.names:
            pem = self._certificate(site, name, number)
            keys = f"ssl_certificate {pem}; ssl_certificate_key {pem};"
            start = f"server {{ {' '.join(listens)} server_name {name}; {keys}"
            blocks.append(f"{start} {fence} {manners} }}\n")
        return "".join(blocks)

    def _certificate(self, site: Site, name: str, number: int) -> Path:
        """The file with the certificate and its key."""
        if site.certificate == "untrusted":
            self._stranger.context(name, "valid")
            return self._lab.folder / "stranger" / f"{name}-valid.pem"
        self.authority.context(name, site.certificate)
        made = self._folder / f"{name}-{site.certificate}.pem"
        # Another site of the same name makes its own.
        return made.rename(self._folder / f"{number}-{made.name}")

    def _front(self) -> None:
        dead = [name for site in self._world.sites if site.resets for name in site.names]
        command = python("lab.front", FRONT, _BEHIND, ",".join(dead))
        self._lab.program("internet", *command).hear()

    # --- names -----------------------------------------------------------------------------------

    def _zone(self, indent: str, records: Iterable[tuple[str, Sequence[str]]]) -> str:
        lines = []
        for name, addresses in records:
            lines.append(f'{indent}local-zone: "{name}." static')
            for ip in addresses:
                kind = "AAAA" if ":" in ip else "A"
                lines.append(f'{indent}local-data: "{name}. 60 IN {kind} {ip}"')
        return "\n".join(lines)

    def _unbound(self) -> None:
        own = [(CONTROL_NAME, [CONTROL]), (TRUSTED_NAME, [TRUSTED]), (PORTAL, [ROUTER])]
        sites = self._world.sites
        known = [(name, s.addresses) for s in sites if s.addresses for name in s.names]
        elsewhere = [
            (name, s.control_addresses) for s in sites if s.control_addresses for name in s.names
        ]
        everything = self._zone("  ", [*own, *known])
        more = "\n".join(f"  local-data: '{record}'" for record in self._world.records)
        own_addresses = (RESOLVER, RESOLVER6, TRUSTED, f"{TRUSTED}@853", WILDCARD)
        interfaces = "\n".join(f"  interface: {ip}" for ip in own_addresses)
        # By interface: a view of an interface counts only for clients that no access-control names.
        allowed = "\n".join(f"  interface-action: {ip} allow" for ip in own_addresses)
        self.authority.context(TRUSTED_NAME, "valid")
        pem = self._folder / f"{TRUSTED_NAME}-valid.pem"
        (self._folder / "unbound.conf").write_text(
            f"""
server:
  directory: "{self._folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "{self._folder}/unbound.log"
  do-daemonize: no
  module-config: "iterator"
  num-threads: 1
  incoming-num-tcp: 1024
{interfaces}
  interface-view: {WILDCARD} wildcard
  tls-port: 853
  tls-service-key: "{pem}"
  tls-service-pem: "{pem}"
{allowed}
  access-control: 51.15.0.0/16 allow
  access-control-view: 51.15.0.0/16 elsewhere
  local-zone: "." static
{everything}
{more}
view:
  name: "elsewhere"
  view-first: yes
{self._zone("  ", elsewhere)}
view:
  name: "wildcard"
  local-zone: "." redirect
  local-data: ". 60 IN A {WILDCARD}"
{everything}
remote-control:
  control-enable: no
"""
        )
        # Debian confines /usr/sbin/unbound by AppArmor to its own folders; a copy is not confined.
        copy = self._folder / "unbound"
        shutil.copy(program("unbound"), copy)
        command = [str(copy), "-d", "-c", str(self._folder / "unbound.conf")]
        started = self._lab.program("internet", *command)
        self._lab.wait_for("internet", started, [(RESOLVER, 53), (TRUSTED, 853), (WILDCARD, 53)])


def program(name: str) -> str:
    """Where a server program is; RuntimeError if it is nowhere."""
    found = shutil.which(name, path=PATHS)
    if found is None:
        raise RuntimeError(
            f"the laboratory needs {name}: run 'make servers' as root in {TESTS.parent}"
        )
    return found
