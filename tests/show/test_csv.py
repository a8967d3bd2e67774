"""probe.show.csv: the contract's columns, to the letter."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.model import (
    JSON,
    Control,
    Measurement,
    Members,
    Software,
    Step,
    Target,
    Vantage,
    Verdict,
)
from probe.record.join import Judged
from probe.show.csv import text, write_measurements, write_steps, write_verdicts

HEADER = (
    "started,vantage,country,asn,network,service,feature,target,url,check,address,outcome,"
    "mechanism,locus,rule,failure,failed_op,dns_ms,connect_ms,tls_ms,first_byte_ms,total_ms,"
    "bytes,http_status,resolver,covered,control_outcome,trial,origin,role,cycle,invalid,measurement"
)
RESOLVER = "udp://192.0.2.53"
ADDRESS = "198.51.100.7:443"


def step(
    op: str,
    transaction: int,
    t0: float,
    t: float,
    failure: str | None = None,
    address: str | None = ADDRESS,
    **detail: JSON,
) -> Step:
    return Step(
        op=op,
        transaction=transaction,
        address=address,
        t0=t0,
        t=t,
        failure=failure,
        detail=detail,
    )


LOOKUP = step("resolve", 1, 0.0, 0.0213, None, "192.0.2.53:53", resolver=RESOLVER)
CONNECT = step("connect", 2, 0.022, 0.087)
HANDSHAKE = step("tls_handshake", 2, 0.0871, 0.2215)
REQUEST = step("http_request", 2, 0.2216, 0.2217)
RESPONSE = step("http_response", 2, 0.2217, 0.3105, status=200, first_byte=0.3104)
TRANSFER = step("transfer", 2, 0.3105, 0.3217, bytes=5120)

MEASUREMENT = Measurement(
    id="m-1",
    run="r-1",
    cycle="c-1",
    started=datetime(2017, 7, 18, 4, tzinfo=UTC),
    vantage=Vantage(id="sh-ct-1", country="CN", asn=4134, network="residential"),
    target=Target(id="media", service="messenger", feature="media", url="https://media.example/"),
    check="https",
    steps=(LOOKUP, CONNECT, HANDSHAKE, REQUEST, RESPONSE, TRANSFER),
    covered="transfer",
    software=Software(name="probe", version="0.1.0"),
)
JUDGED = Judged("blocked", "tls.reset.sni", "network", "sni-reset", "ok")
VERDICT = Verdict(
    id="v-1",
    at=MEASUREMENT.started,
    cycle="c-1",
    vantage=MEASUREMENT.vantage,
    target=None,
    service="messenger",
    feature="media",
    url=None,
    outcome="ok",
    mechanism=None,
    locus=None,
    rule="members",
    rules=1,
    covered="transfer",
    control=Control(ids=("k",), outcome="ok"),
    evidence=("m-1", "m-2"),
    note="one of two, which is enough",
    policy="any",
    members=Members(ok=1, failed=1),
    partial=True,
)


def written(measurement: Measurement, judged: Judged | None = None) -> str:
    out = io.StringIO(newline="")
    assert write_measurements([(measurement, judged)], out) == 1
    return out.getvalue()


def row(measurement: Measurement, judged: Judged | None = None) -> dict[str, str]:
    (only,) = csv.DictReader(io.StringIO(written(measurement, judged), newline=""))
    return only


def steps(*given: Step, check: str = "https") -> dict[str, str]:
    return row(replace(MEASUREMENT, steps=given, check=check))


def test_a_row_is_the_contracts_to_the_byte() -> None:
    assert written(MEASUREMENT, JUDGED) == (
        f"{HEADER}\r\n"
        "2017-07-18T04:00:00.000000Z,sh-ct-1,CN,4134,residential,messenger,media,media,"
        "https://media.example/,https,198.51.100.7:443,blocked,tls.reset.sni,network,sni-reset,,,"
        "21.300,65.000,134.400,88.700,321.700,5120,200,udp://192.0.2.53,transfer,ok,1,vantage,"
        "target,c-1,,m-1\r\n"
    )


def test_what_is_not_known_is_empty() -> None:
    bare = replace(MEASUREMENT, vantage=Vantage(id="local"), steps=(), invalid="no such file")
    found = row(bare)
    assert {name for name, cell in found.items() if not cell} == {
        *("asn", "network", "address", "outcome", "mechanism", "locus", "rule", "failure"),
        *("failed_op", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms", "bytes"),
        *("http_status", "resolver", "control_outcome"),
    }
    assert found["invalid"] == "no such file"


def test_a_failure_is_that_of_the_deciding_transaction() -> None:
    other = step("connect", 3, 0.4, 10.4, "generic_timeout_error", "198.51.100.8:443")
    reset = replace(HANDSHAKE, failure="connection_reset")
    found = steps(LOOKUP, CONNECT, reset, other)
    assert found["failure"] == "connection_reset"
    assert found["failed_op"] == "tls_handshake"
    assert found["address"] == ADDRESS
    assert (found["tls_ms"], found["first_byte_ms"], found["total_ms"]) == (
        "134.400",
        "",
        "221.500",
    )


def test_a_success_at_another_address_is_what_is_shown() -> None:
    refused = step("connect", 2, 0.0, 0.01, "connection_refused", "[2001:db8::7]:443")
    works = step("connect", 3, 0.0, 0.02)
    found = steps(refused, works, check="tcp")
    assert (found["failure"], found["address"], found["connect_ms"]) == ("", ADDRESS, "20.000")


def test_the_dns_check_shows_the_query_that_decides() -> None:
    failed = step("resolve", 1, 0.0, 5.0, "generic_timeout_error", None, resolver="system")
    connect = step("connect", 2, 0.1, 0.2, None, "192.0.2.53:853", resolver="tls://192.0.2.53")
    answer = step("resolve", 2, 0.2, 0.25, None, "192.0.2.53:853", resolver="tls://192.0.2.53")
    found = steps(failed, connect, answer, check="dns")
    assert found["resolver"] == "tls://192.0.2.53"
    assert (found["dns_ms"], found["connect_ms"]) == ("150.000", "100.000")
    assert found["address"] == "192.0.2.53:853"


def test_after_a_redirect_the_connection_is_the_targets_and_the_answer_the_last() -> None:
    first = replace(RESPONSE, detail={"status": 301, "first_byte": 0.3})
    again = step("connect", 2, 0.4, 0.41, None, "203.0.113.9:443")
    asked = step("http_request", 2, 0.5, 0.5, None, "203.0.113.9:443")
    got = step("http_response", 2, 0.5, 0.6, status=200, first_byte=0.525)
    end = step("transfer", 2, 0.6, 0.7, bytes=7)
    found = steps(CONNECT, HANDSHAKE, REQUEST, first, TRANSFER, again, asked, got, end)
    assert (found["address"], found["connect_ms"]) == (ADDRESS, "65.000")
    assert (found["http_status"], found["bytes"]) == ("200", "7")
    assert (found["first_byte_ms"], found["total_ms"]) == ("25.000", "700.000")


@pytest.mark.parametrize("odd", ["12", None, [1], {"a": 1}, True, float("inf")])
def test_a_detail_of_another_type_is_no_trouble(odd: Any) -> None:
    response = replace(RESPONSE, detail={"status": odd, "first_byte": odd})
    found = steps(replace(LOOKUP, detail={"resolver": odd}), CONNECT, HANDSHAKE, REQUEST, response)
    assert found["target"] == "media"
    if not isinstance(odd, float):
        assert (found["http_status"], found["first_byte_ms"]) == ("", "")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_cell_is_a_formula(first: str) -> None:
    evil = f"{first}HYPERLINK('x')"
    found = row(
        replace(
            MEASUREMENT,
            id=evil,
            cycle=evil,
            vantage=replace(MEASUREMENT.vantage, id=evil, country=evil),
            target=Target(id=evil, service=evil, feature=evil, url=evil),
            origin=evil,
            invalid=evil,
            steps=(replace(CONNECT, op=evil, address=evil, failure=evil),),
        ),
        JUDGED._replace(mechanism=evil, rule=evil),
    )
    harmless = f"'{evil}"
    assert {name for name, cell in found.items() if cell == harmless} == {
        *("vantage", "country", "service", "feature", "target", "url", "address", "mechanism"),
        *("rule", "failure", "failed_op", "origin", "cycle", "invalid", "measurement"),
    }


@pytest.mark.parametrize(
    "odd", ['say "no"', "a,b", "line\nbreak", "line\r\nbreak", "微信 é \U0001f512", "\x00", " "]
)
def test_any_text_comes_back_from_its_cell(odd: str) -> None:
    assert row(replace(MEASUREMENT, invalid=odd))["invalid"] == odd


@given(st.text())
def test_a_cell_never_begins_like_a_formula(value: str) -> None:
    cell = text(value)
    assert cell is not None
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == value.removeprefix("'")


def test_steps_are_one_row_each() -> None:
    out = io.StringIO(newline="")
    measurement = replace(MEASUREMENT, steps=(LOOKUP, replace(CONNECT, failure="timed_out")))
    assert write_steps([measurement, replace(measurement, steps=())], out) == 2
    assert out.getvalue() == (
        "measurement,started,target,op,transaction,address,t0,t,failure,detail\r\n"
        "m-1,2017-07-18T04:00:00.000000Z,media,resolve,1,192.0.2.53:53,0.000000,0.021300,,"
        '"{""resolver"":""udp://192.0.2.53""}"\r\n'
        "m-1,2017-07-18T04:00:00.000000Z,media,connect,2,198.51.100.7:443,0.022000,0.087000,"
        "timed_out,{}\r\n"
    )


def test_verdicts_are_one_row_each() -> None:
    out = io.StringIO(newline="")
    assert write_verdicts([VERDICT], out) == 1
    assert out.getvalue() == (
        "at,vantage,country,asn,network,service,feature,target,url,outcome,mechanism,locus,rule,"
        "rules,covered,control_outcome,policy,members_ok,members_failed,partial,note,cycle,verdict,"
        "evidence\r\n"
        "2017-07-18T04:00:00.000000Z,sh-ct-1,CN,4134,residential,messenger,media,,,ok,,,members,"
        '1,transfer,ok,any,1,1,true,"one of two, which is enough",c-1,v-1,m-1 m-2\r\n'
    )
