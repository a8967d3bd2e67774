"""probe.compare.answer: which word is given for what was seen, by the contract's conditions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.reported import LAB, START, answered, cycles, reported

from probe.compare.answer import Answer
from probe.core.model import Network, Vantage, Verdict

DAY = timedelta(days=1)
BESIDE = 1440  # cycles: ten days before the window and as many after it
WINDOW = 288  # cycles: the two days of the window
UNTIL = START + 12 * DAY
OUTCOMES = {"d": "down", "n": "denied", "g": "degraded"}


def line(
    asn: int | None = 4134, network: Network | None = "residential", country: str = "CN"
) -> Vantage:
    return Vantage(id=f"{network}-{asn}", country=country, asn=asn, network=network)


def seen(
    pattern: str, vantage: Vantage = LAB, feature: str = "media", beside: str = "."
) -> Iterator[Verdict]:
    """The pattern, repeated, in the window; ten days of other cycles around it."""
    whole = beside * BESIDE + (pattern * WINDOW)[:WINDOW] + beside * BESIDE
    start = START - 10 * DAY
    yield from cycles(whole, start, vantage=vantage, feature=feature)


def judged(verdicts: Iterator[Verdict], outcome: str) -> Iterator[Verdict]:
    """The same, where what was blocked was something else."""
    from dataclasses import replace

    for verdict in verdicts:
        yield replace(verdict, outcome=outcome) if verdict.outcome == "blocked" else verdict


def three(pattern: str, network: Network = "residential", **more: Any) -> list[Verdict]:
    return [v for asn in (1, 2, 3) for v in seen(pattern, line(asn, network), **more)]


def held(verdicts: Any, until: Any = UNTIL, **changes: Any) -> Answer:
    return answered(verdicts, reported(**changes), until=until)


def word(verdicts: Any, until: Any = UNTIL, **changes: Any) -> str:
    return held(verdicts, until, **changes).answer


def test_a_block_on_one_network_supports_a_report_of_it() -> None:
    found = held(seen("b"))
    assert found.answer == "supported"
    assert (found.onset_earliest, found.onset_latest) == (START - DAY / 144, START)
    assert (found.end_earliest, found.end_latest) == (START + 2 * DAY - DAY / 144, START + 2 * DAY)
    # The report says the 18th, which is 24 hours long: 24 h and 10 minutes early at the most.
    assert found.lag == (pytest.approx(-24 - 1 / 6), 0.0)
    assert found.p is not None
    assert found.p < 0.01
    assert found.networks == {"CN AS4134 residential": "as claimed"}


def test_without_a_control_nothing_is_supported() -> None:
    found = held(seen("x"))
    assert found.answer == "inconclusive"
    assert found.sentence.endswith("without a control this supports or contradicts nothing.")


def test_what_was_down_everywhere_was_not_blocked() -> None:
    assert word(judged(iter(three("b")), "down")) == "contradicted"
    assert word(judged(seen("b"), "down")) == "inconclusive"
    assert word(judged(iter(three("b")), "denied")) == "inconclusive"


def test_throttling_supports_both_a_block_and_a_degradation_and_an_outage_is_anything() -> None:
    for kind in ("blocked", "degraded", "outage"):
        assert word(judged(seen("b"), "degraded"), kind=kind) == "supported"
    for outcome in ("down", "unreachable"):
        assert word(judged(seen("b"), outcome), kind="outage") == "supported"


def test_a_closed_provider_is_down_and_not_blocked() -> None:
    closed = {"kind": "provider_closed", "end_earliest": None, "end_latest": None}
    gone = "." * BESIDE + "b" * (WINDOW + BESIDE)

    def everywhere() -> list[Verdict]:
        return [v for n in (1, 2, 3) for v in cycles(gone, START - 10 * DAY, vantage=line(n))]

    assert word(judged(iter(everywhere()), "down"), **closed) == "supported"
    assert word(iter(everywhere()), **closed) == "contradicted"  # the controls reached it
    assert word(judged(iter(everywhere()), "unreachable"), **closed) == "inconclusive"


def test_three_networks_that_people_use_contradict_and_two_do_not() -> None:
    assert word(three(".")) == "contradicted"
    two = [v for v in three(".") if v.vantage.asn != 3]
    assert word(two) == "inconclusive"
    # Two vantages of one network are one network.
    assert word(
        [*two, *seen(".", Vantage(id="x", country="CN", asn=1, network="residential"))]
    ) == ("inconclusive")


@pytest.mark.parametrize("network", ["datacenter", "leased_line", None])
def test_lines_that_meet_less_blocking_never_contradict(network: Network | None) -> None:
    lines = [v for asn in range(1, 6) for v in seen(".", line(asn, network))]
    assert word(lines) == "inconclusive"


def test_a_report_of_networks_is_contradicted_by_those_alone() -> None:
    assert word(three("."), asns=[1, 2]) == "contradicted"
    assert word(three("."), asns=[1, 9]) == "inconclusive"
    assert word(three("."), networks=["residential"]) == "contradicted"
    assert word(three("."), networks=["residential", "mobile"]) == "inconclusive"
    assert word(
        [*three("."), *seen(".", line(7, "mobile"))], networks=["residential", "mobile"]
    ) == ("contradicted")


def test_a_fifth_of_the_window_unseen_contradicts_nothing() -> None:
    whole = WINDOW // 6
    assert word(three("." * 6 * (whole - 9) + "o" * 6 * 9)) == "contradicted"
    assert word(three("." * 6 * (whole - 12) + "o" * 6 * 12)) == "inconclusive"


def test_the_feature_that_is_named_has_to_be_seen() -> None:
    assert word(three("."), features=["media", "text"]) == "inconclusive"
    both = [*three("."), *three(".", feature="text")]
    assert word(both, features=["media", "text"]) == "contradicted"


def test_partly_says_which_feature_network_or_date() -> None:
    both = [*seen("b"), *seen(".", feature="text")]
    found = held(both, features=["media", "text"])
    assert (found.answer, "whatsapp text worked" in found.sentence) == ("partly", True)
    found = held([*seen("b"), *seen(".", line(7))])
    assert (found.answer, "on CN AS7 residential it worked" in found.sentence) == ("partly", True)
    early = {"onset_earliest": "2017-07-11", "onset_latest": "2017-07-11"}
    found = held(seen("b"), **early)
    assert found.answer == "partly"
    assert found.sentence.endswith("in part: it began later than reported.")
    found = held(seen("b"), end_earliest="2017-07-25", end_latest="2017-07-25")
    assert found.sentence.endswith("in part: it ended earlier than reported.")
    found = held(cycles("." * BESIDE + "b" * 900 + "." * 540, START - 10 * DAY))
    assert found.sentence.endswith("in part: it lasted longer than reported.")


def test_a_firm_s_line_that_works_takes_nothing_from_a_report() -> None:
    assert word([*seen("b"), *seen(".", line(7, "leased_line"))]) == "supported"


def test_what_was_blocked_before_anybody_looked_is_so_in_part() -> None:
    found = held(cycles("b" * 300))
    assert found.answer == "partly"
    assert "when it began was not measured" in found.sentence


SAYING = {"kind": "denial", "expects": "ok"}


def test_a_denial_is_supported_by_working_and_contradicted_by_blocks() -> None:
    assert word(seen("."), **SAYING) == "supported"
    assert word(three("b"), **SAYING) == "contradicted"
    assert word(seen("b"), **SAYING) == "inconclusive"
    assert word(seen("x"), **SAYING) == "inconclusive"
    assert word(seen(".", line(7, "datacenter")), **SAYING) == "inconclusive"


def test_a_denial_that_holds_on_some_networks_only_does_not_hold() -> None:
    mixed = [*seen("b", line(1)), *seen(".", line(2)), *seen(".", line(3))]
    assert word(mixed, **SAYING) == "contradicted"
    assert word(mixed, kind="statement", expects="ok") == "partly"


def test_a_statement_about_firms_lines_is_held_against_those() -> None:
    about = {"kind": "statement", "expects": "ok", "networks": ["leased_line"]}
    assert word(seen(".", line(7, "leased_line")), **about) == "supported"


def test_an_announcement_is_never_answered_in_part_and_not_contradicted_before_its_day() -> None:
    coming = {"kind": "announcement", "onset_latest": "2017-08-01", "end_earliest": None}
    coming["end_latest"] = None
    assert word(three("."), until=START + 11 * DAY, **coming) == "inconclusive"
    assert "need not have come" in held(three("."), until=START + 11 * DAY, **coming).sentence
    some = [*seen("b", line(1)), *seen(".", line(2))]
    assert word(some, kind="announcement") == "inconclusive"


def test_a_block_of_every_day_supports_no_report_of_one() -> None:
    daily = ("b" * 20 + "." * 124) * 22
    found = held(cycles(daily, START - 10 * DAY))
    assert found.answer in {"inconclusive", "partly"}


def test_many_reports_make_each_less_sure() -> None:
    from support.reported import compared

    reports = [reported(id=f"r{n}", features=["media"]) for n in range(2)]
    idle = [
        reported(
            id=f"i{n}",
            onset_earliest=f"2017-07-{9 + n:02}",
            onset_latest=f"2017-07-{9 + n:02}",
            end_earliest=f"2017-07-{10 + n}",
            end_latest=f"2017-07-{10 + n}",
        )
        for n in range(4)
    ]
    alone = compared(seen("b"), reports[0], until=UNTIL).answers[0]
    many = compared(seen("b"), reports[0], *idle, until=UNTIL).answers[0]
    assert alone.q == alone.p == many.p
    assert many.q is not None
    assert alone.q is not None
    assert many.q > alone.q
