"""probe.record.codec: what goes into a line comes out of it, and nothing else is let in."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.anything import events, measurements, verdicts

from probe.core.model import (
    Control,
    Event,
    Measurement,
    Members,
    Software,
    Step,
    Target,
    Vantage,
    Verdict,
)
from probe.record.codec import (
    BadLineError,
    as_json,
    decode_event,
    decode_measurement,
    decode_verdict,
    encode,
)

AT = datetime(2017, 7, 18, 4, 0, 0, tzinfo=UTC)

STEP = Step(op="connect", transaction=1, address="192.0.2.1:443", t0=0.0, t=0.25)
MEASUREMENT = Measurement(
    id="m1",
    run="r1",
    cycle="c1",
    started=AT,
    vantage=Vantage(id="local"),
    target=Target(id="t1", service="s", feature="f", url="tcp://192.0.2.1:443"),
    check="tcp",
    steps=(STEP,),
    software=Software(name="probe", version="0.1.0"),
)
VERDICT = Verdict(
    id="v1",
    at=AT,
    cycle="c1",
    vantage=Vantage(id="local"),
    target="t1",
    service="s",
    feature="f",
    url=None,
    outcome="ok",
    mechanism=None,
    locus=None,
    rule="complete",
    rules=1,
    covered="handshake",
    control=Control(),
    evidence=("m1",),
)
LINE = encode(MEASUREMENT)


@given(measurements)
def test_a_measurement_is_read_back_as_it_was_written(measurement: Measurement) -> None:
    line = encode(measurement)
    assert line.index(b"\n") == len(line) - 1
    assert decode_measurement(line) == measurement


@given(verdicts)
def test_a_verdict_is_read_back_as_it_was_written(verdict: Verdict) -> None:
    line = encode(verdict)
    assert line.index(b"\n") == len(line) - 1
    assert decode_verdict(line) == verdict


@given(events)
def test_an_event_is_read_back_as_it_was_written(event: Event) -> None:
    line = encode(event)
    assert line.index(b"\n") == len(line) - 1
    assert decode_event(line) == event


def test_fields_stand_in_the_contracts_order_and_times_have_six_decimals() -> None:
    value = json.loads(LINE)
    assert list(value) == [
        *("schema", "id", "run", "cycle", "started", "vantage", "target", "check", "trial"),
        *("origin", "role", "followup_of", "followup", "steps", "covered", "invalid"),
        "software",
    ]
    assert list(value["steps"][0]) == [
        *("op", "transaction", "address", "t0", "t", "failure", "detail")
    ]
    assert value["started"] == "2017-07-18T04:00:00.000000Z"
    assert as_json(VERDICT)["at"] == "2017-07-18T04:00:00.000000Z"


def test_times_of_other_zones_are_written_in_utc() -> None:
    shanghai = datetime(2017, 7, 18, 12, 0, tzinfo=timezone(timedelta(hours=8)))
    assert (
        as_json(replace(MEASUREMENT, started=shanghai))["started"]
        == as_json(MEASUREMENT)["started"]
    )


def test_only_a_feature_verdict_has_policy_members_and_partial() -> None:
    assert not {"policy", "members", "partial"} & as_json(VERDICT).keys()
    feature = replace(
        VERDICT, target=None, policy="any", members=Members(ok=1, failed=0), partial=False
    )
    value = json.loads(encode(feature))
    assert (value["target"], value["policy"], value["partial"]) == (None, "any", False)
    assert value["members"] == {"ok": 1, "failed": 0}


def test_an_events_detail_is_flat_and_may_not_hide_its_own_fields() -> None:
    event = Event(at=AT, event="missed", vantage="local", detail={"target": "t1", "times": 2})
    assert json.loads(encode(event)) == {
        "at": "2017-07-18T04:00:00.000000Z",
        "event": "missed",
        "vantage": "local",
        "target": "t1",
        "times": 2,
    }
    with pytest.raises(ValueError, match="may not hold 'at'"):
        encode(replace(event, detail={"at": "later"}))


def test_no_line_holds_nan_or_infinity() -> None:
    odd = replace(STEP, detail={"nan": math.nan, "inf": [math.inf]})
    line = encode(replace(MEASUREMENT, steps=(odd,)))
    assert json.loads(line)["steps"][0]["detail"] == {"nan": None, "inf": [None]}
    with pytest.raises(ValueError, match="not finite"):
        encode(replace(MEASUREMENT, steps=(replace(STEP, t=math.nan),)))


def test_a_lone_surrogate_does_not_make_a_measurement_unwritable() -> None:
    odd = replace(STEP, detail={"banner\udc80": ["\udcff", 1]})
    line = encode(replace(MEASUREMENT, steps=(odd,)))
    assert decode_measurement(line).steps[0].detail == {"banner?": ["?", 1]}


def test_fields_of_a_newer_program_are_ignored() -> None:
    value = json.loads(LINE)
    value["weather"] = {"rain": True}
    value["steps"][0]["colour"] = "blue"
    assert decode_measurement(json.dumps(value).encode()) == MEASUREMENT


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null\n",
        b"[]\n",
        b"\x00" * 100,
        b"\xff\xfe{}\n",
        LINE[:-20],
        LINE[:-1] + LINE,
        LINE.replace(b"m1", b"\xff"),
        LINE.replace(b'"t":0.25', b'"t":null'),
        LINE.replace(b'"t":0.25', b'"t":NaN'),
        LINE.replace(b'"t":0.25', b'"t":1e999'),
        LINE.replace(b'"trial":1', b'"trial":"1"'),
        LINE.replace(b'"role":"target"', b'"role":"bystander"'),
        LINE.replace(b".000000Z", b""),
        LINE.replace(b".000000Z", b"+08:00"),
        LINE.replace(b'"id":"m1",', b""),
        LINE.replace(b'"detail":{}', b'"detail":' + b"[" * 100_000),
    ],
)
def test_what_is_no_measurement_is_a_bad_line(line: bytes) -> None:
    with pytest.raises(BadLineError):
        decode_measurement(line)


@pytest.mark.parametrize(
    "line",
    [b"", b"7\n", b'{"event":"start","vantage":"local"}', b'{"at":7,"event":"a","vantage":"b"}'],
)
def test_what_is_no_event_is_a_bad_line(line: bytes) -> None:
    with pytest.raises(BadLineError):
        decode_event(line)


@given(st.binary(max_size=200))
def test_no_bytes_can_do_more_than_be_a_bad_line(line: bytes) -> None:
    for decode in (decode_measurement, decode_verdict, decode_event):
        with pytest.raises(BadLineError):
            decode(line)
