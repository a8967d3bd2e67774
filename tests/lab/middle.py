"""The man in the middle and the captive portal: servers on the router to which it diverts.

    python -m lab.middle FOLDER

It is told the censor's rules and takes those it knows. The state's authority writes its certificate
to FOLDER/middle/ca.pem. Connections for other server names are passed on byte by byte.
"""

import selectors
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from lab.names import names_match
from lab.packets import server_name
from lab.rules import Captive, Mitm, Rule, decode

from probe.demo.authority import Authority

PORTAL: Final = "portal.lab.example"
_TLS, _PORTAL, _PORTAL_TLS = 9443, 9080, 9444
_ORIGINAL: Final = 80  # SO_ORIGINAL_DST, linux/netfilter_ipv4.h
_KINDS: Final = {"self": "self_signed", "authority": "valid", "other": "wrong_name"}
_PAGE: Final = b"<html><title>Hotel network</title><h1>Please sign in</h1></html>"


def reset(sock: socket.socket) -> None:
    """Close by RST: lingering for no time (socket(7))."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def peek_name(sock: socket.socket) -> str | None:
    """The server name in a connection's first bytes, which stay to be read."""
    sock.settimeout(5)
    for _ in range(100):
        data = sock.recv(4096, socket.MSG_PEEK)
        found = server_name(data)
        if found or not data:
            return found[1] if found else None
        time.sleep(0.02)  # the rest is on its way
    return None


def pump(one: socket.socket, other: socket.socket) -> None:
    """Pass on what each says until either ends."""
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        one.settimeout(None)
        other.settimeout(None)
        while True:
            for key, _ in ready.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                data = source.recv(65536)
                while isinstance(source, ssl.SSLSocket) and source.pending():
                    data += source.recv(65536)
                if not data:
                    return
                key.data.sendall(data)


class Middle:
    """Three listeners, and the firewall that leads to them."""

    def __init__(self, folder: Path) -> None:
        own = folder / "middle"
        own.mkdir(exist_ok=True)
        self._authority = Authority(own, datetime.now(UTC), name="Authority of the State")
        self._rules: tuple[Rule, ...] = ()
        self._context = lru_cache(None)(self._authority.context)

    def run(self) -> None:
        """Until standard input closes."""
        for port, serve in (
            (_TLS, self._intercept),
            (_PORTAL, self._portal),
            (_PORTAL_TLS, self._portal_tls),
        ):
            listener = socket.create_server(("", port))
            threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()
        print("ready", flush=True)
        for line in sys.stdin:
            self._rules = decode(line)
            self._divert()
            print("ready", flush=True)

    def _divert(self) -> None:
        leads = []
        for rule in self._rules:
            if isinstance(rule.act, Mitm):
                leads.append((rule, rule.where.ports or (443,), _TLS))
            elif isinstance(rule.act, Captive):
                leads += [(rule, (80,), _PORTAL), (rule, (443,), _PORTAL_TLS)]
        lines = ["add table ip middle", "delete table ip middle"]
        if leads:
            # Only what is diverted is tracked: tracking would drop some packets of others.
            lines += [
                "add table ip middle",
                "add chain ip middle raw { type filter hook prerouting priority raw; }",
                "add chain ip middle nat { type nat hook prerouting priority dstnat; }",
            ]
            matches = [(self._match(rule, ports), port) for rule, ports, port in leads]
            lines += [f"add rule ip middle raw {match} accept" for match, _ in matches]
            lines.append("add rule ip middle raw notrack")
            lines += [f"add rule ip middle nat {m} redirect to :{port}" for m, port in matches]
        subprocess.run(["nft", "-f", "-"], input="\n".join(lines), text=True, check=True)

    @staticmethod
    def _match(rule: Rule, ports: tuple[int, ...]) -> str:
        words = ['iifname "to-vantage"']
        for sign, networks in (("", rule.where.addresses), ("!= ", rule.where.spared)):
            if networks:
                words.append(f"ip daddr {sign}{{ {', '.join(networks)} }}")
        return " ".join([*words, f"tcp dport {{ {', '.join(map(str, ports))} }}"])

    @staticmethod
    def _accept(listener: socket.socket, serve: "object") -> None:
        def one(sock: socket.socket) -> None:
            with closing(sock), suppress(OSError):
                serve(sock)  # type: ignore[operator]

        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    def _intercept(self, sock: socket.socket) -> None:
        port, address = struct.unpack("!2xH4s8x", sock.getsockopt(socket.SOL_IP, _ORIGINAL, 16))
        name = peek_name(sock)
        signer = self._signer(name) if name else None
        with socket.create_connection((socket.inet_ntoa(address), port), 10) as upstream:
            if name is None or signer is None:
                pump(sock, upstream)
                return
            with (
                self._context(name, _KINDS[signer]).wrap_socket(sock, server_side=True) as client,  # type: ignore[arg-type]
                _unverified().wrap_socket(upstream, server_hostname=name) as server,
            ):
                pump(client, server)

    def _signer(self, name: str) -> str | None:
        for rule in self._rules:
            if isinstance(rule.act, Mitm) and names_match(rule.where, name):
                return rule.act.signer
        return None

    @staticmethod
    def _portal(sock: socket.socket) -> None:
        sock.settimeout(5)
        found = server_name(sock.recv(4096))
        if found is not None and found[1] == PORTAL:
            head = b"HTTP/1.1 200 OK"
        else:
            head = f"HTTP/1.1 302 Found\r\nLocation: http://{PORTAL}/login".encode()
        length = f"Content-Length: {len(_PAGE)}".encode()
        sock.sendall(b"\r\n".join([head, length, b"Connection: close", b"", _PAGE]))

    def _portal_tls(self, sock: socket.socket) -> None:
        way = next(rule.act.https for rule in self._rules if isinstance(rule.act, Captive))
        if way == "reset":
            peek_name(sock)
            reset(sock)
        else:
            with self._context(PORTAL, "self_signed").wrap_socket(sock, server_side=True) as client:
                self._portal(client)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


if __name__ == "__main__":
    Middle(Path(sys.argv[1])).run()
