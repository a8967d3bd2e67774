"""OONI records as each test writes them, put together after the specification and made up."""

import json
from typing import Any

from probe.record.ooni import Found, Malformed, read_ooni

Json = dict[str, Any]
RESET, TIMEOUT = "connection_reset", "generic_timeout_error"
SITE, OTHER, FORGED = "198.41.30.1", "198.41.30.2", "10.10.34.36"


def envelope(test: str, keys: Json | None, **more: Any) -> Json:
    """A whole record of this test."""
    return {
        "annotations": {"engine_version": "3.24.0", "platform": "android"},
        "data_format_version": "0.2.0",
        "input": None,
        "measurement_start_time": "2024-05-24 01:20:29",
        "probe_asn": "AS44244",
        "probe_cc": "IR",
        "probe_ip": "127.0.0.1",
        "probe_network_name": "A network",
        "report_id": f"20240524T012000Z_{test}_IR_44244_n1_abc",
        "resolver_asn": "AS44244",
        "resolver_ip": "198.51.100.53",
        "software_name": "ooniprobe-android",
        "software_version": "3.8.8",
        "test_helpers": {"backend": {"address": "https://0.th.ooni.org", "type": "https"}},
        "test_keys": keys,
        "test_name": test,
        "test_runtime": 2.5,
        "test_start_time": "2024-05-24 01:20:00",
        "test_version": "0.5.28",
        **more,
    }


def query(name: str, *ips: str, failure: str | None = None, t: float = 0.1, **more: Any) -> Json:
    """A lookup by the system, in the old spelling unless ``more`` says otherwise."""
    answers = [
        {"answer_type": "AAAA", "ipv6": ip, "ttl": None}
        if ":" in ip
        else {"answer_type": "A", "ipv4": ip, "asn": 13335, "as_org_name": "Example", "ttl": None}
        for ip in ips
    ]
    return {
        "engine": "system", "failure": failure, "hostname": name, "query_type": "A",
        "resolver_hostname": None, "resolver_port": None, "resolver_address": "",
        "answers": answers or None, "t": t, **more,
    }  # fmt: skip


def connect(ip: str, port: int, failure: str | None = None, t: float = 0.2, **more: Any) -> Json:
    """A connection."""
    status = {"blocked": False, "failure": failure, "success": failure is None}
    return {"ip": ip, "port": port, "status": status, "t": t, **more}


def handshake(at: str, name: str, failure: str | None = None, t: float = 0.3, **more: Any) -> Json:
    """A TLS handshake."""
    done = failure is None
    return {
        "network": "tcp", "address": at, "server_name": name, "failure": failure, "t": t,
        "cipher_suite": "TLS_AES_128_GCM_SHA256" if done else "", "no_tls_verify": False,
        "negotiated_protocol": "h2" if done else "", "tls_version": "TLSv1.3" if done else "",
        "peer_certificates": [{"format": "base64", "data": "MAA="}] if done else None, **more,
    }  # fmt: skip


def request(
    url: str,
    code: int = 200,
    failure: str | None = None,
    body: Any = "<title>A page</title>",
    t: float = 0.4,
    **more: Any,
) -> Json:
    """An HTTP exchange."""
    asked = {"url": url, "method": "GET", "headers": {}, "headers_list": [], "body": ""}
    told = [["Content-Type", "text/html"], ["X-Client", "you are 203.0.113.9"]]
    failed = failure is not None
    return {
        "failure": failure,
        "request": {**asked, "tor": {"exit_ip": None, "exit_name": None, "is_tor": False}},
        "response": {
            "code": 0 if failed else code,
            "headers": None if failed else dict(told),
            "headers_list": None if failed else told,
            "body": "" if failed else body,
            "body_is_truncated": False,
        },
        "t": t,
        **more,
    }


def control(at: str, *, ok: bool = True, ips: tuple[str, ...] = (SITE,)) -> Json:
    """What the test helper answers of an endpoint."""
    failure = None if ok else TIMEOUT
    return {
        "tcp_connect": {at: {"status": ok, "failure": failure}},
        "tls_handshake": {at: {"server_name": "site.org", "status": ok, "failure": failure}},
        "http_request": {
            "body_length": 1256 if ok else -1,
            "failure": failure,
            "title": "A page" if ok else "",
            "headers": {"Content-Type": "text/html"} if ok else {},
            "status_code": 200 if ok else -1,
        },
        "dns": {"failure": None, "addrs": list(ips)},
        "ip_info": {},
    }


def web_fine() -> Json:
    """Web Connectivity 0.4, and all is well."""
    keys = {
        "queries": [query("site.org", SITE)],
        "tcp_connect": [connect(SITE, 443)],
        "tls_handshakes": [handshake(f"{SITE}:443", "site.org")],
        "requests": [request("https://site.org/")],
        "network_events": None,
        "control": control(f"{SITE}:443"),
        "control_failure": None,
    }
    return envelope("web_connectivity", keys, input="https://site.org/", test_version="0.4.3")


def web_forged() -> Json:
    """Web Connectivity 0.4: a forged answer, and silence behind it."""
    keys = {
        "queries": [query("site.org", FORGED)],
        "tcp_connect": [connect(FORGED, 443, TIMEOUT, t=15.2)],
        "tls_handshakes": None,
        "requests": [request("https://site.org/", failure=TIMEOUT, t=15.3)],
        "control": {
            **control(f"{FORGED}:443"),
            "tcp_connect": {f"{FORGED}:443": {"status": False, "failure": TIMEOUT}},
            "tls_handshake": None,
        },
    }
    return envelope("web_connectivity", keys, input="https://site.org/", test_version="0.4.3")


def web_reset() -> Json:
    """Web Connectivity 0.5: the name is reset at both addresses, and fine at the helper."""
    keys = {
        "queries": [
            query("site.org", SITE, t0=0.0, t=0.1, transaction_id=1, engine="getaddrinfo"),
            query(
                "site.org", SITE, OTHER, t0=0.0, t=0.2, transaction_id=2, engine="udp",
                resolver_address="8.8.8.8:53",
            ),
            query(
                "whoami.v4.powerdns.org", "203.0.113.9", t0=0.0, t=0.2, transaction_id=3,
                engine="udp", resolver_address="8.8.8.8:53",
            ),
            query(
                "site.org", t0=0.0, t=0.3, transaction_id=4, engine="doh", failure=TIMEOUT,
                resolver_address="https://dns.google/dns-query",
            ),
        ],
        "tcp_connect": [
            connect(SITE, 443, t0=0.3, t=0.4, transaction_id=50001),
            connect(OTHER, 443, t0=0.3, t=0.4, transaction_id=50002),
            connect(SITE, 80, t0=0.3, t=0.4, transaction_id=60001),
        ],
        "tls_handshakes": [
            handshake(f"{OTHER}:443", "site.org", RESET, t0=0.4, t=0.5, transaction_id=50002),
            handshake(f"{SITE}:443", "site.org", RESET, t0=0.4, t=0.6, transaction_id=50001),
        ],
        "requests": [],
        "control": control(f"{SITE}:443", ips=(SITE, OTHER)),
    }  # fmt: skip
    return envelope("web_connectivity", keys, input="https://site.org/")


def whatsapp() -> Json:
    """Two chat servers that share their addresses; one port fails, and the registration."""
    pool = ("3.33.221.48", "15.197.206.217")
    first, second = pool
    keys = {
        "queries": [
            query("e1.whatsapp.net", *pool, t=0.1),
            query("e2.whatsapp.net", *pool, t=0.2),
            query("e1.whatsapp.net", *pool, t=0.3),
            query("e2.whatsapp.net", *pool, t=0.4),
            query("v.whatsapp.net", "31.13.73.52", t=0.5),
            query("web.whatsapp.com", "31.13.73.53", t=0.6),
            query("web.whatsapp.com", "2a03:2880::1", t=0.6, query_type="AAAA"),
        ],
        "tcp_connect": [
            connect(first, 5222, TIMEOUT, t=10.1),
            connect(second, 5222, TIMEOUT, t=20.1),
            connect(second, 443, t=0.3),
            connect(first, 443, TIMEOUT, t=10.3),
            connect(second, 443, t=10.4),
            connect(first, 5222, t=0.6),
            connect("31.13.73.52", 443, t=0.6),
            connect("31.13.73.53", 443, t=0.7),
        ],
        "tls_handshakes": [
            handshake("31.13.73.52:443", "v.whatsapp.net", RESET),
            handshake("31.13.73.53:443", "web.whatsapp.com"),
        ],
        "requests": [
            request("https://v.whatsapp.net/v2/register", failure=RESET),
            request("https://web.whatsapp.com/", 400),
        ],
        "whatsapp_endpoints_status": "ok",
    }
    return envelope("whatsapp", keys, test_version="0.11.0")


def telegram() -> Json:
    """One data centre that answers on one port; the web client behind a redirect."""
    keys = {
        "queries": [query("web.telegram.org", "149.154.167.99")],
        "tcp_connect": [
            connect("149.154.175.50", 80),
            connect("149.154.175.50", 443, TIMEOUT),
            connect("149.154.167.99", 443),
        ],
        "tls_handshakes": [handshake("149.154.167.99:443", "web.telegram.org")],
        "requests": [
            request("http://149.154.175.50/", 501),
            request("http://149.154.175.50:443/", failure=TIMEOUT),
            request("https://web.telegram.org/a/"),
            request("https://web.telegram.org/", 302),
        ],
    }
    return envelope("telegram", keys, test_version="0.3.1")


def signal(**more: Any) -> Json:
    """One server reset, one fine, and a lookup that is none of the test's."""
    keys = {
        "queries": [
            query("chat.signal.org", SITE, t=0.1),
            query("cdsi.signal.org", OTHER, t=0.2),
            query("uptime.signal.org", failure="dns_nxdomain_error", t=0.3),
        ],
        "tcp_connect": [connect(SITE, 443), connect(OTHER, 443)],
        "tls_handshakes": [
            handshake(f"{SITE}:443", "chat.signal.org", RESET),
            handshake(f"{OTHER}:443", "cdsi.signal.org"),
        ],
        "requests": [
            request("https://chat.signal.org/", failure=RESET),
            request("https://cdsi.signal.org/", 404),
        ],
        "signal_backend_status": "blocked",
    }
    return envelope("signal", keys, **{"test_version": "0.2.5", **more})


def facebook_messenger() -> Json:
    """Lookups apart from connections; one name does not exist here."""
    keys = {
        "queries": [
            query("stun.fbsbx.com", "31.13.86.5", t=0.1),
            query("b-api.facebook.com", "31.13.86.8", t=0.2),
            query("b-api.facebook.com", "31.13.86.8", t=0.3),
            query("scontent.xx.fbcdn.net", failure="dns_nxdomain_error", t=0.4),
            query("star.c10r.facebook.com", "31.13.86.9", t=0.5),
        ],
        "tcp_connect": [connect("31.13.86.8", 443), connect("31.13.86.9", 443, RESET)],
        "tls_handshakes": None,
        "requests": None,
    }
    return envelope("facebook_messenger", keys, test_version="0.2.1")


def urlgetter(url: str = "tlshandshake://site.org:443") -> Json:
    """Whatever its input says; the certificate was not for the name."""
    keys = {
        "queries": [query("site.org", SITE)],
        "tcp_connect": [connect(SITE, 443)],
        "tls_handshakes": [handshake(f"{SITE}:443", "site.org", "ssl_invalid_hostname")],
        "requests": [request("https://site.org/", failure="ssl_invalid_hostname")],
        "failure": "ssl_invalid_hostname",
    }
    return envelope("urlgetter", keys, input=url, test_version="0.2.0")


ALL = (
    web_fine, web_forged, web_reset, whatsapp, telegram, signal, facebook_messenger, urlgetter,
)  # fmt: skip


def line(record: Any) -> bytes:
    """As files hold it."""
    return json.dumps(record).encode()


def read(*records: Any, **how: Any) -> list[Found | Malformed]:
    """What comes of these records."""
    return list(read_ooni((line(record) for record in records), **how))


def found(record: Json, **how: Any) -> Found:
    """What comes of a record that can be read."""
    (item,) = read(record, **how)
    assert isinstance(item, Found), item
    return item


def reason(record: Any) -> str:
    """Why a record cannot be read."""
    (item,) = read(record)
    assert isinstance(item, Malformed), item
    return item.reason
