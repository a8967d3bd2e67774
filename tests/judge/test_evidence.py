"""probe.judge.evidence: the questions that rules ask of a cycle's measurements."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.records import WEB, anchor, https, measured, resolve, step
from support.virtual import DAY

from probe.judge.evidence import Evidence

REFUSED = "connection_refused"


def connect(address: str, transaction: int = 2, failure: str | None = REFUSED):
    return step("connect", transaction, failure, address=address)


@pytest.mark.parametrize(
    ("check", "url", "steps", "local"),
    [
        ("tcp", "tcp://127.0.0.1:9", [connect("127.0.0.1:9")], True),
        ("tcp", "tcp://[::1]:9", [connect("[::1]:9")], True),
        ("tcp", "tcp://192.168.1.1:9", [connect("192.168.1.1:9")], True),
        ("https", "https://localhost/", [resolve(), connect("127.0.0.1:443")], True),
        ("tcp", "tcp://shop.example:9", [connect("10.0.0.1:9")], True),
        ("tcp", "tcp://shop.example:9", [resolve(), connect("127.0.0.1:9")], False),
        ("tcp", "tcp://shop.example:9", [connect("10.0.0.1:9"), connect("192.0.2.1:9", 3)], False),
        ("tcp", "tcp://192.0.2.1:9", [connect("192.0.2.1:9")], False),
        ("tcp", "tcp://shop.example:9", [], False),
        ("dns", "dns://localhost", [resolve("dns_nxdomain_error")], False),
    ],
)
def test_local_is_what_was_configured_so_never_what_an_answer_said(
    check: str, url: str, steps: list, local: bool
) -> None:
    assert Evidence(trials=(measured(check, steps, url=url),)).local is local


def test_the_first_trial_that_succeeded_decides() -> None:
    failed, good, later = (
        measured(steps=https("connect", REFUSED)),
        measured(steps=https()),
        measured(steps=https()),
    )
    assert Evidence(trials=(failed, good, later)).trial is good
    assert Evidence(trials=(failed, good)).failure is None


def test_without_a_success_the_last_trial_decides() -> None:
    first, last = (
        measured(steps=https("connect", REFUSED)),
        measured(steps=https("tls_handshake", "eof_error")),
    )
    evidence = Evidence(trials=(first, last))
    assert evidence.trial is last
    assert evidence.failure == "eof_error"


def test_a_success_within_an_invalid_trial_does_not_count() -> None:
    broken = measured(steps=https(), invalid="a bug")
    failed = measured(steps=https("connect", REFUSED))
    assert Evidence(trials=(broken, failed)).trial is failed


def test_only_ipv6_looks_at_every_address_of_the_target_and_no_resolvers() -> None:
    under = step("connect", 1, None, address="192.0.2.53:53", resolver="tcp://192.0.2.53")
    asked = step("resolve", 1, None, resolver="tcp://192.0.2.53")
    six = connect("[2001:db8::1]:9")
    assert Evidence(trials=(measured("tcp", [under, asked, six]),)).only_ipv6
    both = measured("tcp", [resolve(), six, connect("192.0.2.1:9", 3)])
    assert not Evidence(trials=(both,)).only_ipv6
    assert not Evidence(trials=(measured("tcp", [resolve("dns_no_answer")]),)).only_ipv6
    assert not Evidence(trials=(measured("tcp", []),)).only_ipv6


RESET = https("tls_handshake", "connection_reset")


def test_measurements_are_sorted_by_what_they_are() -> None:
    trial = measured(steps=RESET)
    parts = {
        "trials": trial,
        "anchors": anchor(up=True),
        "controls": replace(measured(steps=https()), origin="fra-1"),
        "control_anchors": replace(anchor(up=True), origin="fra-1"),
        "followups": measured("tls", role="followup"),
        "neighbours": measured("tls", RESET[1:], target=replace(WEB, id="other")),
    }
    found = Evidence.of(reversed(parts.values()), target="shop")
    assert {name: getattr(found, name) for name in parts} == {
        name: (measurement,) for name, measurement in parts.items()
    }


def test_trials_are_oldest_first_however_they_come() -> None:
    some = [measured(steps=RESET, started=DAY + timedelta(minutes=n)) for n in range(3)]
    again = replace(some[2], id="again", trial=2)
    found = Evidence.of([again, *reversed(some)], target="shop")
    assert found.trials == (*some, again)


def test_alike_counts_back_to_the_last_trial_that_failed_elsewhere_or_not_at_all() -> None:
    reset, refused, fine = (
        measured(steps=steps) for steps in (RESET, https("connect", REFUSED), https())
    )
    assert Evidence(trials=(reset, reset, reset)).alike == 3
    assert Evidence(trials=(reset, refused, reset, reset)).alike == 2
    assert Evidence(trials=(reset, replace(fine, cycle="before"), reset)).alike == 1
    assert not Evidence(trials=(reset, refused, reset, reset)).confirmed
    assert Evidence(trials=(reset, refused, reset, reset), needed=2).confirmed


def test_a_success_of_an_earlier_cycle_does_not_decide_this_one() -> None:
    before = measured(steps=https(), cycle="before")
    now = measured(steps=RESET, cycle="now")
    assert Evidence(trials=(before, now)).trial is now


def test_what_is_no_failure_is_confirmed_by_being_repeated_in_one_cycle() -> None:
    one = measured(steps=https())
    assert not Evidence(trials=(one,)).confirmed
    assert Evidence(trials=(one, replace(one, trial=2))).confirmed
    assert not Evidence(trials=(replace(one, cycle="before"), one)).confirmed
