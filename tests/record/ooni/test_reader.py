"""OONI's records as measurements: what belongs together, whose it is, and what it is called."""

from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from support.ooni_records import (
    ALL,
    FORGED,
    OTHER,
    SITE,
    facebook_messenger,
    found,
    line,
    query,
    read,
    request,
    signal,
    telegram,
    urlgetter,
    web_fine,
    web_forged,
    web_reset,
    whatsapp,
)

from probe.core.model import Measurement
from probe.judge.deciding import deciding
from probe.record.codec import decode_measurement, encode
from probe.record.ooni import Found, Malformed, read_ooni

Facts = list[tuple[str, int, str | None, str | None]]


def own(item: Found) -> dict[str, Measurement]:
    """Measurements of targets from the vantage, by URL."""
    return {
        m.target.url: m for m in item.measurements if (m.origin, m.role) == ("vantage", "target")
    }


def ended(measurement: Measurement) -> tuple[str, str | None] | None:
    """The last operation of the deciding transaction and its failure."""
    decided = deciding(measurement)
    if decided is None:
        return None
    step = decided.failed or decided.steps[-1]
    return step.op, step.failure


def facts(measurement: Measurement) -> Facts:
    return [(s.op, s.transaction, s.address, s.failure) for s in measurement.steps]


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_every_kind_of_record_is_read_the_same_each_time(make) -> None:
    first, again = found(make()), found(make())
    assert first == again
    for measurement in first.measurements:
        assert UUID(measurement.id).version == 7
        assert measurement.id.replace("-", "")[:12] == f"{1716513629000:012x}"
        assert decode_measurement(encode(measurement)) == measurement
    assert len({m.id for m in first.measurements}) == len(first.measurements)


def test_records_differ_by_their_report_and_their_input() -> None:
    other_report = {**web_fine(), "report_id": "another"}
    other_input = {**web_fine(), "input": "https://site.org/a"}
    without = [{**web_fine(), "report_id": None, "measurement_uid": uid} for uid in ("a", "b", "")]
    items = read(web_fine(), other_report, other_input, *without)
    ids = [m.id for item in items if isinstance(item, Found) for m in item.measurements]
    assert len(set(ids)) == len(ids) == 24
    # The two ways of publishing one record differ in the uid alone.
    assert found({**web_fine(), "measurement_uid": "u"}) == found(web_fine())


def test_the_envelope_says_where_when_and_by_what() -> None:
    item = found(web_fine())
    (measurement,) = own(item).values()
    assert measurement.vantage.id == "ooni-ir-as44244"
    assert (measurement.vantage.country, measurement.vantage.asn) == ("IR", 44244)
    assert measurement.vantage.network is None
    assert measurement.started.isoformat() == "2024-05-24T01:20:29+00:00"
    assert (item.ended - measurement.started).total_seconds() == 2.5
    assert measurement.run == web_fine()["report_id"]
    assert (measurement.software.name, measurement.software.version) == (
        "ooniprobe-android",
        "3.8.8",
    )
    (nowhere,) = own(found({**web_fine(), "probe_asn": "AS0", "probe_cc": "ZZ"})).values()
    assert (nowhere.vantage.id, nowhere.vantage.asn) == ("ooni-zz", None)


def test_old_web_connectivity_is_put_together_without_numbers() -> None:
    item = found(web_fine())
    (measurement,) = own(item).values()
    at = f"{SITE}:443"
    assert facts(measurement) == [
        ("resolve", 1, None, None),
        ("connect", 2, at, None),
        ("tls_handshake", 2, at, None),
        ("http_request", 2, at, None),
        ("http_response", 2, at, None),
        ("transfer", 2, at, None),
    ]
    assert all(a.t <= b.t for a, b in pairwise(measurement.steps))
    shake = measurement.steps[2].detail
    assert shake["verify"] is True
    assert item.objects[shake["peer_certificates"][0]] == b"0\0"


def test_a_request_that_repeats_a_failure_below_it_is_no_second_failure() -> None:
    (measurement,) = own(found(web_forged())).values()
    assert facts(measurement) == [
        ("resolve", 1, None, None),
        ("connect", 2, f"{FORGED}:443", "generic_timeout_error"),
    ]


@pytest.mark.parametrize(
    ("failure", "op"),
    [
        ("generic_timeout_error", "http_response"),
        ("ssl_unknown_authority", "tls_handshake"),
        ("dns_servfail_error", "resolve"),
        ("connection_refused", "connect"),
    ],
)
def test_a_failure_that_nothing_below_explains_stands_where_it_belongs(
    failure: str, op: str
) -> None:
    record = web_fine()
    record["test_keys"]["requests"] = [request("https://site.org/", failure=failure)]
    (measurement,) = own(found(record)).values()
    assert [s.op for s in measurement.steps if s.failure == failure] == [op]
    if op != "resolve":
        assert ended(measurement) == (op, failure)


def test_new_web_connectivity_is_put_together_by_its_numbers() -> None:
    (measurement,) = own(found(web_reset())).values()
    steps = measurement.steps
    asked = [s for s in steps if s.op == "resolve"]
    assert [(s.detail["resolver"], s.detail["engine"], s.address) for s in asked] == [
        ("system", "getaddrinfo", None),
        ("udp://8.8.8.8:53", "udp", "8.8.8.8:53"),
        ("https://dns.google/dns-query", "doh", None),
    ]
    assert facts(measurement)[-2:] == [
        ("tls_handshake", 5, f"{OTHER}:443", "connection_reset"),
        ("tls_handshake", 4, f"{SITE}:443", "connection_reset"),
    ]
    assert [s.address for s in steps if s.op == "connect"] == [f"{SITE}:443", f"{OTHER}:443"]
    assert (steps[-1].t0, steps[-1].t) == (0.4, 0.6)


def test_the_test_helper_is_a_control_with_its_health() -> None:
    item = found(web_forged())
    here, there, *anchors = item.measurements
    assert (there.origin, there.vantage.id, there.vantage.country) == (
        "ooni-test-helper",
        "ooni-test-helper",
        "ZZ",
    )
    assert (there.cycle, there.target) == (here.cycle, here.target)
    assert facts(there) == [
        ("resolve", 1, None, None),
        ("connect", 2, f"{FORGED}:443", "generic_timeout_error"),
        ("http_request", 3, None, None),
        ("http_response", 3, None, None),
        ("transfer", 3, None, None),
    ]
    assert there.steps[-1].detail["bytes"] == 1256
    assert [(a.origin, a.role, a.target.feature) for a in anchors] == [
        ("vantage", "anchor", "international"),
        ("ooni-test-helper", "anchor", "international"),
    ]
    assert all(a.target.url == "https://0.th.ooni.org" for a in anchors)


def test_a_helper_that_could_not_be_asked_or_saw_nothing_is_no_control() -> None:
    refused = web_forged()
    refused["test_keys"]["control_failure"] = "connection_refused"
    assert [m.origin for m in found(refused).measurements] == ["vantage"]
    blind = web_forged()
    blind["test_keys"]["control"] = {
        "dns": {"failure": "dns_server_misbehaving", "addrs": []},
        "tcp_connect": {f"{FORGED}:443": {"status": False, "failure": "generic_timeout_error"}},
        "http_request": {"failure": "dns_lookup_error", "status_code": -1},
    }
    roles = [(m.origin, m.role) for m in found(blind).measurements]
    assert ("ooni-test-helper", "anchor") not in roles
    assert ("ooni-test-helper", "target") in roles


def test_whatsapp_servers_that_share_addresses_are_told_apart_by_their_order() -> None:
    measured = own(found(whatsapp()))
    assert {url: ended(m) for url, m in measured.items()} == {
        "tcp://e1.whatsapp.net:5222": ("connect", "generic_timeout_error"),
        "tcp://e2.whatsapp.net:443": ("connect", None),
        "tcp://e1.whatsapp.net:443": ("connect", None),
        "tcp://e2.whatsapp.net:5222": ("connect", None),
        "https://v.whatsapp.net/v2/register": ("tls_handshake", "connection_reset"),
        "https://web.whatsapp.com/": ("transfer", None),
    }
    tried = [(s.op, s.failure) for s in measured["tcp://e1.whatsapp.net:443"].steps]
    assert tried == [("resolve", None), ("connect", "generic_timeout_error"), ("connect", None)]
    features = {m.target.url: (m.target.service, m.target.feature) for m in measured.values()}
    assert features["tcp://e1.whatsapp.net:443"] == ("whatsapp", "text")
    assert features["https://v.whatsapp.net/v2/register"] == ("whatsapp", "registration")
    assert features["https://web.whatsapp.com/"] == ("whatsapp", "web")


def test_names_that_do_not_exist_fail_at_each_port() -> None:
    gone = [query("e3.whatsapp.net", failure="dns_nxdomain_error", t=t) for t in (0.1, 0.2)]
    record = whatsapp()
    record["test_keys"] = {"queries": gone, "tcp_connect": None, "requests": None}
    measured = own(found(record))
    assert {url: ended(m) for url, m in measured.items()} == {
        f"tcp://e3.whatsapp.net:{port}": ("resolve", "dns_nxdomain_error") for port in (443, 5222)
    }


def test_telegram_data_centres_are_text_and_its_page_is_web() -> None:
    measured = own(found(telegram()))
    assert {(m.target.feature, url): ended(m) for url, m in measured.items()} == {
        ("text", "http://149.154.175.50/"): ("transfer", None),
        ("text", "http://149.154.175.50:443/"): ("connect", "generic_timeout_error"),
        ("web", "https://web.telegram.org/"): ("transfer", None),
    }
    (status,) = [
        s.detail["status"]
        for s in measured["https://web.telegram.org/"].steps
        if s.op == "http_response"
    ]
    assert status == 302


def test_messenger_has_lookups_of_its_own() -> None:
    measured = own(found(facebook_messenger()))
    assert {(m.target.feature, url): ended(m) for url, m in measured.items()} == {
        ("calls", "dns://stun.fbsbx.com"): ("resolve", None),
        ("text", "tcp://b-api.facebook.com:443"): ("connect", None),
        ("media", "tcp://scontent.xx.fbcdn.net:443"): ("resolve", "dns_nxdomain_error"),
        ("web", "tcp://star.c10r.facebook.com:443"): ("connect", "connection_reset"),
    }


@pytest.mark.parametrize(
    ("version", "engine", "day", "void"),
    [
        ("0.2.1", "3.16.4", "2022-10-18", False),
        ("0.2.1", "3.16.4", "2022-10-19", True),
        ("0.2.2", "3.16.5", "2022-11-18", False),
        ("0.2.2", "3.17.1", "2023-05-02", True),
        ("0.2.2", "3.17.2", "2023-05-02", False),
        ("0.2.3", "3.19.0", "2023-11-06", False),
        ("0.2.3", "3.19.0-alpha", "2023-11-07", True),
        ("0.2.4", "3.20.0", "2024-01-01", True),
        ("0.2.5", "3.20.0", "2024-01-01", False),
        ("", "", "2024-01-01", False),
    ],
)
def test_signal_measurements_of_broken_versions_are_invalid(
    version: str, engine: str, day: str, void: bool
) -> None:
    record = signal(
        test_version=version,
        measurement_start_time=f"{day} 12:00:00",
        annotations={"engine_version": engine},
    )
    measured = own(found(record))
    assert set(measured) == {"https://chat.signal.org/", "https://cdsi.signal.org/"}
    assert {bool(m.invalid) for m in measured.values()} == {void}


@pytest.mark.parametrize(
    ("url", "target", "last"),
    [
        ("tlshandshake://site.org:443", "tls://site.org:443", "tls_handshake"),
        ("tcpconnect://site.org:443", "tcp://site.org:443", "connect"),
        ("dnslookup://site.org", "dns://site.org", "resolve"),
        ("https://site.org/", "https://site.org/", "tls_handshake"),
    ],
)
def test_urlgetter_measures_what_its_input_says(url: str, target: str, last: str) -> None:
    ((shown, measurement),) = own(found(urlgetter(url))).items()
    assert shown == target
    assert measurement.check == target.partition(":")[0]
    decided = ended(measurement)
    assert decided is not None
    assert decided[0] == last
    assert all(not s.failure or s.failure == "ssl_invalid_hostname" for s in measurement.steps)


@pytest.mark.parametrize(
    ("url", "service", "feature"),
    [
        ("https://site.org/", "site.org", "web"),
        ("https://mmg.whatsapp.net/robots.txt", "whatsapp", "media"),
        ("https://media-arn2-1.cdn.whatsapp.net/robots.txt", "whatsapp", "media"),
        ("https://media.fevn1-1.fna.whatsapp.net/robots.txt", "whatsapp", "media"),
        ("https://web.telegram.org/", "telegram", "web"),
        ("https://WWW.Example.ORG./a", "www.example.org", "web"),
    ],
)
def test_a_web_address_belongs_to_the_service_of_its_host(
    url: str, service: str, feature: str
) -> None:
    host = url.split("/")[2].rstrip(".").lower()
    record = {**web_fine(), "input": url}
    record["test_keys"] = {"queries": [query(host, failure="dns_nxdomain_error")]}
    catalogue = {"mmg.whatsapp.net": ("whatsapp", "media")}
    (measurement,) = own(found(record, catalogue=catalogue)).values()
    assert (measurement.target.service, measurement.target.feature) == (service, feature)


def test_addresses_and_secrets_stay_out_of_what_is_kept() -> None:
    record = {**web_fine(), "input": "http://user:pass@site.org/?token=hush"}
    record["probe_ip"] = "203.0.113.9"
    keys = record["test_keys"]
    page = f"you are 203.0.113.9 at {SITE} through 198.51.100.77"
    keys["requests"] = [request("http://user:pass@site.org/?token=hush", 403, body=page)]
    keys["tcp_connect"][0]["port"] = 80
    keys["queries"][0]["answers"].append({"answer_type": "A", "ipv4": "[scrubbed]"})
    item = found(record)
    text = b"".join(encode(m) for m in item.measurements) + b"".join(item.objects.values())
    for secret in (b"203.0.113.9", b"198.51.100.77", b"pass", b"hush"):
        assert secret not in text
    assert f"you are [scrubbed] at {SITE}".encode() in text


def test_names_of_failures_are_brought_up_to_date_and_free_text_is_scrubbed() -> None:
    record = web_forged()
    status = record["test_keys"]["tcp_connect"][0]["status"]
    for told, kept in {
        "connection_refused_error": "connection_refused",
        "tcp_timed_out_error": "generic_timeout_error",
        "unknown_failure: dial 203.0.113.9:53 went wrong": "unknown_failure: dial [scrubbed] ",
        "Something Odd": "unknown_failure: Something Odd",
        "": "unknown_failure: no reason was given",
    }.items():
        status["failure"] = told
        (measurement,) = own(found(record)).values()
        failure = next(s.failure for s in measurement.steps if s.op == "connect")
        assert failure is not None
        assert failure.startswith(kept), told


def test_what_is_exported_can_be_read_again() -> None:
    import io

    from support.records import https, measured

    from probe.show import ooni

    detail = {"server_name": "shop.example", "verify": True}
    steps = https("tls_handshake", "connection_reset", **detail)
    steps[0] = replace(
        steps[0],
        detail={
            **steps[0].detail, "engine": "getaddrinfo", "hostname": "shop.example",
            "query_type": "ANY", "answers": [{"type": "A", "data": "192.0.2.1"}],
        },
    )  # fmt: skip
    before = measured(steps=steps)
    out = io.StringIO()
    ooni.write_jsonl([before], out, lambda _: None)
    (item,) = read_ooni([out.getvalue().encode()])
    assert isinstance(item, Found)
    (after,) = item.measurements
    assert facts(after) == facts(before)
    assert (after.vantage.country, after.vantage.asn) == ("CN", 4134)
    assert after.target.url == before.target.url


def test_lines_are_numbered_and_empty_ones_passed_over() -> None:
    lines = [line(web_fine()), b"", b"  ", b"{", line(web_reset())]
    items = list(read_ooni(lines))
    assert [(type(item), item.line) for item in items] == [
        (Found, 1),
        (Malformed, 4),
        (Found, 5),
    ]
