"""probe.judge.mechanism: words that describe where something failed and accuse nobody."""

from typing import Any

import pytest
from support.records import https, measured, resolve, step

from probe.core.model import Step
from probe.judge.deciding import deciding
from probe.judge.mechanism import neutral

DOH = "https://dns.example/dns-query"
CERT = "ssl_invalid_certificate"
ACCUSING = (
    "dns.injection",
    "tls.mitm",
    "sni",
    "blockpage",
    "throttle",
    "freeze",
    "vpn",
    "redirect",
)

TABLE = [
    ("dns", [resolve("dns_nxdomain_error")], "dns.nxdomain"),
    ("dns", [resolve("dns_refused_error")], "dns.refused"),
    ("dns", [resolve("dns_servfail_error")], "dns.servfail"),
    ("dns", [resolve("dns_no_answer")], "dns.empty"),
    ("dns", [resolve("generic_timeout_error")], "dns.timeout"),
    ("dns", [resolve("dns_reply_with_wrong_query_id")], "dns.timeout"),
    ("dns", [resolve("dns_temporary_failure")], "dns"),
    ("dns", [resolve("dns_server_misbehaving")], "dns"),
    ("https", [resolve("dns_nxdomain_error")], "dns.nxdomain"),
    ("dns", [step("bootstrap", failure="dns_nxdomain_error", resolver=DOH)], "dns"),
    ("dns", [step("connect", failure="connection_reset", resolver=DOH)], "dns"),
    ("dns", [step("tls_handshake", failure="connection_reset", resolver=DOH)], "dns"),
    ("https", https("connect", "generic_timeout_error"), "tcp.timeout"),
    ("https", https("connect", "timed_out"), "tcp.timeout"),
    ("https", https("connect", "connection_refused"), "tcp.refused"),
    ("https", https("connect", "connection_reset"), "tcp.reset"),
    ("https", https("connect", "host_unreachable"), "ip.unreachable"),
    ("https", https("connect", "network_unreachable"), "ip.unreachable"),
    ("https", https("connect", "network_down"), "ip.unreachable"),
    ("https", https("connect", "unknown_failure: EFOO"), "tcp"),
    ("https", https("tls_handshake", "connection_reset"), "tls.reset"),
    ("https", https("tls_handshake", "generic_timeout_error"), "tls.timeout"),
    ("https", https("tls_handshake", "eof_error"), "tls.close"),
    ("https", https("tls_handshake", "ssl_unknown_authority"), "tls.cert.untrusted"),
    ("https", https("tls_handshake", "ssl_invalid_hostname"), "tls.cert.name"),
    ("https", https("tls_handshake", CERT, verify_code=10), "tls.cert.expired"),
    ("https", https("tls_handshake", CERT, verify_code=9), "tls.cert.expired"),
    ("https", https("tls_handshake", CERT, verify_code=24), "tls.cert"),
    ("https", https("tls_handshake", "ssl_failed_handshake"), "tls"),
    ("https", https("tls_handshake", "ssl_failed_handshake", alert="handshake"), "tls.alert"),
    ("https", https("tls_handshake", "ssl_invalid_hostname", alert="unrecognized"), "tls.alert"),
    ("quic", [step("quic_handshake", 2, "generic_timeout_error")], "quic.timeout"),
    ("quic", [step("quic_version", 2, "generic_timeout_error")], "quic.timeout"),
    ("quic", [step("quic_handshake", 2, "connection_refused")], "udp.refused"),
    ("quic", [step("quic_handshake", 2, "quic_incompatible_version")], "quic"),
    ("quic", [step("quic_handshake", 2, "ssl_unknown_authority")], "tls.cert.untrusted"),
    ("quic", [step("quic_handshake", 2, CERT, verify_code=10)], "tls.cert.expired"),
    ("quic", [step("quic_handshake", 2, "ssl_failed_handshake", alert="40")], "tls.alert"),
    ("quic", [step("quic_handshake", 2), step("http_response", 2, "eof_error")], "http.error"),
    ("https", https("http_request", "connection_reset"), "http.reset"),
    ("https", https("http_response", "connection_reset"), "http.reset"),
    ("https", https("http_response", "generic_timeout_error"), "http.timeout"),
    ("https", https("http_response", "eof_error"), "http.error"),
    ("https", https("transfer", "generic_timeout_error"), "http.timeout"),
    ("https", [*https(), step("expect", 2, "http_unexpected_status_code")], "http.error"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "steps", "word"), TABLE)
def test_each_failure_has_its_word(check: str, steps: list[Step], word: str) -> None:
    decided = deciding(measured(check, steps))
    assert decided is not None
    assert neutral(decided) == word
    assert not any(accusing in word for accusing in ACCUSING)


@pytest.mark.parametrize("steps", [https(), https()[:3]])
def test_what_did_not_fail_has_none(steps: list[Any]) -> None:
    decided = deciding(measured(steps=steps))
    assert decided is not None
    assert neutral(decided) is None
