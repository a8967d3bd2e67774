"""Names, connections and handshakes, as OONI lists them (ooni/spec df-002, df-005, df-006)."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from probe.core.address import Endpoint, parse_endpoint
from probe.core.model import JSON, Step
from probe.core.scrub import SCRUBBED

_RCODES: Final = {  # RFC 1035 section 4.1.1
    "NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5,
}  # fmt: skip
_ANSWERS: Final = {"A": "ipv4", "AAAA": "ipv6", "CNAME": "hostname"}
# OpenSSL's names of TLS 1.2 suites differ from those of the standard, which OONI writes.
_AES: Final = re.compile(r"(ECDHE|DHE)-(RSA|ECDSA)-AES(128|256)-GCM-SHA(256|384)")
_CHACHA: Final = re.compile(r"(ECDHE|DHE)-(RSA|ECDSA)-CHACHA20-POLY1305")


def base(step: Step) -> dict[str, JSON]:
    """What every event has. Steps under a resolver query are tagged as such."""
    return {
        "failure": step.failure,
        "t0": step.t0,
        "t": step.t,
        "transaction_id": step.transaction,
        "tags": ["resolver"] if step.detail.get("resolver") and step.op != "resolve" else [],
    }


def queries(steps: Iterable[Step]) -> list[dict[str, JSON]]:
    """One entry per query; the system's resolver gives one for both kinds of address (ANY)."""
    return [
        _bootstrap(step) if step.op == "bootstrap" else _query(step)
        for step in steps
        if step.op in {"resolve", "bootstrap"}
    ]


def duplicates(steps: Iterable[Step]) -> list[dict[str, JSON]]:
    """Further answers to a query, as Web Connectivity keeps them beside the queries."""
    return [_query(step) for step in steps if step.op == "extra_answer"]


def _query(step: Step) -> dict[str, JSON]:
    detail = step.detail
    entry = {
        **base(step),
        "hostname": detail.get("hostname") or "",
        "query_type": detail.get("query_type") or "",
        "engine": detail.get("engine") or "",
        "resolver_hostname": None,
        "resolver_port": None,
        "resolver_address": _resolver(step),
        "answers": list(_answers(detail.get("answers") or ())),
    }
    if (code := _RCODES.get(detail.get("rcode") or "")) is not None:
        entry["rcode"] = code
    if (raw := detail.get("raw")) and raw != SCRUBBED:
        entry["raw_response"] = raw
    return entry


def _answers(records: Iterable[dict[str, JSON]]) -> Iterator[dict[str, JSON]]:
    for record in records:
        if key := _ANSWERS.get(record["type"]):
            yield {"answer_type": record["type"], key: record["data"], "ttl": record.get("ttl")}


def _bootstrap(step: Step) -> dict[str, JSON]:
    found = step.detail.get("answers") or ()
    records = [{"type": "AAAA" if ":" in ip else "A", "data": ip} for ip in found]
    return {
        **base(step),
        "hostname": urlsplit(step.detail.get("resolver") or "").hostname or "",
        "query_type": "ANY",
        "engine": "getaddrinfo",
        "resolver_hostname": None,
        "resolver_port": None,
        "resolver_address": "",
        "answers": list(_answers(records)),
    }


def _resolver(step: Step) -> str:
    """An address and port, or the URL of a DNS-over-HTTPS server; the system tells neither."""
    if step.detail.get("engine") == "doh":
        return str(step.detail.get("resolver") or "").partition("#")[0]
    return step.address or ""


def tcp_connects(steps: Iterable[Step]) -> list[dict[str, JSON]]:
    """One entry per connection that was tried."""
    return list(_connects(steps))


def _connects(steps: Iterable[Step]) -> Iterator[dict[str, JSON]]:
    for step in steps:
        if step.op != "connect" or (endpoint := endpoint_of(step)) is None:
            continue
        entry = base(step)
        failure = entry.pop("failure")
        status = {"failure": failure, "success": failure is None}
        yield {**entry, "ip": endpoint.ip, "port": endpoint.port, "status": status}


def handshakes(
    steps: Iterable[Step], objects: Callable[[str], bytes | None]
) -> list[dict[str, JSON]]:
    """One entry per TLS handshake, with the certificates as far as they were kept; OONI has no
    place for one inside another protocol."""
    return [
        _handshake(step, objects)
        for step in steps
        if step.op == "tls_handshake" and not step.detail.get("inside")
    ]


def _handshake(step: Step, objects: Callable[[str], bytes | None]) -> dict[str, JSON]:
    detail = step.detail
    chain = [objects(name) for name in detail.get("peer_certificates") or ()]
    return {
        **base(step),
        "network": "tcp",
        "address": step.address or "",
        "server_name": detail.get("server_name") or "",
        "cipher_suite": _suite(detail.get("cipher_suite") or ""),
        "negotiated_protocol": detail.get("alpn") or "",
        "tls_version": detail.get("tls_version") or "",
        "no_tls_verify": not detail.get("verify", True),
        # A chain with a hole would be another chain.
        "peer_certificates": [binary(der) for der in chain if der] if all(chain) else [],
    }


def binary(data: bytes) -> dict[str, str]:
    """Bytes as JSON can hold them."""
    return {"format": "base64", "data": base64.b64encode(data).decode()}


def endpoint_of(step: Step) -> Endpoint | None:
    """The address and port of a step, if it has one."""
    try:
        return parse_endpoint(step.address) if step.address else None
    except ValueError:
        return None


def _suite(name: str) -> str:
    if match := _AES.fullmatch(name):
        exchange, signature, bits, digest = match.groups()
        return f"TLS_{exchange}_{signature}_WITH_AES_{bits}_GCM_SHA{digest}"
    if match := _CHACHA.fullmatch(name):
        return f"TLS_{match[1]}_{match[2]}_WITH_CHACHA20_POLY1305_SHA256"
    return name
