"""Where something failed, in the taxonomy's neutral words: they describe and accuse nobody.

The words are OONI's mechanism taxonomy, extended; every prefix is itself valid. A failure that
none of the deeper nodes describes gets the prefix.
"""

from typing import Final

from probe.core import failure
from probe.core.failure import outside_validity
from probe.core.model import Step
from probe.judge.deciding import Deciding

_DNS: Final = {
    failure.NXDOMAIN: "dns.nxdomain",
    failure.DNS_REFUSED: "dns.refused",
    failure.SERVFAIL: "dns.servfail",
    failure.NO_ANSWER: "dns.empty",
    failure.TIMEOUT: "dns.timeout",
    failure.WRONG_QUERY_ID: "dns.timeout",  # no answer with the query's own id came
}
_TCP: Final = {
    failure.TIMEOUT: "tcp.timeout",
    failure.KERNEL_TIMEOUT: "tcp.timeout",
    failure.REFUSED: "tcp.refused",
    failure.RESET: "tcp.reset",
    failure.HOST_UNREACHABLE: "ip.unreachable",
    failure.NETWORK_UNREACHABLE: "ip.unreachable",
    "network_down": "ip.unreachable",
}
_TLS: Final = {
    failure.RESET: "tls.reset",
    failure.TIMEOUT: "tls.timeout",
    failure.KERNEL_TIMEOUT: "tls.timeout",
    failure.EOF: "tls.close",
    failure.AUTHORITY: "tls.cert.untrusted",
    failure.HOSTNAME: "tls.cert.name",
    failure.CERTIFICATE: "tls.cert",
}
_HTTP: Final = {
    failure.RESET: "http.reset",
    failure.TIMEOUT: "http.timeout",
    failure.KERNEL_TIMEOUT: "http.timeout",
}


QUIC: Final = frozenset({"quic_version", "quic_handshake"})
_QUIC: Final = {failure.TIMEOUT: "quic.timeout", failure.REFUSED: "udp.refused"}
_OF_TLS: Final = {failure.AUTHORITY, failure.HOSTNAME, failure.CERTIFICATE}
_UDP: Final = {failure.TIMEOUT: "udp.timeout", failure.REFUSED: "udp.refused"}
_TCP_DATA: Final = {failure.RESET: "tcp.reset", failure.TIMEOUT: "tcp.timeout"}
_HTTP_OPS: Final = ("http_request", "http_response", "transfer", "expect", "redirect")
_BY_OP: Final = {
    "connect": (_TCP, "tcp"),
    **dict.fromkeys(QUIC, (_QUIC, "quic")),
    **dict.fromkeys(_HTTP_OPS, (_HTTP, "http.error")),
}


def neutral(decided: Deciding) -> str | None:
    """The neutral node of a failed transaction; None if nothing in it failed.

    An operation of another protocol is named by what carries it: UDP, or TCP where the
    transaction began with a connection.
    """
    step = decided.failed
    if step is None or step.failure is None:
        return None
    if decided.lookup and step.op != "resolve":
        return "dns"  # under a DoT or DoH query connections fail too, but those are the resolver's
    if step.op in {"resolve", "bootstrap"} or step.failure in _DNS.keys() - _TCP.keys():
        return _DNS.get(step.failure, "dns")
    of_tls = step.op in QUIC and (step.failure in _OF_TLS or "alert" in step.detail)
    if step.op == "tls_handshake" or of_tls:
        return _tls(step, step.failure)
    if step.op in _BY_OP:
        nodes, prefix = _BY_OP[step.op]
    else:
        over_tcp = any(before.op == "connect" for before in decided.steps)
        nodes, prefix = (_TCP_DATA, "tcp") if over_tcp else (_UDP, "udp")
    return nodes.get(step.failure, prefix)


def _tls(step: Step, name: str) -> str:
    if "alert" in step.detail:
        return "tls.alert"
    if name == failure.CERTIFICATE and outside_validity(step.detail.get("verify_code")):
        return "tls.cert.expired"
    return _TLS.get(name, "tls")
