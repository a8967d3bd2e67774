"""probe.compare.wording: each sentence can be quoted, and claims no more than was seen."""

from datetime import timedelta
from typing import Any

import pytest
from support.reported import START, answered, cycles, reported

from probe.core.model import Vantage, Verdict

DAY = timedelta(days=1)
NOTHING = "the data says nothing about this report."


def said(verdicts: list[Verdict], until: timedelta = 100 * DAY, **changes: Any) -> str:
    return answered(verdicts, reported(**changes), until=START + until).sentence


def test_what_was_seen_is_counted_and_not_judged() -> None:
    verdicts = [*cycles("." * 40, START - DAY), *cycles("x" * 12 + "." * 8)]
    assert said(verdicts) == (
        "Seen from lab-1, whatsapp media failed in 12 of 20 cycles in the reported window, against "
        "0 of 40 before; without a control this supports or contradicts nothing."
    )


def test_one_cycle_is_a_cycle() -> None:
    verdicts = [*cycles("x"), *cycles("x.", START + 2 * DAY)]
    assert said(verdicts) == (
        "Seen from lab-1, whatsapp media failed in 1 of 1 cycle in the reported window, against "
        "1 of 2 after; too little of the window, or too few networks, were measured to decide."
    )


def test_where_nothing_lies_beside_the_window_it_says_so() -> None:
    assert "0 of 3 cycles in the reported window, with nothing measured beside it;" in said(
        list(cycles("..."))
    )


def test_several_vantages_and_features_are_named_and_many_are_counted() -> None:
    def at(*names: str) -> list[Verdict]:
        places = [Vantage(id=name, country="CN") for name in names]
        return [v for place in places for v in cycles("x", vantage=place)]

    assert said(at("b", "a")).startswith(
        "Seen from a and b, whatsapp media failed in 2 of 2 cycles"
    )
    assert said(at("c", "b", "a")).startswith("Seen from a, b and c, ")
    assert said(at("d", "c", "b", "a")).startswith("Seen from 4 vantages, ")
    both = [*cycles("x"), *cycles(".", feature="text")]
    assert "whatsapp media and whatsapp text failed in 1 of 2" in said(both, features=None)


def test_only_what_concluded_in_the_window_is_said_to_have_seen_it() -> None:
    idle = Vantage(id="idle", country="CN")
    verdicts = [*cycles("x"), *cycles("ooo", vantage=idle), *cycles(".", START - DAY, vantage=idle)]
    assert said(verdicts).startswith("Seen from lab-1, ")


def test_a_supported_report_is_told_with_its_dates_in_its_own_time() -> None:
    quiet = [*cycles("." * 1440, START - 10 * DAY), *cycles("." * 288, START + 2 * DAY)]
    assert said([*quiet, *cycles("b" * 288)], until=4 * DAY) == (
        "Seen from lab-1, whatsapp media failed in 288 of 288 cycles in the reported window, "
        "against 0 of 288 before and 0 of 288 after, beginning between 2017-07-17 23:50 and "
        "2017-07-18 00:00 and ending between 2017-07-19 23:50 and 2017-07-20 00:00 "
        "(Asia/Shanghai); this supports the report."
    )


def test_what_has_not_ended_is_still_failing_and_what_was_so_already_began_before() -> None:
    quiet = list(cycles("." * 1440, START - 10 * DAY))
    assert "still failing at 2017-07-19 23:50 (Asia/Shanghai)" in said([*quiet, *cycles("b" * 288)])
    assert "failed in 288 of 288" in said(list(cycles("b" * 288)))
    assert ", beginning before 2017-07-18 00:00 and still failing" in said(list(cycles("b" * 288)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "CN measured whatsapp media between 2017-07-18 and 2017-07-19"),
        (
            {"end_earliest": "2017-07-18", "end_latest": "2017-07-18"},
            "CN measured whatsapp media on 2017-07-18",
        ),
        (
            {"asns": [4134, 4837, 9808], "networks": ["mobile", "leased_line"]},
            "CN (AS4134, AS4837 or AS9808; mobile or leased line) measured whatsapp media between",
        ),
        ({"features": None}, "CN measured whatsapp between"),
        ({"services": None}, "CN measured any service's media between"),
        ({"services": None, "features": None}, "CN measured any service between"),
        ({"features": ["media", "calls"]}, "CN measured whatsapp media or calls between"),
        (
            {"end_latest": "2017-07-19T12:30:00+08:00"},
            "whatsapp media between 2017-07-18 00:00 and 2017-07-19 12:30 (Asia/Shanghai)",
        ),
        (
            {"end_latest": "2017-07-19T12:30:07+08:00"},
            "whatsapp media between 2017-07-18 00:00:00 and 2017-07-19 12:30:07 (Asia/Shanghai)",
        ),
        (
            {"end_earliest": None, "end_latest": None},
            "whatsapp media between 2017-07-18 and 2017-07-27",
        ),
    ],
)
def test_where_nobody_measured_it_says_what_where_and_when(
    changes: dict[str, Any], expected: str
) -> None:
    until = timedelta(days=9, hours=3)
    sentence = said([], until=until, **changes)
    assert sentence.startswith("No vantage in CN")
    assert expected in sentence
    assert sentence.endswith(f": {NOTHING}")


def test_a_vantage_that_measured_at_another_time_is_named() -> None:
    assert said(list(cycles("xxx", START - 30 * DAY))) == (
        f"lab-1 measured whatsapp media, but not between 2017-07-18 and 2017-07-19: {NOTHING}"
    )


@pytest.mark.parametrize(("pattern", "count"), [("o", "1 cycle"), ("oo?i", "4 cycles")])
def test_a_vantage_that_could_not_conclude_is_named(pattern: str, count: str) -> None:
    assert said(list(cycles(pattern))) == (
        f"lab-1 ran {count} of whatsapp media between 2017-07-18 and 2017-07-19 without any "
        f"conclusion (offline, inconclusive or invalid): {NOTHING}"
    )


def test_a_vantage_in_an_unknown_country_is_named_only_if_it_saw_something_then() -> None:
    local = Vantage(id="local")
    assert said(list(cycles("x", vantage=local))).endswith(
        f"{NOTHING} local did measure whatsapp media then, but in a country that is not known "
        "(ZZ), which counts for no report."
    )
    assert said(list(cycles("o", vantage=local))).endswith(NOTHING)
    assert said(list(cycles("x", START - DAY, vantage=local))).endswith(NOTHING)


def test_a_window_to_come_says_nothing() -> None:
    sentence = said(list(cycles("x")), until=-DAY, end_earliest=None, end_latest=None)
    assert sentence == f"The reported window begins after the time looked at: {NOTHING}"
