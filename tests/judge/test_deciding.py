"""probe.judge.deciding: one transaction speaks for the whole measurement."""

from datetime import UTC, datetime

import pytest

from probe.core.model import Measurement, Software, Step, Target, Vantage
from probe.judge.deciding import deciding, lookups

RESOLVER = "udp://192.0.2.53"
RESET = "connection_reset"


def step(op: str, transaction: int, failure: str | None = None, *, resolver: str = "") -> Step:
    detail = {"resolver": resolver} if resolver else {}
    return Step(op=op, transaction=transaction, t0=0.0, t=0.1, failure=failure, detail=detail)


def query(transaction: int, failure: str | None = None) -> Step:
    return step("resolve", transaction, failure, resolver=RESOLVER)


def measurement(check: str, *steps: Step) -> Measurement:
    return Measurement(
        id="m",
        run="r",
        cycle="c",
        started=datetime(2017, 7, 18, tzinfo=UTC),
        vantage=Vantage(id="local"),
        target=Target(id="t", service="s", feature="f", url="u"),
        check=check,
        steps=steps,
        software=Software(name="probe", version="0"),
    )


def test_nothing_decides_where_nothing_was_done() -> None:
    assert deciding(measurement("tcp")) is None
    assert lookups(measurement("tcp")) is None
    only_extra = measurement("dns", step("extra_answer", 1, resolver=RESOLVER))
    assert deciding(only_extra) is None


@pytest.mark.parametrize(
    ("check", "last"),
    [
        ("tcp", "connect"),
        ("tls", "tls_handshake"),
        ("http", "transfer"),
        ("https", "transfer"),
        ("https", "expect"),
        ("a plugin's", "whatever"),
    ],
)
def test_a_transaction_succeeds_with_its_checks_last_operation(check: str, last: str) -> None:
    done = deciding(measurement(check, query(1), step("dial", 2), step(last, 2)))
    assert done
    assert (done.transaction, done.succeeded, done.failed, done.lookup) == (2, True, None, False)


@pytest.mark.parametrize("check", ["tls", "http", "https"])
def test_a_connection_alone_is_no_success_of_a_check_that_wants_more(check: str) -> None:
    cut = deciding(measurement(check, step("connect", 1)))
    assert cut
    assert (cut.succeeded, cut.failed) == (False, None)


def test_the_first_success_decides_even_behind_failures() -> None:
    found = deciding(
        measurement(
            "tcp", step("connect", 3), step("connect", 1, RESET), step("connect", 2), query(4)
        )
    )
    assert found
    assert (found.transaction, found.succeeded) == (2, True)


def test_without_a_success_the_first_failure_decides_not_what_was_cut_off() -> None:
    found = deciding(
        measurement(
            "tls",
            step("connect", 1),
            step("connect", 3, RESET),
            step("connect", 2),
            step("tls_handshake", 2, RESET),
        )
    )
    assert found
    assert (found.transaction, found.succeeded) == (2, False)
    assert found.failed
    assert found.failed.op == "tls_handshake"


def test_a_step_behind_a_failure_does_not_make_a_success_of_it() -> None:
    found = deciding(
        measurement("https", step("expect", 1, "http_unexpected_status_code"), step("transfer", 1))
    )
    assert found
    assert not found.succeeded
    assert found.failed is found.steps[0]


def test_a_redirect_that_is_followed_must_be_followed_to_its_end() -> None:
    hop = [step("connect", 1), step("http_response", 1), step("transfer", 1)]
    into = measurement("http", *hop, step("connect", 1))
    assert not deciding(into).succeeded  # type: ignore[union-attr]
    through = measurement("http", *hop, step("connect", 1), step("transfer", 1))
    assert deciding(through).succeeded  # type: ignore[union-attr]


def test_the_dns_check_is_decided_by_its_queries() -> None:
    found = deciding(
        measurement("dns", query(1, "dns_nxdomain_error"), query(2), step("connect", 3))
    )
    assert found
    assert (found.transaction, found.succeeded, found.lookup) == (2, True, True)


def test_a_failed_lookup_decides_where_no_address_was_tried() -> None:
    found = deciding(measurement("https", query(1, "dns_nxdomain_error"), query(2, RESET)))
    assert found
    assert (found.transaction, found.succeeded, found.lookup) == (1, False, True)
    assert found.failed
    assert found.failed.failure == "dns_nxdomain_error"


def test_a_lookup_that_succeeded_is_no_success_of_a_connection() -> None:
    found = deciding(measurement("tcp", query(1)))
    assert found
    assert (found.succeeded, found.failed) == (False, None)


def test_the_connection_under_a_query_belongs_to_the_lookup() -> None:
    doh = "https://dns.example/dns-query"
    under = [
        step("connect", 1, resolver=doh),
        step("tls_handshake", 1, resolver=doh),
        step("resolve", 1, resolver=doh),
    ]
    both = measurement("tls", *under, step("connect", 2), step("tls_handshake", 2, RESET))
    assert deciding(both).transaction == 2  # type: ignore[union-attr]
    found = lookups(both)
    assert found
    assert (found.transaction, found.succeeded, len(found.steps)) == (1, True, 3)


def test_lookups_prefers_an_answer_to_a_failure() -> None:
    asked = measurement("tcp", query(1, "dns_no_answer"), query(2), step("connect", 3, RESET))
    assert lookups(asked).transaction == 2  # type: ignore[union-attr]
    failed = measurement("tcp", query(1, "dns_no_answer"), query(2, RESET))
    assert lookups(failed).transaction == 1  # type: ignore[union-attr]
    assert lookups(measurement("tcp", step("connect", 1))) is None


def test_a_further_answer_decides_nothing() -> None:
    late = step("extra_answer", 1, "dns_reply_with_wrong_query_id", resolver=RESOLVER)
    found = deciding(measurement("dns", query(1), late))
    assert found
    assert (found.succeeded, found.failed, found.steps) == (True, None, (query(1),))
