"""Real servers from Debian, each in a folder and on ports of its own, over loopback only."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from loopback.servers import HERE, Certificates
from support.programs import free_ports, listens, program, running

NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    ssl_protocols TLSv1.2 TLSv1.3;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {here}:{tls} ssl default_server;
        server_name fallback.example;
        ssl_certificate {fallback};
        ssl_certificate_key {fallback};
        return 200 "fallback\\n";
    }}
    server {{
        listen {here}:{tls} ssl;
        server_name alpha.example;
        ssl_certificate {alpha};
        ssl_certificate_key {alpha};
        root {folder}/files;
        location = / {{ return 200 "alpha\\n"; }}
        location = /denied {{ return 451 "not in your country\\n"; }}
    }}
    server {{
        listen {here}:{tls} ssl;
        server_name beta.example;
        ssl_certificate {beta};
        ssl_certificate_key {beta};
        return 200 "beta\\n";
    }}
    server {{
        listen {here}:{tls} ssl;
        server_name dns.example;
        ssl_certificate {dns};
        ssl_certificate_key {dns};
        # unbound speaks DoH over HTTP/2 only; grpc_pass is how nginx speaks HTTP/2 to another.
        location /dns-query {{ grpc_pass grpc://{here}:{doh}; }}
    }}
    server {{
        listen {here}:{http};
        location = / {{ return 200 "plain\\n"; }}
        location = /moved {{ return 301 https://alpha.example:{tls}/; }}
        location = /refused {{ return 444; }}
    }}
}}
"""

UNBOUND: Final = """
server:
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: "{folder}/unbound.log"
    do-daemonize: no
    module-config: "iterator"
    num-threads: 1
    interface: {here}@{dns}
    interface: {here}@{dot}
    interface: {here}@{doh}
    tls-port: {dot}
    https-port: {doh}
    http-notls-downstream: yes
    tls-service-key: "{certificate}"
    tls-service-pem: "{certificate}"
    access-control: 127.0.0.0/8 allow
    # It may ask nobody: whatever it does not know itself is SERVFAIL at once.
    do-not-query-address: 0.0.0.0/0
    do-not-query-address: ::/0
    outgoing-interface: {here}
    local-zone: "example." static
    local-data: "alpha.example. 60 IN A {here}"
    local-data: "alpha.example. 60 IN AAAA ::1"
    local-data: "beta.example. 60 IN A {here}"
    local-data: "text.example. 60 IN TXT words"
    local-zone: "forbidden.example." refuse
    local-zone: "broken.example." transparent
{many}
forward-zone:
    name: "."
    forward-addr: {here}
remote-control:
    control-enable: no
"""
MANY: Final = 120  # addresses of many.example: more than fits into one datagram


class Internet:
    """nginx and unbound, and what a target URL needs to know of them."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.tls, self.http, self.dns, self.dot, self.doh, self.closed = free_ports(6)
        self._folder = folder
        self._certificates = certificates
        pinned = f"%23addresses={HERE}"
        self.resolvers = {
            "udp": f"udp://{HERE}:{self.dns}",
            "tcp": f"tcp://{HERE}:{self.dns}",
            "dot": f"tls://dns.example:{self.dot}{pinned}",
            "doh": f"https://dns.example:{self.tls}/dns-query{pinned}",
        }

    @contextmanager
    def running(self) -> Iterator["Internet"]:
        nginx, unbound = program("nginx"), str(self._folder / "unbound")
        # Debian confines /usr/sbin/unbound by AppArmor to its own folders; a copy is not confined.
        shutil.copy(program("unbound"), unbound)
        configurations = self._nginx(), self._unbound()
        log = self._folder / "nginx.log"
        with (
            running(
                [unbound, "-d", "-c", str(configurations[1])],
                self._folder / "unbound.log",
                listens(self.dns, self.dot, self.doh),
            ),
            running(
                [nginx, "-e", str(log), "-p", str(self._folder), "-c", str(configurations[0])],
                log,
                listens(self.tls, self.http),
            ),
        ):
            yield self

    def _nginx(self) -> Path:
        files = self._folder / "files"
        files.mkdir()
        (files / "large").write_bytes(b"x" * 200 * 1024)
        names = ("fallback", "alpha", "beta", "dns")
        certificates = {name: self._certificates.chain_file(f"{name}.example") for name in names}
        ports = {"tls": self.tls, "http": self.http, "doh": self.doh}
        text = NGINX.format(folder=self._folder, here=HERE, **ports, **certificates)
        path = self._folder / "nginx.conf"
        path.write_text(text)
        return path

    def _unbound(self) -> Path:
        many = "\n".join(
            f'    local-data: "many.example. 60 IN A 192.0.2.{number}"' for number in range(MANY)
        )
        text = UNBOUND.format(
            folder=self._folder,
            here=HERE,
            dns=self.dns,
            dot=self.dot,
            doh=self.doh,
            many=many,
            certificate=self._certificates.chain_file("dns.example"),
        )
        path = self._folder / "unbound.conf"
        path.write_text(text)
        return path
