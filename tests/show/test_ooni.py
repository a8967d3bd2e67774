"""Export as OONI's data format: what real checks measured, held against the specification."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.envelopes import violations
from support.measured import Measured, measure_all
from support.records import https, measured, step

from probe.core.model import Measurement, Step, Vantage
from probe.show import ooni
from probe.show.ooni.layers import handshakes

Exported = Callable[[str], dict[str, Any]]


def lines(*measurements: Measurement, objects: dict[str, bytes] | None = None) -> list[Any]:
    out = io.StringIO()
    assert ooni.write_jsonl(measurements, out, (objects or {}).get) == len(measurements)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    import asyncio

    return asyncio.run(measure_all(tmp_path_factory.mktemp("measured")))


@pytest.fixture
def exported(real: Measured) -> Exported:
    def export(name: str) -> dict[str, Any]:
        out = io.StringIO()
        ooni.write_jsonl([real.found[name]], out, real.read)
        return json.loads(out.getvalue())

    return export


def test_every_measurement_keeps_to_the_format(real: Measured, exported: Exported) -> None:
    assert len(real.found) == 18
    for name, measurement in real.found.items():
        assert measurement.invalid is None, name
        assert violations(exported(name)) == [], name


def test_the_validator_finds_what_parsers_let_pass(exported: Exported) -> None:
    envelope = exported("https")
    keys = envelope["test_keys"]
    envelope["measurement_start_time"] = "2017-07-18T12:00:00Z"
    envelope["own"] = 1
    del envelope["input"]
    keys["tcp_connect"][0]["port"] = "443"
    keys["tcp_connect"][0]["status"]["success"] = "no"
    keys["tls_handshakes"][0]["failure"] = "it broke"
    keys["requests"][0]["t0"] = 99.0
    keys["network_events"].reverse()
    assert {text.split(" ")[0] for text in violations(envelope)} == {
        "measurement_start_time", "own", "input", "tcp_connect[0].port", "tcp_connect[0].status",
        "tls_handshakes[0].failure", "requests[0].t0", "network_events",
    }  # fmt: skip


def test_an_https_measurement_has_every_layer_under_one_transaction(exported: Exported) -> None:
    keys = exported("https")["test_keys"]
    (handshake,), (request,) = keys["tls_handshakes"], keys["requests"]
    connect = next(c for c in keys["tcp_connect"] if c["ip"] == "127.0.0.1")
    assert [q["query_type"] for q in keys["queries"]] == ["A", "AAAA"]
    assert connect["status"] == {"failure": None, "success": True}
    assert handshake["server_name"] == "localhost"
    assert len(handshake["peer_certificates"]) == 1
    assert request["request"]["url"].endswith("/a?b=1")
    assert request["response"]["code"] == 404
    assert request["response"]["body"] == {"format": "base64", "data": "bm8gc3VjaCD/IHBhZ2U="}
    assert connect["transaction_id"] == handshake["transaction_id"] == request["transaction_id"]
    assert connect["t"] <= handshake["t0"] <= handshake["t"] <= request["t0"] <= request["t"]


@pytest.mark.parametrize(
    ("name", "operation", "failure"),
    [
        ("dns-none", "resolve", "connection_refused"),
        ("tcp-refused", "connect", "connection_refused"),
        ("tcp-silent", "connect", "generic_timeout_error"),
        ("tls-expired", "tls_handshake", "ssl_invalid_certificate"),
        ("tls-reset", "tls_handshake", "connection_reset"),
        ("http-reset", "http_round_trip", "connection_reset"),
        ("http-silent", "http_round_trip", "generic_timeout_error"),
        ("http-garbage", "http_round_trip", "http_request_failed"),
        ("http-unexpected", "expect", "http_unexpected_status_code"),
        ("https", None, None),
    ],
)
def test_the_first_failure_and_its_operation_stand_at_the_top(
    exported: Exported, name: str, operation: str | None, failure: str | None
) -> None:
    keys = exported(name)["test_keys"]
    assert (keys["failed_operation"], keys["failure"]) == (operation, failure)


def test_redirects_stand_newest_first(exported: Exported) -> None:
    urls = [r["request"]["url"] for r in exported("http-redirect")["test_keys"]["requests"]]
    assert [url.rpartition("/")[2] for url in urls] == ["again", "again", ""]


def test_further_answers_stand_beside_the_queries(exported: Exported) -> None:
    keys = exported("dns-twice")["test_keys"]
    (query,), (extra,) = keys["queries"], keys["x_dns_duplicate_responses"]
    assert query["answers"][0]["ipv4"] == "192.0.2.2"
    assert extra["answers"][0]["ipv4"] == "192.0.2.9"
    assert extra["transaction_id"] == query["transaction_id"]


def test_connections_under_a_query_are_tagged(exported: Exported) -> None:
    keys = exported("dns-doh")["test_keys"]
    assert keys["queries"][0]["resolver_address"].startswith("https://dns.example:")
    assert "#" not in keys["queries"][0]["resolver_address"]
    for layer in ("tcp_connect", "tls_handshakes", "requests"):
        assert [entry["tags"] for entry in keys[layer]] == [["resolver"]], layer


def test_suites_have_the_names_of_the_standard(exported: Exported) -> None:
    (handshake,) = exported("https-old")["test_keys"]["tls_handshakes"]
    assert handshake["tls_version"] == "TLSv1.2"
    assert handshake["cipher_suite"] == "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"


def test_how_a_body_came_is_told_as_far_as_it_was_kept(exported: Exported) -> None:
    keys = exported("https-old")["test_keys"]
    answer = keys["requests"][0]["response"]
    counts = [
        event["num_bytes"]
        for event in keys["network_events"]
        if event["operation"] == "bytes_received_cumulative"
    ]
    assert (answer["body"], answer["body_is_truncated"]) == (None, True)
    assert counts == sorted(counts)
    assert counts[-1] == 40 * 1024
    assert [v for k, v in answer["headers_list"] if k == "x-twice"] == ["one", "two"]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("tcp://192.0.2.1:5222", "tcpconnect://192.0.2.1:5222"),
        ("tls://site.example?sni=other.example", "tlshandshake://site.example:443"),
        ("tls://[2001:db8::1]:8443", "tlshandshake://[2001:db8::1]:8443"),
        ("tls://[2001:db8::1]", "tlshandshake://[2001:db8::1]:443"),
        ("dns://site.example?type=AAAA", "dnslookup://site.example"),
        ("https://site.example/a?b#c", "https://site.example/a?b#c"),
    ],
)
def test_the_input_is_named_as_urlgetter_names_it(url: str, named: str) -> None:
    (envelope,) = lines(measured("tcp", url=url))
    assert envelope["input"] == named
    assert envelope["x_probe"]["url"] == url


def test_the_envelope_says_where_and_when_and_no_more() -> None:
    at = datetime(2017, 7, 18, 4, 0, 7, 250000, UTC)
    one = measured(steps=https(), started=at)
    (known, unknown) = lines(one, replace(one, vantage=Vantage(id="local")))
    assert known["measurement_start_time"] == "2017-07-18 04:00:07"
    assert known["x_probe"]["started"] == "2017-07-18T04:00:07.250000Z"
    assert (known["probe_cc"], known["probe_asn"]) == ("CN", "AS4134")
    assert (unknown["probe_cc"], unknown["probe_asn"]) == ("ZZ", "AS0")
    assert (known["probe_ip"], known["resolver_ip"]) == ("127.0.0.1", "127.0.0.2")


def test_what_ooni_has_no_layer_for_is_kept_whole() -> None:
    odd = step("trace_hop", 3, ttl=4, hop="192.0.2.77", icmp="time_exceeded")
    one = measured("trace", [odd], invalid="OSError: too many open files", role="followup")
    (envelope,) = lines(one)
    assert violations(envelope) == []
    own = envelope["x_probe"]
    assert (own["role"], own["invalid"]) == ("followup", "OSError: too many open files")
    assert own["steps"][0]["detail"]["hop"] == "192.0.2.77"
    assert "outcome" not in json.dumps(envelope)


def test_a_chain_with_a_hole_is_left_out_and_hostile_text_breaks_nothing() -> None:
    chain = ["a" * 64, "b" * 64]
    headers = [["x", "\udcff\udc80"], ["y", "\ud800\n\u2028"]]
    steps: list[Step] = [
        step("connect", 1),
        step("tls_handshake", 1, server_name="shop.example", peer_certificates=chain),
        step("http_request", 1, method="GET", host="shop.example", path="/"),
        step("http_response", 1, status=200, headers=headers),
        step("transfer", 1, bytes=3, complete=True, body="c" * 64),
    ]
    (envelope,) = lines(measured(steps=steps), objects={"a" * 64: b"der", "c" * 64: b"<b>"})
    assert violations(envelope) == []
    keys = envelope["test_keys"]
    assert keys["tls_handshakes"][0]["peer_certificates"] == []
    assert keys["requests"][0]["response"]["body"] == "<b>"
    told = dict(keys["requests"][0]["response"]["headers_list"])
    assert told["x"] == {"format": "base64", "data": "/4A="}
    assert "\n" not in ooni._encoded({"a": "\ud800\n"})


def test_a_measurement_without_steps_has_empty_layers() -> None:
    (envelope,) = lines(measured("https", []))
    assert violations(envelope) == []
    assert envelope["test_runtime"] == 0


def test_a_handshake_inside_another_protocol_is_none_of_the_lines_own() -> None:
    inner = step("tls_handshake", inside="openvpn", verify=True)
    assert handshakes([inner], lambda _: None) == []
    assert len(handshakes([step("tls_handshake", verify=True)], lambda _: None)) == 1
