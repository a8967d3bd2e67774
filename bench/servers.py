"""The programs that the figures are taken with, run from a temporary folder on free ports."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
DOMAIN: Final = "bench.example"  # RFC 6761 reserves the ending: nobody answers to it elsewhere
PAGE: Final = b"<!doctype html><title>Bench</title><p>" + b"A small page. " * 70 + b"\n"
_PATIENCE: Final = 10.0  # seconds until a server must answer, and until it must have ended
_SBIN: Final = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps nginx; not on every PATH

# Tickets are off, so that what follows the client's request on the wire is the response.
_NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} ssl;
        ssl_certificate {folder}/leaf.pem;
        ssl_certificate_key {folder}/leaf.key;
        ssl_protocols TLSv1.3;
        ssl_conf_command NumTickets 0;
        root {folder}/page;
        default_type text/html;
    }}
}}
"""
_BLACKBOX: Final = """
modules:
  http_2xx:
    prober: http
    http:
      preferred_ip_protocol: ip4
      tls_config: {{ca_file: {ca_file}, server_name: www.{domain}}}
"""


class NotMeasuredError(Exception):
    """Something is missing for a figure; the text says what."""


@dataclass(frozen=True, slots=True)
class WebServer:
    """nginx on 127.0.0.1, with certificates for ``*.bench.example`` and for its address."""

    port: int
    ca_file: Path


def find(program: str) -> str:
    """The path of an installed program. NotMeasuredError when it is missing."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SBIN}")
    if found is None:
        raise NotMeasuredError(f"{program} is not installed (bench/setup.sh does it, as root)")
    return found


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """nginx with TLS 1.3 and one small page, until the block ends."""
    ca_file = _certificates(folder)
    (folder / "page").mkdir()
    (folder / "page" / "index.html").write_bytes(PAGE)
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, host=HOST, port=port))
    with running([find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(settings)], port):
        yield WebServer(port, ca_file)


@contextlib.contextmanager
def blackbox(folder: Path, ca_file: Path) -> Iterator[tuple[int, int]]:
    """prometheus-blackbox-exporter, until the block ends: its process id and its port."""
    settings = folder / "blackbox.yml"
    settings.write_text(_BLACKBOX.format(ca_file=ca_file, domain=DOMAIN))
    port = free_port()
    command = [find("prometheus-blackbox-exporter"), f"--config.file={settings}"]
    command += [f"--web.listen-address={HOST}:{port}", "--log.level=error"]
    with running(command, port) as process:
        yield process.pid, port


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers on ``port``, until the block ends."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            _await_port(process, command[0], port)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server((HOST, 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], program: str, port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise NotMeasuredError(f"{program} did not come up on port {port}")


def _certificates(folder: Path) -> Path:
    """An authority and a leaf that it signed, both EC P-256; gives the authority's file."""
    make = [find("openssl"), "req", "-x509", "-nodes", "-days", "2"]
    make += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    authority = ["-subj", "/CN=Bench CA", "-keyout", str(ca_key), "-out", str(ca)]
    leaf = ["-subj", f"/CN={DOMAIN}", "-CA", str(ca), "-CAkey", str(ca_key)]
    leaf += ["-addext", f"subjectAltName=DNS:*.{DOMAIN},IP:{HOST}"]
    leaf += ["-addext", "basicConstraints=critical,CA:FALSE"]
    leaf += ["-keyout", str(folder / "leaf.key"), "-out", str(folder / "leaf.pem")]
    for options in (authority, leaf):
        subprocess.run([*make, *options], check=True, capture_output=True)
    return ca
