"""The contract's failure names, each made to happen on real sockets.

``CONTRACT`` is written out here, not imported: a name that changes in the program must fail a test.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import dns.rcode
import pytest
from cryptography import x509

from loopback.probing import PATIENT, SHORT, Probe, failures
from loopback.servers import (
    Loopback,
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
from probe.core.address import Endpoint
from probe.core.model import Measurement
from probe.net import Network
from probe.net.fake import FakeNetwork, os_error
from probe.net.real import RealNetwork, RealStream

# What happens, and the name it has to get. A name with a colon at its end begins a free text.
CONTRACT: Final = {
    "our deadline": "generic_timeout_error",
    "silence": "generic_timeout_error",
    "stalled body": "generic_timeout_error",
    "the kernel's ETIMEDOUT": "timed_out",
    "RST in answer to SYN": "connection_refused",
    "ICMP port unreachable": "connection_refused",
    "RST later": "connection_reset",
    "FIN where data was due": "eof_error",
    "FIN inside a handshake": "eof_error",
    "NXDOMAIN": "dns_nxdomain_error",
    "EAI_NONAME": "dns_nxdomain_error",
    "SERVFAIL": "dns_servfail_error",
    "REFUSED": "dns_refused_error",
    "no records": "dns_no_answer",
    "EAI_AGAIN": "dns_temporary_failure",
    "garbage answer": "dns_server_misbehaving",
    "truncated answer": "dns_server_misbehaving",
    "wrong query id": "dns_reply_with_wrong_query_id",
    "expired certificate": "ssl_invalid_certificate",
    "certificate not yet valid": "ssl_invalid_certificate",
    "unknown issuer": "ssl_unknown_authority",
    "self-signed certificate": "ssl_unknown_authority",
    "wrong name": "ssl_invalid_hostname",
    "unrecognized_name": "ssl_invalid_hostname",
    "another alert": "ssl_failed_handshake",
    "no TLS on the port": "ssl_failed_handshake",
    "broken HTTP": "http_request_failed",
    "endless HTTP": "http_request_failed",
    "another event with a name": "host_unreachable",
    "an unexpected status": "http_unexpected_status_code",
    "anything else": "unknown_failure:",
}
DEADLINES: Final = {"generic_timeout_error", "dns_reply_with_wrong_query_id"}

TCP: Final = "tcp://127.0.0.1:{port}"
TLS: Final = "tls://site.example:{port}?addresses=127.0.0.1"
HTTP: Final = "http://127.0.0.1:{port}/"
HTTPS: Final = "https://site.example:{port}/#addresses=127.0.0.1"
UDP: Final = "dns://site.example?resolver=udp://127.0.0.1:{port}"
DNS_TCP: Final = "dns://site.example?resolver=tcp://127.0.0.1:{port}"
DOT: Final = "dns://site.example?resolver=tls://dns.example:{port}%23addresses=127.0.0.1"
DOH: Final = "dns://site.example?resolver=https://dns.example:{port}%23addresses=127.0.0.1"
SYSTEM: Final = "tcp://site.example:443"

HELLO_BEGUN: Final = bytes.fromhex("16 03 03 00 7a 02 00 00 76 03 03")
ALERT: Final = bytes.fromhex("15 03 03 00 02 02")  # and the alert's number; all of them fatal
ANSWER: Final = gives("A 192.0.2.1")
MESSAGE: Final = "Content-Type: application/dns-message"


@dataclass
class NoNames:
    """A system resolver that always says the same."""

    code: int

    async def lookup(self, host: str) -> tuple[str, ...]:
        raise socket.gaierror(self.code, "as the C library says it")


class Impatient(RealNetwork):
    """Connections on which the kernel itself soon gives up."""

    async def connect(self, endpoint: Endpoint) -> RealStream:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 100)  # milliseconds
        try:
            await asyncio.get_running_loop().sock_connect(sock, tuple(endpoint))
        except BaseException:
            sock.close()
            raise
        return RealStream(sock)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that happens, and the step that it must fail.

    ``leaf`` is the name on the certificate that must have been kept; ``detail`` what the failed
    step must say besides.
    """

    event: str
    how: str
    url: str
    start: Callable[[Loopback], int] = lambda _: 0
    op: str
    net: Callable[[], Network] = RealNetwork
    options: Mapping[str, Any] = field(default_factory=dict)
    leaf: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def _nothing_listens_to(number: int) -> Network:
    return FakeNetwork(tcp={Endpoint("127.0.0.1", 1): os_error(number)})


ROWS: Final = (
    # connect
    Row(
        event="RST in answer to SYN",
        how="closed port",
        url=TCP,
        start=Loopback.closed,
        op="connect",
    ),
    Row(
        event="our deadline",
        how="SYNs dropped by a full backlog",
        url=TCP,
        start=Loopback.full,
        op="connect",
    ),
    Row(
        event="the kernel's ETIMEDOUT",
        how="SYNs dropped until TCP_USER_TIMEOUT",
        url=TCP,
        start=Loopback.full,
        op="connect",
        net=Impatient,
    ),
    Row(
        event="another event with a name",
        how="EHOSTUNREACH",
        url="tcp://127.0.0.1:1",
        op="connect",
        net=lambda: _nothing_listens_to(errno.EHOSTUNREACH),
    ),
    Row(
        event="anything else",
        how="an errno without a name",
        url="tcp://127.0.0.1:1",
        op="connect",
        net=lambda: _nothing_listens_to(errno.EXDEV),
    ),
    # handshake
    Row(
        event="RST later",
        how="RST to the ClientHello",
        url=TLS,
        start=lambda at: at.listen(says(then="rst")),
        op="tls_handshake",
    ),
    Row(
        event="RST later",
        how="RST inside the ServerHello",
        url=TLS,
        start=lambda at: at.listen(says(HELLO_BEGUN, then="rst")),
        op="tls_handshake",
    ),
    Row(
        event="FIN inside a handshake",
        how="FIN to the ClientHello",
        url=TLS,
        start=lambda at: at.listen(says(then="fin")),
        op="tls_handshake",
    ),
    Row(
        event="FIN inside a handshake",
        how="FIN inside the ServerHello",
        url=TLS,
        start=lambda at: at.listen(says(HELLO_BEGUN, then="fin")),
        op="tls_handshake",
    ),
    Row(
        event="silence",
        how="no ServerHello",
        url=TLS,
        start=lambda at: at.listen(says(then="nothing")),
        op="tls_handshake",
    ),
    Row(
        event="silence",
        how="half a ServerHello",
        url=TLS,
        start=lambda at: at.listen(says(HELLO_BEGUN, then="nothing")),
        op="tls_handshake",
    ),
    Row(
        event="no TLS on the port",
        how="plain HTTP",
        url=TLS,
        start=lambda at: at.listen(says(page(400, b"<html>"))),
        op="tls_handshake",
    ),
    Row(
        event="no TLS on the port",
        how="an SSH banner",
        url=TLS,
        start=lambda at: at.listen(says(b"SSH-2.0-OpenSSH_9.2\r\n", then="nothing")),
        op="tls_handshake",
    ),
    Row(
        event="another alert",
        how="no cipher in common",
        url=TLS,
        start=lambda at: at.listen_tls(ciphers="AES128-GCM-SHA256"),
        op="tls_handshake",
    ),
    Row(
        event="another alert",
        how="protocol_version",
        url=TLS,
        start=lambda at: at.listen(says(ALERT + b"\x46")),
        op="tls_handshake",
        detail={"alert": "tlsv1_alert_protocol_version"},
    ),
    Row(
        event="another alert",
        how="an alert and RST at its heels",
        url=TLS,
        start=lambda at: at.listen(says(ALERT + b"\x28", then="rst")),
        op="tls_handshake",
        detail={"alert": "sslv3_alert_handshake_failure"},
    ),
    Row(
        event="unrecognized_name",
        how="the alert",
        url=TLS,
        start=lambda at: at.listen(says(ALERT + b"\x70")),
        op="tls_handshake",
        detail={"alert": "tlsv1_unrecognized_name"},
    ),
    # certificates
    Row(
        event="expired certificate",
        how="ended yesterday",
        url=TLS,
        start=lambda at: at.listen_tls(shown="expired"),
        op="tls_handshake",
        leaf="site.example",
        detail={"verify_code": 10},
    ),
    Row(
        event="certificate not yet valid",
        how="begins in ten days",
        url=TLS,
        start=lambda at: at.listen_tls(shown="not_yet_valid"),
        op="tls_handshake",
        leaf="site.example",
        detail={"verify_code": 9},
    ),
    Row(
        event="self-signed certificate",
        how="its own issuer",
        url=TLS,
        start=lambda at: at.listen_tls(shown="self_signed"),
        op="tls_handshake",
        leaf="site.example",
        detail={"verify_code": 18},
    ),
    Row(
        event="unknown issuer",
        how="an authority nobody trusts",
        url=TLS,
        start=lambda at: at.listen_tls(shown="unknown_authority"),
        op="tls_handshake",
        leaf="site.example",
        detail={"verify_code": 20},
    ),
    Row(
        event="wrong name",
        how="somebody else's certificate",
        url=TLS,
        start=lambda at: at.listen_tls(shown="wrong_name"),
        op="tls_handshake",
        leaf="somebody-else.example",
        detail={"verify_code": 62},
    ),
    Row(
        event="wrong name",
        how="a certificate without the address",
        url="tls://127.0.0.1:{port}",
        start=lambda at: at.listen_tls(),
        op="tls_handshake",
        leaf="site.example",
        detail={"verify_code": 64},
    ),
    Row(
        event="wrong name",
        how="over HTTPS",
        url=HTTPS,
        start=lambda at: at.listen_tls(says(page(200)), shown="wrong_name"),
        op="tls_handshake",
        leaf="somebody-else.example",
    ),
    # response
    Row(
        event="RST later",
        how="RST to the request",
        url=HTTP,
        start=lambda at: at.listen(says(then="rst")),
        op="http_response",
    ),
    Row(
        event="RST later",
        how="RST after the response's first byte",
        url=HTTP,
        start=lambda at: at.listen(says(b"H", then="rst")),
        op="http_response",
    ),
    Row(
        event="RST later",
        how="RST after the handshake",
        url=HTTPS,
        start=lambda at: at.listen_tls(says(then="rst")),
        op="http_response",
    ),
    Row(
        event="RST later",
        how="RST inside the body",
        url=HTTP,
        start=lambda at: at.listen(says(page(200, b"x" * 999)[:-9], then="rst")),
        op="transfer",
        detail={"bytes": 990, "complete": False},
    ),
    Row(
        event="FIN where data was due",
        how="FIN to the request",
        url=HTTP,
        start=lambda at: at.listen(says()),
        op="http_response",
    ),
    Row(
        event="FIN where data was due",
        how="FIN inside the headers",
        url=HTTP,
        start=lambda at: at.listen(says(page(200)[:-2])),
        op="http_response",
    ),
    Row(
        event="FIN where data was due",
        how="FIN over TLS",
        url=HTTPS,
        start=lambda at: at.listen_tls(says()),
        op="http_response",
    ),
    Row(
        event="FIN where data was due",
        how="body shorter than its Content-Length",
        url=HTTP,
        start=lambda at: at.listen(says(page(200, b"x" * 999)[:-9])),
        op="transfer",
        detail={"bytes": 990, "complete": False},
    ),
    Row(
        event="FIN where data was due",
        how="chunked body without its end",
        url=HTTP,
        start=lambda at: at.listen(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        ),
        op="transfer",
        detail={"bytes": 5, "complete": False},
    ),
    Row(
        event="silence",
        how="no response",
        url=HTTP,
        start=lambda at: at.listen(says(then="nothing")),
        op="http_response",
    ),
    Row(
        event="silence",
        how="half a status line",
        url=HTTP,
        start=lambda at: at.listen(says(b"HTTP/1.1 2", then="nothing")),
        op="http_response",
    ),
    Row(
        event="stalled body",
        how="half of it and no more",
        url=HTTP,
        start=lambda at: at.listen(says(page(200, b"x" * 999)[:-9], then="nothing")),
        op="transfer",
        detail={"bytes": 990, "complete": False},
    ),
    Row(
        event="broken HTTP",
        how="garbage",
        url=HTTP,
        start=lambda at: at.listen(says(b"\x00\xff\x01 nonsense\r\n\r\n")),
        op="http_response",
    ),
    Row(
        event="broken HTTP",
        how="an SSH banner",
        url=HTTP,
        start=lambda at: at.listen(says(b"SSH-2.0-OpenSSH_9.2\r\n", then="nothing")),
        op="http_response",
    ),
    Row(
        event="broken HTTP",
        how="TLS on the port",
        url=HTTP,
        start=lambda at: at.listen(says(ALERT + b"\x0a")),
        op="http_response",
    ),
    Row(
        event="broken HTTP",
        how="an upgrade that nobody asked for",
        url=HTTP,
        start=lambda at: at.listen(says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")),
        op="http_response",
    ),
    Row(
        event="broken HTTP",
        how="a status that is none",
        url=HTTP,
        start=lambda at: at.listen(says(page("042"))),
        op="http_response",
    ),
    Row(
        event="broken HTTP",
        how="two lengths",
        url=HTTP,
        start=lambda at: at.listen(says(page(200, b"x", "Content-Length: 7"))),
        op="http_response",
    ),
    Row(
        event="broken HTTP",
        how="a chunk size that is none",
        url=HTTP,
        start=lambda at: at.listen(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n")
        ),
        op="transfer",
    ),
    Row(
        event="endless HTTP",
        how="headers",
        url=HTTP,
        start=lambda at: at.listen(says_forever(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n")),
        op="http_response",
    ),
    Row(
        event="endless HTTP",
        how="one header",
        url=HTTP,
        start=lambda at: at.listen(says_forever(b"HTTP/1.1 200 OK\r\nX-More: ", b"yes")),
        op="http_response",
    ),
    Row(
        event="endless HTTP",
        how="informational responses",
        url=HTTP,
        start=lambda at: at.listen(says_forever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
        op="http_response",
    ),
    Row(
        event="endless HTTP",
        how="one chunk size",
        url=HTTP,
        start=lambda at: at.listen(
            says_forever(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x")
        ),
        op="transfer",
    ),
    Row(
        event="an unexpected status",
        how="403 where 200 is expected",
        url=HTTP,
        options={"expect": {"status": 200}},
        start=lambda at: at.listen(says(page(403, b"no"))),
        op="expect",
        detail={"raw": "status 403"},
    ),
    Row(
        event="anything else",
        how="a body without the expected text",
        url=HTTP,
        options={"expect": {"body": "welcome"}},
        start=lambda at: at.listen(says(page(200, b"blocked"))),
        op="expect",
    ),
    Row(
        event="anything else",
        how="without the expected header",
        url=HTTP,
        options={"expect": {"header": {"server": "ours"}}},
        start=lambda at: at.listen(says(page(200, b"", "Server: theirs"))),
        op="expect",
    ),
    # the system's resolver
    Row(
        event="EAI_NONAME",
        how="getaddrinfo knows no such name",
        url=SYSTEM,
        op="resolve",
        net=lambda: RealNetwork(NoNames(socket.EAI_NONAME)),
    ),
    Row(
        event="EAI_AGAIN",
        how="getaddrinfo reaches no resolver",
        url=SYSTEM,
        op="resolve",
        net=lambda: RealNetwork(NoNames(socket.EAI_AGAIN)),
    ),
    # DNS over UDP
    *(
        Row(
            event=event,
            how=how,
            url=UDP,
            start=lambda at, reply=reply: at.resolver(reply),
            op="resolve",
        )
        for event, how, reply in (
            ("NXDOMAIN", "over UDP", gives(rcode=dns.rcode.NXDOMAIN)),
            ("SERVFAIL", "over UDP", gives(rcode=dns.rcode.SERVFAIL)),
            ("REFUSED", "over UDP", gives(rcode=dns.rcode.REFUSED)),
            ("no records", "an empty answer", gives()),
            ("no records", "records of another type", gives("AAAA 2001:db8::1")),
            ("truncated answer", "cut short", cut_short(ANSWER)),
            ("truncated answer", "three bytes", lambda wire: wire[:2] + b"\x81"),
            ("truncated answer", "not one byte", lambda _: b""),
            ("garbage answer", "under the query's id", garbage),
            ("garbage answer", "the query itself", lambda wire: wire),
            ("garbage answer", "an rcode that means nothing here", gives(rcode=dns.rcode.NOTZONE)),
            ("wrong query id", "and never the right one", with_wrong_id(ANSWER)),
        )
    ),
    Row(
        event="truncated answer",
        how="TC, and the rest over TCP",
        url=UDP,
        start=lambda at: at.resolver(truncated, over_tcp=framed(ANSWER)),
        op="resolve",
        detail={"truncated": True},
    ),
    Row(
        event="silence",
        how="a resolver that never answers",
        url=UDP,
        start=lambda at: at.resolver(),
        op="resolve",
    ),
    Row(
        event="ICMP port unreachable",
        how="no resolver there",
        url=UDP,
        start=Loopback.closed_udp,
        op="resolve",
    ),
    # DNS over streams
    Row(
        event="NXDOMAIN",
        how="over TCP",
        url=DNS_TCP,
        start=lambda at: at.listen(framed(gives(rcode=dns.rcode.NXDOMAIN))),
        op="resolve",
    ),
    Row(
        event="FIN where data was due",
        how="a frame shorter than its length",
        url=DNS_TCP,
        start=lambda at: at.listen(says(b"\x00\x64" + bytes(10))),
        op="resolve",
    ),
    Row(
        event="FIN where data was due",
        how="no frame",
        url=DNS_TCP,
        start=lambda at: at.listen(says()),
        op="resolve",
    ),
    Row(
        event="truncated answer",
        how="a frame of no bytes",
        url=DNS_TCP,
        start=lambda at: at.listen(says(b"\x00\x00")),
        op="resolve",
    ),
    Row(
        event="wrong query id",
        how="over TCP",
        url=DNS_TCP,
        start=lambda at: at.listen(framed(with_wrong_id(ANSWER))),
        op="resolve",
    ),
    Row(
        event="RST later",
        how="RST to a query over TCP",
        url=DNS_TCP,
        start=lambda at: at.listen(says(then="rst")),
        op="resolve",
    ),
    Row(
        event="wrong name",
        how="a DoT resolver with another's certificate",
        url=DOT,
        start=lambda at: at.listen_tls(framed(ANSWER), name="site.example"),
        op="tls_handshake",
        leaf="site.example",
    ),
    Row(
        event="silence",
        how="a DoT resolver that never answers",
        url=DOT,
        start=lambda at: at.listen_tls(says(then="nothing"), name="dns.example"),
        op="resolve",
    ),
    *(
        Row(
            event=event,
            how=f"DoH, {how}",
            url=DOH,
            start=lambda at, respond=respond: at.listen_tls(posted(respond), name="dns.example"),
            op="resolve",
        )
        for event, how, respond in (
            ("garbage answer", "status 500", lambda wire: page(500, ANSWER(wire), MESSAGE)),
            ("garbage answer", "a web page", lambda _: page(200, b"hi", "Content-Type: text/html")),
            ("garbage answer", "no content type", lambda wire: page(200, ANSWER(wire))),
            ("truncated answer", "no message", lambda _: page(200, b"", MESSAGE)),
            (
                "NXDOMAIN",
                "says so",
                lambda wire: page(200, gives(rcode=dns.rcode.NXDOMAIN)(wire), MESSAGE),
            ),
        )
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.event}: {row.how}")
async def test_what_the_network_does_fails_the_right_step_under_its_name(
    row: Row, loopback: Loopback, probe: Probe
) -> None:
    name = CONTRACT[row.event]
    port = row.start(loopback)

    measurement = await probe(
        row.url.format(port=port),
        row.options,
        net=row.net(),
        timeouts=SHORT if name in DEADLINES else PATIENT,
    )

    assert measurement.invalid is None
    ((op, failure),) = failures(measurement)
    assert op == row.op
    assert failure == name or (name.endswith(":") and failure.startswith(f"{name} "))
    failed = next(step for step in measurement.steps if step.failure)
    assert row.detail.items() <= failed.detail.items()
    assert failed.t - failed.t0 < 2.0
    if op == "tls_handshake":
        assert _leaf_name(measurement, probe) == row.leaf


def _leaf_name(measurement: Measurement, probe: Probe) -> str | None:
    """The name on the kept leaf, which the step has to give as well; None if none was kept."""
    (detail,) = [step.detail for step in measurement.steps if step.op == "tls_handshake"]
    kept = [probe.objects.get(name) for name in detail["peer_certificates"]]
    if not kept:
        assert "leaf" not in detail
        return None
    leaf = x509.load_der_x509_certificate(kept[0])
    (common,) = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert detail["leaf"]["subject"] == common.value
    assert detail["leaf"]["names"] == [common.value]
    return str(common.value)


def test_every_event_of_the_contract_has_a_row_and_no_row_stands_twice() -> None:
    assert {row.event for row in ROWS} == set(CONTRACT)
    names = [(row.event, row.how) for row in ROWS]
    assert len(names) == len(set(names))


def test_every_kind_of_name_the_contract_lists_is_in_the_table() -> None:
    assert set(CONTRACT.values()) == {
        "generic_timeout_error",
        "timed_out",
        "connection_refused",
        "connection_reset",
        "eof_error",
        "dns_nxdomain_error",
        "dns_servfail_error",
        "dns_refused_error",
        "dns_no_answer",
        "dns_temporary_failure",
        "dns_server_misbehaving",
        "dns_reply_with_wrong_query_id",
        "ssl_invalid_certificate",
        "ssl_unknown_authority",
        "ssl_invalid_hostname",
        "ssl_failed_handshake",
        "http_request_failed",
        "http_unexpected_status_code",
        "host_unreachable",
        "unknown_failure:",
    }
