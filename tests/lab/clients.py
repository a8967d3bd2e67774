"""Plain clients that show what the censor does: nothing of the probe is in them.

They run in a namespace by ``Lab.run_python`` and return what JSON can say. A failure is the name of
its errno, ``timeout``, ``eof``, or the TLS library's reason. What must come is waited for as long
as a busy machine may need (``PATIENCE``); only who expects silence says how much of it is enough.
"""

import errno
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype

PATIENCE = 30.0  # seconds
Outcome = dict[str, Any]


def listens(host: str, port: int) -> bool:
    """Whether a TCP connection is accepted at once."""
    try:
        socket.create_connection((host, port), 1.0).close()
    except OSError:
        return False
    return True


def _attempt(what: Callable[[Outcome], None]) -> Outcome:
    """Run it; how far it came (``stage``), what failed (``failure``) and how long it took."""
    outcome: Outcome = {"stage": "connect", "failure": None}
    began = time.monotonic()
    try:
        what(outcome)
    except TimeoutError:
        outcome["failure"] = "timeout"
    except ssl.SSLCertVerificationError as exc:
        outcome["failure"] = exc.verify_message
    except (ssl.SSLEOFError, EOFError):
        outcome["failure"] = "eof"
    except OSError as exc:
        outcome["failure"] = errno.errorcode.get(exc.errno or 0, str(exc))
    outcome["seconds"] = time.monotonic() - began
    return outcome


@contextmanager
def _connection(host: str, port: int, within: float) -> Iterator[socket.socket]:
    """A connection that ends with a reset unless all went well.

    What a censor swallowed would be sent again for minutes after an ordinary close, and would set
    off the rules of the next test.
    """
    with socket.create_connection((host, port), within) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        yield sock


def _finished(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))


def connect(host: str, port: int, say: str = "", within: float = PATIENCE) -> Outcome:
    """Connect, and send these words if there are any; ``said`` is what comes back."""

    def run(outcome: Outcome) -> None:
        with _connection(host, port, within) as sock:
            if say:
                outcome["stage"] = "data"
                sock.sendall(say.encode())
                outcome["said"] = sock.recv(4096).decode("latin-1")
            _finished(sock)

    return _attempt(run)


def web(
    host: str,
    name: str,
    path: str = "/",
    trust: str | None = None,
    within: float = PATIENCE,
    connecting: float = PATIENCE,
) -> Outcome:
    """GET over TLS, verified against the file ``trust``, or in the clear where there is none.

    ``within`` is for what comes after the connection, which may take ``connecting``.
    """

    def run(outcome: Outcome) -> None:
        with _connection(host, 443 if trust else 80, connecting) as plain:
            plain.settimeout(within)
            sock = plain
            if trust:
                outcome["stage"] = "tls"
                context = ssl.create_default_context(cafile=trust)
                sock = context.wrap_socket(plain, server_hostname=name)
                issued = sock.getpeercert() or {}
                outcome["issuer"] = str(issued.get("issuer"))
            outcome["stage"] = "response"
            request = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
            sock.sendall(request.encode())
            outcome.update(bytes=0, status=None, head="")
            _receive(sock, outcome, time.monotonic() + within)
            _finished(sock)

    return _attempt(run)


def _receive(sock: socket.socket, outcome: Outcome, until: float) -> None:
    head = b""
    while True:
        sock.settimeout(max(0.001, until - time.monotonic()))
        data = sock.recv(65536)
        if not data:
            break
        head = (head + data)[:2000]
        outcome["bytes"] += len(data)
        outcome["head"] = head.decode("latin-1")
        outcome["status"] = int(head.split(b" ", 2)[1])
    if not head:
        raise EOFError
    outcome["stage"] = "done"


def lookup(
    host: str, name: str, type_: str = "A", most: int = 1, silence: float = 0.7
) -> list[tuple[str, list[str]]]:
    """The answers to one query, each with its rcode and its addresses.

    So many are waited for, and after them ``silence`` seconds for one too many.
    """
    query = dns.message.make_query(name, type_)
    found = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((host, 53))
        sock.send(query.to_wire())
        until = time.monotonic() + (PATIENCE if most else silence)
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                reply = dns.message.from_wire(sock.recv(4096))
            except OSError:  # nothing came, or ICMP says that nobody is there
                continue
            # In one order: a server turns its own.
            addresses = sorted(item.to_text() for rrset in reply.answer for item in rrset)
            found.append((dns.rcode.to_text(reply.rcode()), addresses))
            if len(found) == most:
                until = time.monotonic() + silence
    return found


def ask_udp(
    host: str, port: int = 443, payload: str = "696e697469616c", within: float = PATIENCE
) -> str | None:
    """Send a datagram (in hexadecimal); the errno's name if ICMP says that nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(within)
        sock.connect((host, port))
        try:
            sock.send(bytes.fromhex(payload))
            sock.recv(100)
        except TimeoutError:
            return "timeout"
        except OSError as exc:
            return errno.errorcode[exc.errno or 0]
    return None


def say(host: str, port: int, payload: str, within: float = PATIENCE) -> str | None:
    """Connect and send this (in hexadecimal) first; how the connection ends, None for a FIN."""
    with _connection(host, port, within) as sock:
        sock.settimeout(within)
        try:
            sock.sendall(bytes.fromhex(payload))
            while sock.recv(4096):
                pass
        except TimeoutError:
            return "timeout"
        except OSError as exc:
            return errno.errorcode[exc.errno or 0]
    return None
