"""Real servers from Debian, each in a folder and on ports of its own, over loopback only."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from loopback.servers import HERE, Certificates

STARTING: Final = 10.0  # seconds until a program has to listen
STOPPING: Final = 5.0  # seconds until it has to be gone

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


class Ports:
    """Ports that were free a moment ago, for UDP and TCP alike."""

    def __init__(self, count: int) -> None:
        with ExitStack() as held:
            self._free = [self._one(held) for _ in range(count)]

    def __iter__(self) -> Iterator[int]:
        return iter(self._free)

    @staticmethod
    def _one(held: ExitStack) -> int:
        while True:
            datagram = held.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            stream = held.enter_context(socket.socket())
            datagram.bind((HERE, 0))
            port: int = datagram.getsockname()[1]
            try:
                stream.bind((HERE, port))
            except OSError:  # taken for TCP: any other will do
                continue
            return port


def program(name: str) -> str:
    """Where a server program is; skips the test if it is nowhere."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        pytest.skip(f"needs {name}: run 'make servers' as root")
    return found


@contextmanager
def running(command: Sequence[str], ports: Sequence[int], log: Path) -> Iterator[None]:
    """Run a server until the context is left; inside, it listens on all of these TCP ports."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _wait(process, ports, log)
            yield
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOPPING)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], ports: Sequence[int], log: Path) -> None:
    deadline = time.monotonic() + STARTING
    for port in ports:
        while True:
            try:
                socket.create_connection((HERE, port), timeout=1.0).close()
                break
            except OSError as exc:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.terminate()
                    said = process.communicate()[1].decode(errors="replace")
                    logged = log.read_text(errors="replace") if log.exists() else ""
                    raise RuntimeError(f"{process.args!r}: {exc}\n{said}{logged}") from None
                time.sleep(0.02)


class Internet:
    """nginx and unbound, and what a target URL needs to know of them."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.tls, self.http, self.dns, self.dot, self.doh, self.closed = Ports(6)
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
                [self.dns, self.dot, self.doh],
                self._folder / "unbound.log",
            ),
            running(
                [nginx, "-e", str(log), "-p", str(self._folder), "-c", str(configurations[0])],
                [self.tls, self.http],
                log,
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
