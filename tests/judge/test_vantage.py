"""probe.judge.vantage: what the anchors say about the vantage's own network."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.records import anchor, https, measured, step
from support.virtual import DAY

from probe.core.model import Measurement, Target
from probe.judge.evidence import Evidence
from probe.judge.vantage import (
    VantageState,
    clock_offset,
    vantage_state,
    wildcard_addresses,
    wildcarding_resolvers,
)
from probe.judge.verdict import judge

ONLINE, CUT, OFFLINE, UNTESTED = (
    VantageState.ONLINE,
    VantageState.INTERNATIONAL_PATH_DOWN,
    VantageState.OFFLINE,
    VantageState.UNTESTED,
)


def round_(pattern: str, cycle: str = "round-1") -> list[Measurement]:
    """A letter per anchor: I or D answered, i or d did not (international, domestic)."""
    kinds = {"i": "international", "d": "domestic"}
    return [anchor(up=c.isupper(), feature=kinds[c.lower()], cycle=cycle) for c in pattern]


@pytest.mark.parametrize(
    ("pattern", "state"),
    [
        ("", UNTESTED),
        ("I", ONLINE),
        ("iiiI", ONLINE),
        ("i", OFFLINE),
        ("iiid", OFFLINE),
        ("iD", CUT),
        ("iidD", CUT),
        ("Id", ONLINE),
        ("ID", ONLINE),
        ("D", ONLINE),
        ("d", OFFLINE),
    ],
)
def test_one_anchor_that_answers_is_enough_for_its_kind(pattern: str, state: VantageState) -> None:
    for order in set(itertools.permutations(pattern)):
        assert vantage_state(round_("".join(order))) is state


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ("ID", "iD", CUT),
        ("ID", "id", OFFLINE),
        ("iD", "id", OFFLINE),
        ("ID", "ID", ONLINE),
        ("ID", "", ONLINE),
    ],
)
def test_of_two_rounds_the_worse_counts(before: str, after: str, state: VantageState) -> None:
    one, two = round_(before, "round-1"), round_(after, "round-2")
    assert vantage_state([*one, *two]) is state
    assert vantage_state([*two, *one]) is state


def test_an_anchor_with_an_error_of_ours_says_nothing() -> None:
    broken = anchor(up=False, invalid="a bug")
    assert vantage_state([broken]) is UNTESTED
    assert vantage_state([broken, *round_("D")]) is ONLINE
    assert vantage_state([anchor(up=True, invalid="a bug"), *round_("i")]) is OFFLINE


# --- captive portals -----------------------------------------------------------------------------


def portal(failure: str | None, **more: Any) -> Measurement:
    """A plain page with the right answer, another one, or none."""
    steps = [step("connect"), step("http_response", status=302)]
    if failure is None or failure.startswith("unknown"):
        steps.append(step("expect", 1, failure))
    else:
        steps = [step("connect", 1, failure)]
    page = Target(id="p", service="anchors", feature="portal", url="http://portal.example/")
    return measured("http", steps, cycle="round-1", target=page, role="anchor", **more)


REPLACED = portal("unknown_failure: not as expected")


def plain(*, up: bool) -> Measurement:
    """An anchor without TLS, for which a portal can answer."""
    steps = [step("connect")] if up else [step("connect", 1, "generic_timeout_error")]
    return replace(anchor(up=True), steps=tuple(steps), check="tcp")


@pytest.mark.parametrize(
    ("anchors", "state"),
    [
        ([anchor(up=False), REPLACED], VantageState.CAPTIVE),
        ([plain(up=True), REPLACED], VantageState.CAPTIVE),
        ([anchor(up=True), REPLACED], ONLINE),  # a certificate proves somebody else than a portal
        ([anchor(up=False), portal("generic_timeout_error")], OFFLINE),
        ([anchor(up=False), portal(None)], OFFLINE),
        ([anchor(up=False), replace(REPLACED, invalid="a bug")], OFFLINE),
        ([REPLACED], UNTESTED),
    ],
)
def test_a_portal_is_one_that_replaces_pages_while_nothing_answers_over_tls(
    anchors: list[Measurement], state: VantageState
) -> None:
    for order in itertools.permutations(anchors):
        assert vantage_state(order) is state


# --- resolvers that answer for everything --------------------------------------------------------


def wildcard(*steps: Any, **more: Any) -> Measurement:
    """A query for a name that cannot exist."""
    name = Target(id="w", service="anchors", feature="wildcard", url="dns://qwertz.com")
    return measured("dns", steps, cycle="round-1", target=name, role="anchor", **more)


LURE = step("resolve", resolver="udp://192.0.2.53", answers=[{"type": "A", "data": "203.0.113.9"}])
HONEST = step("resolve", 2, "dns_nxdomain_error", resolver="udp://192.0.2.54", answers=[])


def test_a_resolver_that_answers_for_what_cannot_exist_is_known_with_its_answers() -> None:
    round_of_both = [anchor(up=True), wildcard(LURE, HONEST)]
    assert wildcarding_resolvers(round_of_both) == {"udp://192.0.2.53"}
    assert wildcard_addresses(round_of_both) == {"203.0.113.9"}
    assert wildcard_addresses([wildcard(LURE, invalid="a bug")]) == frozenset()
    assert wildcarding_resolvers([wildcard(HONEST)]) == frozenset()


def test_the_verdict_on_a_failure_says_whose_answers_prove_nothing() -> None:
    failed = measured("https", https("connect", "connection_refused"))
    told = judge(Evidence(trials=(failed,), anchors=(anchor(up=True), wildcard(LURE))), DAY)
    assert "udp://192.0.2.53 answers for names that do not exist" in (told.note or "")


# --- the clock -----------------------------------------------------------------------------------


def dated(ahead: float, name: str = "date", **headers: str) -> Measurement:
    """An anchor over TLS, by whose Date this machine is so many seconds ahead."""
    told = (DAY - timedelta(seconds=ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    found = anchor(up=True, started=DAY)
    steps = [
        replace(s, detail={**s.detail, "headers": [[name, told], *map(list, headers.items())]})
        if s.op == "http_response"
        else s
        for s in found.steps
    ]
    return replace(found, steps=tuple(steps))


@pytest.mark.parametrize("ahead", [-7200.0, -3.0, 0.0, 600.0])
def test_the_clock_is_held_against_the_dates_of_anchors(ahead: float) -> None:
    assert clock_offset([dated(ahead)]) == pytest.approx(ahead, abs=1.5)


def test_one_wrong_server_does_not_put_the_clock_wrong() -> None:
    assert clock_offset([dated(0), dated(86400), dated(1)]) == pytest.approx(0, abs=2)


def test_a_cache_tells_how_old_its_date_is() -> None:
    assert clock_offset([dated(500, age="500")]) == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize(
    "headers",
    [{"name": "expires"}, {"age": "-5"}, {"age": "soon"}, {"age": "9" * 30}],
    ids=["no date", "negative", "a word", "absurd"],
)
def test_what_cannot_be_read_tells_no_time(headers: Any) -> None:
    assert clock_offset([dated(0, **headers)]) is None


def test_only_a_proven_server_tells_the_time() -> None:
    unproven = replace(
        dated(9000), steps=tuple(s for s in dated(9000).steps if s.op != "tls_handshake")
    )
    assert clock_offset([unproven, anchor(up=False)]) is None
