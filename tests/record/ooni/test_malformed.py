"""Nothing that a file can hold makes the reader raise, and nothing unsound comes out of it."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ooni_records import ALL, line, read, reason, signal, web_fine, whatsapp

from probe.judge.evidence import Evidence
from probe.judge.verdict import judge
from probe.record.codec import decode_measurement, encode
from probe.record.ooni import Found, Malformed, read_ooni

AT = datetime(2024, 5, 24, tzinfo=UTC)
Path = tuple[str | int, ...]


def paths(value: Any, start: Path = ()) -> list[Path]:
    """Every place in a record."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [start, *(path for key, part in items for path in paths(part, (*start, key)))]


def changed(record: Any, path: Path, value: Any) -> Any:
    """The record with something else at this place; ``...`` takes it away."""
    record = copy.deepcopy(record)
    if not path:
        return None if value is ... else value
    at = record
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return record


def sound(item: Found | Malformed) -> None:
    """What came out is one of the two, can be written and read, and can be judged."""
    if isinstance(item, Malformed):
        assert item.reason
        assert len(item.reason) <= 200
        return
    assert isinstance(item, Found)
    for measurement in item.measurements:
        assert decode_measurement(encode(measurement)) == measurement
    for target in {m.target.id for m in item.measurements if m.role == "target"}:
        beside = [m for m in item.measurements if target == m.target.id or m.role == "anchor"]
        evidence = Evidence.of(beside, target=target, bodies=item.objects)
        if evidence.trials:
            judge(evidence, AT)


ODD = (
    ..., None, True, 0, -1, 1.5, 10**30, "", "x", "\x00\ud800", "1" * 3000, [], [None], {},
    {"a": 1}, "[scrubbed]", "::ffff:1.2.3.4", "http://[", "https://a:99999/", "2024-02-30 00:00:00",
)  # fmt: skip


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_each_part_may_be_missing_null_or_of_another_type(make: Any) -> None:
    record = make()
    kinds = set()
    for path in paths(record):
        for value in (..., None, 7, "x", [], {}, True):
            (item,) = read(changed(record, path, value))
            sound(item)
            kinds.add(type(item))
    assert kinds == {Found, Malformed}


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_random_changes_bring_out_nothing_else(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(ALL))()
    for _ in range(data.draw(st.integers(1, 4))):
        if not isinstance(record, dict):
            break
        path = data.draw(st.sampled_from(paths(record)))
        leaves = st.one_of(st.sampled_from(ODD), st.text(max_size=20), st.floats(allow_nan=False))
        record = changed(record, path, data.draw(leaves))
    for item in read(record):
        sound(item)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_torn_and_damaged_lines_bring_out_nothing_else(data: st.DataObject) -> None:
    text = bytearray(line(data.draw(st.sampled_from(ALL))()))
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(text)))
    for item in read_ooni([bytes(text), bytes(text[:cut])]):
        sound(item)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((), [], "Expected `object`"),
        (("test_keys",), None, "test_keys"),
        (("test_keys", "requests", 0, "request", "url"), ..., "url"),
        (("test_keys", "tcp_connect", 0, "port"), "443", "port"),
        (("test_keys", "tcp_connect", 0, "t"), -0.5, "no measurement lasts"),
        (("test_keys", "tcp_connect", 0, "t"), 1e9, "no measurement lasts"),
        (("test_keys", "queries"), [{"hostname": "a", "query_type": "A"}] * 2001, "2000 entries"),
        (("test_keys", "tunnel"), "tor", "tunnel"),
        (("test_name",), "openvpn", "'openvpn' are not imported"),
        (("measurement_start_time",), "yesterday", "is no time"),
        (("measurement_start_time",), "9999-12-31 23:59:59", "is no time at which"),
        (("measurement_start_time",), "0001-01-01T00:00:00+14:00", ""),
        (("probe_cc",), "Iran", "no country"),
        (("probe_asn",), "44244", "no autonomous system"),
        (("probe_asn",), "AS99999999999", "no autonomous system"),
        (("input",), None, "no input"),
        (("input",), "ftp://site.org/", "no web address"),
        (("input",), "https://site.org/\n", "no web address"),
        (("input",), "https://" + "a" * 5000, "no web address"),
        (("test_keys", "queries"), [{"hostname": "a", "query_type": 1}], "query_type"),
    ],
)
def test_a_reason_says_what_is_wrong(path: Path, value: Any, said: str) -> None:
    assert said in reason(changed(web_fine(), path, value))


def test_certificates_must_be_what_they_say() -> None:
    for value in ({"format": "hex", "data": "00"}, {"format": "base64", "data": "%"}):
        path = ("test_keys", "tls_handshakes", 0, "peer_certificates", 0)
        assert "binary data" in reason(changed(web_fine(), path, value))


def test_a_record_of_nothing_is_malformed() -> None:
    for record in (signal(), whatsapp()):
        assert "nothing in it" in reason({**record, "test_keys": {}})


def test_size_and_depth_are_bounded() -> None:
    deep = b'{"test_keys": {"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}"
    long = json.dumps({**web_fine(), "padding": "x" * 17 * 1024**2}).encode()
    first, second, third = read_ooni([deep, long, line(web_fine())])
    assert isinstance(first, Malformed)
    assert second == Malformed(line=2, reason="the record is longer than 16 MiB")
    assert isinstance(third, Found)


def test_a_page_of_any_size_costs_one_small_object() -> None:
    record = web_fine()
    answer = record["test_keys"]["requests"][0]["response"]
    answer.update(code=404, body="x" * 5_000_000)
    answer["headers_list"] = [[f"h{n}", "v" * 9000] for n in range(500)]
    (item,) = read(record)
    assert isinstance(item, Malformed | Found)
    sound(item)
    if isinstance(item, Found):
        assert all(len(data) <= 32 * 1024 for data in item.objects.values())
        assert all(len(encode(m)) <= 256 * 1024 for m in item.measurements)
