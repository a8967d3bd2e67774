"""What the network can do to a check: each row makes it happen, and says which step must fail."""

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import dns.rcode
from loopback.networks import Impatient, fails_with, getaddrinfo_says
from loopback.scripts import (
    cut_short,
    framed,
    garbage,
    gives,
    page,
    posted,
    says,
    says_forever,
    truncated,
    with_wrong_id,
)
from loopback.servers import Loopback, Reply, Script

from probe.net import Network
from probe.net.real import RealNetwork

Start = Callable[[Loopback], int]  # starts a server, and gives its port
Case = tuple[str, str, Start] | tuple[str, str, Start, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One ``event`` of the contract, ``how`` it comes about at a target, and the step it fails.

    ``detail`` is what the failed step must say besides, ``leaf`` the name on the certificate that
    must have been kept, ``options`` the target's and ``net`` the network that is used.
    """

    event: str
    how: str
    url: str
    op: str
    start: Start
    detail: Mapping[str, Any] = field(default_factory=dict)
    leaf: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    net: Callable[[], Network] = RealNetwork


def _rows(url: str, op: str, *cases: Case) -> Iterator[Row]:
    for event, how, start, *more in cases:
        yield Row(event=event, how=how, url=url, op=op, start=start, **dict(*more))


def _plain(script: Script) -> Start:
    return lambda at: at.listen(script)


def _secure(script: Script = says(), **how: Any) -> Start:  # noqa: B008  (a script holds no state)
    return lambda at: at.listen_tls(script, **how)


def _resolving(*replies: Reply | float, over_tcp: Script | None = None) -> Start:
    return lambda at: at.resolver(*replies, over_tcp=over_tcp)


def _doh(respond: Reply) -> Start:
    return _secure(posted(respond), name="dns.example")


def _nobody(_: Loopback) -> int:
    return 1  # nothing is started: the network of the row is no real one


_PINNED: Final = "addresses=127.0.0.1"
_TCP: Final = "tcp://127.0.0.1:{port}"
_TLS: Final = "tls://site.example:{port}?" + _PINNED
_HTTP: Final = "http://127.0.0.1:{port}/"
_HTTPS: Final = "https://site.example:{port}/#" + _PINNED
_NAME: Final = "tcp://site.example:443"
_BY_UDP: Final = "dns://site.example?resolver=udp://127.0.0.1:{port}"
_BY_TCP: Final = "dns://site.example?resolver=tcp://127.0.0.1:{port}"
_BY_DOT: Final = "dns://site.example?resolver=tls://dns.example:{port}%23" + _PINNED
_BY_DOH: Final = "dns://site.example?resolver=https://dns.example:{port}%23" + _PINNED

_HELLO_BEGUN: Final = bytes.fromhex("16 03 03 00 7a 02 00 00 76 03 03")
_FATAL_ALERT: Final = bytes.fromhex("15 03 03 00 02 02")  # and the alert's number
_SSH: Final = b"SSH-2.0-OpenSSH_9.2\r\n"
_CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_SHORT_PAGE: Final = page(200, b"x" * 999)[:-9]
_SHORT: Final = {"detail": {"bytes": 990, "complete": False}}
_NXDOMAIN: Final = gives(rcode=dns.rcode.NXDOMAIN)
_ADDRESS: Final = gives("A 192.0.2.1")
_HTML: Final = "Content-Type: text/html"
_MESSAGE: Final = "Content-Type: application/dns-message"


def _alert(name: str) -> dict[str, Any]:
    return {"detail": {"alert": name}}


def _leaf(code: int, name: str = "site.example") -> dict[str, Any]:
    """OpenSSL's verification code (x509_vfy.h), and whose certificate it was."""
    return {"detail": {"verify_code": code}, "leaf": name}


ROWS: Final = (
    *_rows(
        _TCP,
        "connect",
        ("RST in answer to SYN", "a closed port", Loopback.closed),
        ("our deadline", "SYNs dropped by a full backlog", Loopback.full),
        ("the kernel's ETIMEDOUT", "SYNs dropped", Loopback.full, {"net": Impatient}),
        ("another name", "EHOSTUNREACH", _nobody, {"net": fails_with(errno.EHOSTUNREACH)}),
        ("anything else", "an odd errno", _nobody, {"net": fails_with(errno.EXDEV)}),
    ),
    *_rows(
        _TLS,
        "tls_handshake",
        ("RST later", "to the ClientHello", _plain(says(then="rst"))),
        ("RST later", "inside the ServerHello", _plain(says(_HELLO_BEGUN, then="rst"))),
        ("FIN inside a handshake", "to the ClientHello", _plain(says())),
        ("FIN inside a handshake", "inside the ServerHello", _plain(says(_HELLO_BEGUN))),
        ("silence", "no ServerHello", _plain(says(then="nothing"))),
        ("silence", "half a ServerHello", _plain(says(_HELLO_BEGUN, then="nothing"))),
        ("no TLS on the port", "plain HTTP", _plain(says(page(400, b"<html>")))),
        ("no TLS on the port", "SSH", _plain(says(_SSH, then="nothing"))),
        ("another alert", "no cipher in common", _secure(ciphers="AES128-GCM-SHA256")),
        (
            "another alert",
            "protocol_version",
            _plain(says(_FATAL_ALERT + b"\x46")),
            _alert("tlsv1_alert_protocol_version"),
        ),
        (
            "another alert",
            "handshake_failure, and RST at its heels",
            _plain(says(_FATAL_ALERT + b"\x28", then="rst")),
            _alert("sslv3_alert_handshake_failure"),
        ),
        (
            "unrecognized_name",
            "the alert",
            _plain(says(_FATAL_ALERT + b"\x70")),
            _alert("tlsv1_unrecognized_name"),
        ),
        ("expired certificate", "yesterday", _secure(shown="expired"), _leaf(10)),
        (
            "expired certificate",
            "under TLS 1.2",
            _secure(shown="expired", ciphers="ECDHE+AESGCM"),
            _leaf(10),
        ),
        ("certificate not yet valid", "in ten days", _secure(shown="not_yet_valid"), _leaf(9)),
        ("self-signed certificate", "its own issuer", _secure(shown="self_signed"), _leaf(18)),
        ("unknown issuer", "trusted by nobody", _secure(shown="unknown_authority"), _leaf(20)),
        (
            "wrong name",
            "another's certificate",
            _secure(shown="wrong_name"),
            _leaf(62, "somebody-else.example"),
        ),
    ),
    *_rows(
        "tls://127.0.0.1:{port}",
        "tls_handshake",
        ("wrong name", "a certificate without the address", _secure(), _leaf(64)),
    ),
    *_rows(
        _HTTPS,
        "tls_handshake",
        ("wrong name", "over HTTPS", _secure(name="other.example"), _leaf(62, "other.example")),
    ),
    *_rows(
        _HTTPS,
        "http_response",
        ("RST later", "after the TLS handshake", _secure(says(then="rst"))),
        ("FIN where data was due", "after the TLS handshake", _secure(says())),
    ),
    *_rows(
        _HTTP,
        "http_response",
        ("RST later", "to the request", _plain(says(then="rst"))),
        ("RST later", "after the first byte", _plain(says(b"H", then="rst"))),
        ("FIN where data was due", "to the request", _plain(says())),
        ("FIN where data was due", "inside the headers", _plain(says(page(200)[:-2]))),
        ("silence", "no response", _plain(says(then="nothing"))),
        ("silence", "half a status line", _plain(says(b"HTTP/1.1 2", then="nothing"))),
        ("broken HTTP", "garbage", _plain(says(b"\x00\xff\x01 nonsense\r\n\r\n"))),
        ("broken HTTP", "SSH", _plain(says(_SSH, then="nothing"))),
        ("broken HTTP", "TLS on the port", _plain(says(_FATAL_ALERT + b"\x0a"))),
        ("broken HTTP", "status 101 unasked for", _plain(says(page(101)))),
        ("broken HTTP", "a status that is none", _plain(says(page("042")))),
        ("broken HTTP", "two lengths", _plain(says(page(200, b"x", "Content-Length: 7")))),
        ("endless HTTP", "headers", _plain(says_forever(page(200)[:-2], b"X-More: yes\r\n"))),
        ("endless HTTP", "one header", _plain(says_forever(page(200)[:-2] + b"X-More: ", b"yes"))),
        ("endless HTTP", "responses 1xx", _plain(says_forever(b"", b"HTTP/1.1 103 Soon\r\n\r\n"))),
    ),
    *_rows(
        _HTTP,
        "transfer",
        ("RST later", "inside the body", _plain(says(_SHORT_PAGE, then="rst")), _SHORT),
        ("FIN where data was due", "inside the body", _plain(says(_SHORT_PAGE)), _SHORT),
        ("FIN where data was due", "between chunks", _plain(says(_CHUNKED + b"2\r\nhi\r\n"))),
        ("stalled body", "after a part of it", _plain(says(_SHORT_PAGE, then="nothing")), _SHORT),
        ("broken HTTP", "a chunk size that is none", _plain(says(_CHUNKED + b"zz\r\nhi\r\n"))),
        ("endless HTTP", "one chunk size", _plain(says_forever(_CHUNKED + b"1;", b"x"))),
    ),
    *_rows(
        _HTTP,
        "expect",
        (
            "an unexpected status",
            "403 instead of 200",
            _plain(says(page(403, b"no"))),
            {"options": {"expect": {"status": 200}}, "detail": {"error": "status 403"}},
        ),
        (
            "anything else",
            "a body without the expected text",
            _plain(says(page(200, b"blocked"))),
            {"options": {"expect": {"body": "welcome"}}},
        ),
        (
            "anything else",
            "another header than expected",
            _plain(says(page(200, b"", "Server: theirs"))),
            {"options": {"expect": {"header": {"server": "ours"}}}},
        ),
    ),
    *_rows(
        _NAME,
        "resolve",
        ("EAI_NONAME", "getaddrinfo", _nobody, {"net": getaddrinfo_says(socket.EAI_NONAME)}),
        ("EAI_AGAIN", "getaddrinfo", _nobody, {"net": getaddrinfo_says(socket.EAI_AGAIN)}),
    ),
    *_rows(
        _BY_UDP,
        "resolve",
        ("NXDOMAIN", "over UDP", _resolving(_NXDOMAIN)),
        ("SERVFAIL", "over UDP", _resolving(gives(rcode=dns.rcode.SERVFAIL))),
        ("REFUSED", "over UDP", _resolving(gives(rcode=dns.rcode.REFUSED))),
        ("no records", "an empty answer", _resolving(gives())),
        ("no records", "records of another type", _resolving(gives("AAAA 2001:db8::1"))),
        ("truncated answer", "cut short", _resolving(cut_short(_ADDRESS))),
        ("truncated answer", "three bytes", _resolving(lambda wire: wire[:2] + b"\x81")),
        ("truncated answer", "an empty datagram", _resolving(lambda _: b"")),
        (
            "truncated answer",
            "TC, and the rest over TCP",
            _resolving(truncated, over_tcp=framed(_ADDRESS)),
            {"detail": {"truncated": True}},
        ),
        ("garbage answer", "under the query's id", _resolving(garbage)),
        ("garbage answer", "the query itself", _resolving(lambda wire: wire)),
        ("garbage answer", "an rcode out of place", _resolving(gives(rcode=dns.rcode.NOTZONE))),
        ("wrong query id", "and never the right one", _resolving(with_wrong_id(_ADDRESS))),
        ("silence", "a resolver that never answers", _resolving()),
        ("ICMP port unreachable", "no resolver there", Loopback.closed_udp),
    ),
    *_rows(
        _BY_TCP,
        "resolve",
        ("NXDOMAIN", "over TCP", _plain(framed(_NXDOMAIN))),
        ("RST later", "to a query over TCP", _plain(says(then="rst"))),
        ("FIN where data was due", "to a query over TCP", _plain(says())),
        ("FIN where data was due", "inside a frame", _plain(says(b"\x00\x64" + bytes(10)))),
        ("truncated answer", "an empty frame", _plain(says(b"\x00\x00"))),
        ("wrong query id", "over TCP", _plain(framed(with_wrong_id(_ADDRESS)))),
    ),
    *_rows(
        _BY_DOT,
        "tls_handshake",
        ("wrong name", "a DoT resolver's", _secure(framed(_ADDRESS)), _leaf(62)),
    ),
    *_rows(
        _BY_DOT,
        "resolve",
        ("silence", "a DoT resolver", _secure(says(then="nothing"), name="dns.example")),
    ),
    *_rows(
        _BY_DOH,
        "resolve",
        ("NXDOMAIN", "over DoH", _doh(lambda wire: page(200, _NXDOMAIN(wire), _MESSAGE))),
        ("garbage answer", "DoH status 500", _doh(lambda w: page(500, _ADDRESS(w), _MESSAGE))),
        (
            "garbage answer",
            "DoH as HTML",
            _doh(lambda _: page(200, b"", "Content-Type: text/html")),
        ),
        ("garbage answer", "DoH without a type", _doh(lambda wire: page(200, _ADDRESS(wire)))),
        ("truncated answer", "DoH without a message", _doh(lambda _: page(200, b"", _MESSAGE))),
    ),
)
