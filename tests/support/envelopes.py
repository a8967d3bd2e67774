"""A strict reader of OONI's data format 0.2.0, after its specification: parsers are lax.

``violations`` gives everything that is wrong with an envelope; keys that begin with x_ are free.
"""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from cryptography import x509

Test = Callable[[Any], bool]
_FAILURES: Final = """
    address_family_not_supported address_in_use address_not_available already_connected
    android_dns_cache_no_data bad_address bad_file_descriptor connection_aborted
    connection_already_closed connection_already_in_progress connection_refused
    connection_reset destination_address_required dns_bogon_error dns_no_answer
    dns_non_recoverable_failure dns_nxdomain_error dns_refused_error
    dns_reply_with_wrong_query_id dns_server_misbehaving dns_servfail_error
    dns_temporary_failure eof_error generic_timeout_error host_unreachable
    http_invalid_redirect_location_host http_request_failed http_unexpected_redirect_url
    http_unexpected_status_code interrupted invalid_argument json_parse_error message_size
    network_down network_reset network_unreachable no_buffer_space no_protocol_option
    not_a_socket not_connected operation_would_block permission_denied protocol_not_supported
    quic_incompatible_version ssl_failed_handshake ssl_invalid_certificate
    ssl_invalid_hostname ssl_unknown_authority timed_out wrong_protocol_type
"""
FAILURES: Final = frozenset(_FAILURES.split())
_IP: Final = re.compile(r"[0-9.]{7,15}|[0-9a-f:]{2,39}")
_PLACE: Final = re.compile(r"(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _like(pattern: str) -> Test:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _one_of(*values: object) -> Test:
    return lambda value: any(value == other and type(value) is type(other) for other in values)


def _failure(value: Any) -> bool:
    return value is None or value in FAILURES or str(value).startswith("unknown_failure: ")


def _either(*tests: Test) -> Test:
    return lambda value: any(test(value) for test in tests)


def _binary(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"format", "data"}:
        return False
    return value["format"] == "base64" and bool(base64.b64decode(value["data"], validate=True))


def _certificate(value: Any) -> bool:
    try:
        der = base64.b64decode(value["data"], validate=True)
        return _binary(value) and bool(x509.load_der_x509_certificate(der))
    except ValueError:
        return False


def _listed(test: Test) -> Test:
    return lambda value: isinstance(value, list) and all(map(test, value))


def _headers(value: Any) -> bool:
    pair = [_text, _either(_text, _binary)]
    return isinstance(value, list) and all(
        len(item) == 2 and all(test(part) for test, part in zip(pair, item, strict=True))
        for item in value
    )


def _place(value: Any) -> bool:
    return value == "" or (isinstance(value, str) and _PLACE.fullmatch(value) is not None)


_NULL = _one_of(None)
_MAYBE = _either(_text, _binary, _NULL)
_EVENT: Final[dict[str, Test]] = {
    "t0": _number,
    "t": _number,
    "transaction_id": lambda value: _count(value) and value > 0,
    "tags": _listed(_text),
}
_ANSWER: Final[dict[str, dict[str, Test]]] = {
    "A": {"ipv4": _like(r"\d{1,3}(\.\d{1,3}){3}")},
    "AAAA": {"ipv6": _like(r"[0-9a-f:.]{2,45}")},
    "CNAME": {"hostname": _text},
}
_QUERY: Final[dict[str, Test]] = {
    **_EVENT,
    "failure": _failure,
    "hostname": _like(r"\S+"),
    "query_type": _like("[A-Z]+"),
    "engine": _one_of("getaddrinfo", "golang_net_resolver", "udp", "tcp", "dot", "doh"),
    "resolver_hostname": _NULL,
    "resolver_port": _NULL,
    "resolver_address": _either(_place, _like("https://.+")),
    "answers": _listed(lambda answer: not list(_answer(answer))),
}
_CONNECT: Final[dict[str, Test]] = {
    **_EVENT,
    "ip": lambda value: bool(_IP.fullmatch(value)),
    "port": lambda value: _count(value) and value < 65536,
    "status": lambda value: (
        set(value) == {"failure", "success"}
        and _failure(value["failure"])
        and value["success"] is (value["failure"] is None)
    ),
}
_HANDSHAKE: Final[dict[str, Test]] = {
    **_EVENT,
    "failure": _failure,
    "network": _one_of("tcp", "udp"),
    "address": _place,
    "server_name": _text,
    "cipher_suite": _either(_one_of(""), _like("TLS_[A-Z0-9_]+")),
    "negotiated_protocol": _text,
    "tls_version": _either(_one_of(""), _like(r"TLSv1(\.[123])?")),
    "no_tls_verify": _flag,
    "peer_certificates": _listed(_certificate),
}
_ASKED: Final[dict[str, Test]] = {
    "url": _like(r"https?://[^/]+/\S*"),
    "method": _like("[A-Z]+"),
    "headers": lambda value: isinstance(value, dict),
    "headers_list": _headers,
    "body": _MAYBE,
    "body_is_truncated": _flag,
    "tor": _one_of({"exit_ip": None, "exit_name": None, "is_tor": False}),
}
_ANSWERED: Final[dict[str, Test]] = {
    "code": _count,
    "headers": lambda value: isinstance(value, dict),
    "headers_list": _headers,
    "body": _MAYBE,
    "body_is_truncated": _flag,
}
_REQUEST: Final[dict[str, Test]] = {
    **_EVENT,
    "failure": _failure,
    "request": lambda value: not list(_keys(value, _ASKED)),
    "response": lambda value: not list(_keys(value, _ANSWERED)) and _same_headers(value),
}
_OPERATIONS: Final = (
    "connect",
    "read",
    "write",
    "bytes_received_cumulative",
    "tls_handshake_start",
    "tls_handshake_done",
    "http_transaction_start",
    "http_transaction_done",
)
_NETWORK_EVENT: Final[dict[str, Test]] = {
    **_EVENT,
    "failure": _failure,
    "operation": _one_of(*_OPERATIONS),
    "address": _place,
    "proto": _one_of("tcp", "udp"),
}
_LAYERS: Final[dict[str, tuple[dict[str, Test], dict[str, Test]]]] = {
    "queries": (_QUERY, {"rcode": _count, "raw_response": _like("[A-Za-z0-9+/]+=*")}),
    "tcp_connect": (_CONNECT, {}),
    "tls_handshakes": (_HANDSHAKE, {}),
    "requests": (
        _REQUEST,
        {"network": _one_of("tcp"), "address": _like(_PLACE.pattern), "alpn": _text},
    ),
    "network_events": (_NETWORK_EVENT, {"num_bytes": _count}),
}
_TEST_KEYS: Final[dict[str, Test]] = {
    **{name: _listed(lambda entry: isinstance(entry, dict)) for name in _LAYERS},
    "agent": _one_of("redirect"),
    "failure": _failure,
    "failed_operation": _either(_text, _NULL),
}
_TIME: Final = _like(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_ENVELOPE: Final[dict[str, Test]] = {
    "annotations": lambda value: all(map(_text, [*value, *value.values()])),
    "data_format_version": _one_of("0.2.0"),
    "extensions": _one_of(
        dict.fromkeys(("dnst", "httpt", "netevents", "tcpconnect", "tlshandshake"), 0)
    ),
    "input": _either(_NULL, _like(r"[a-z0-9+]+://\S+")),
    "measurement_start_time": _TIME,
    "options": _listed(_text),
    "probe_asn": _like(r"AS\d+"),
    "probe_cc": _like("[A-Z]{2}"),
    "probe_ip": _one_of("127.0.0.1"),
    "probe_network_name": _text,
    "report_id": _text,
    "resolver_asn": _like(r"AS\d+"),
    "resolver_ip": lambda value: bool(_IP.fullmatch(value)),
    "resolver_network_name": _text,
    "software_name": _like(r"\S+"),
    "software_version": _like(r"\S+"),
    "test_helpers": lambda value: isinstance(value, dict),
    "test_keys": lambda value: isinstance(value, dict),
    "test_name": _like("[a-z_]+"),
    "test_runtime": _number,
    "test_start_time": _TIME,
    "test_version": _like(r"\d+\.\d+\.\d+"),
}


def violations(envelope: dict[str, Any]) -> list[str]:
    """Everything in which the envelope is not as specified."""
    keys = envelope.get("test_keys") or {}
    found = [*_keys(envelope, _ENVELOPE), *_keys(keys, _TEST_KEYS, "test_keys.")]
    for name, (needed, allowed) in _LAYERS.items():
        for number, entry in enumerate(keys.get(name) or []):
            at = f"{name}[{number}]."
            found += _keys(entry, needed, at, allowed)
            if entry.get("t0", 0) > entry.get("t", 0):
                found.append(f"{at}t0 is after t")
    times = [event["t"] for event in keys.get("network_events") or []]
    if times != sorted(times):
        found.append("network_events are not in order")
    return found


def _keys(
    value: dict[str, Any],
    needed: dict[str, Test],
    at: str = "",
    allowed: dict[str, Test] | None = None,
) -> Iterator[str]:
    known = {**needed, **(allowed or {})}
    yield from (f"{at}{key} is missing" for key in needed if key not in value)
    for key, part in value.items():
        if key.startswith("x_"):
            continue
        if key not in known:
            yield f"{at}{key} is not of the format"
        elif not known[key](part):
            yield f"{at}{key} is {part!r}"


def _answer(answer: dict[str, Any]) -> Iterator[str]:
    data = _ANSWER.get(answer.get("answer_type", ""))
    if data is None:
        yield "unknown answer_type"
        return
    ttl = _either(_NULL, _count)
    yield from _keys(answer, {"answer_type": _text, "ttl": ttl, **data})


def _same_headers(response: dict[str, Any]) -> bool:
    listed: dict[str, Any] = {}
    for key, value in response["headers_list"]:
        listed.setdefault(key, value)
    return listed == response["headers"]
