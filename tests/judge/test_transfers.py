"""probe.judge.transfers: what is frozen or throttled, beside others on the same line."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import control, evidence, follow, transfer, trials
from support.records import https, measured, step

from probe.core.model import Measurement
from probe.judge import followups as f
from probe.judge import transfers
from probe.judge.evidence import Evidence
from probe.judge.verdict import rule_for

TIMEOUT = "generic_timeout_error"
FAST, SLOW = 500_000, 15_000


def moved(done: int, seconds: float, failure: str | None = None, last: float = 0.0) -> Measurement:
    return measured(steps=transfer(done, seconds, failure, last))


@pytest.mark.parametrize(
    ("done", "seconds", "failure", "rate"),
    [
        (100_000, 2.0, None, 50_000),
        (1000, 0.1, None, None),  # over too soon to have a rate
        (1000, 20.0, TIMEOUT, 50),  # long without being much
        (0, 20.0, TIMEOUT, 0),
    ],
)
def test_a_rate_is_that_of_a_transfer_which_was_long_enough(
    done: int, seconds: float, failure: str | None, rate: float | None
) -> None:
    found = transfers.rate(moved(done, seconds, failure))
    assert found == (None if rate is None else pytest.approx(rate))


def test_without_a_body_there_is_no_rate() -> None:
    assert transfers.rate(measured(steps=https("tls_handshake", "connection_reset"))) is None
    assert transfers.rate(measured(steps=[])) is None


def test_a_resolvers_own_transfer_is_not_the_target_s() -> None:
    under = step("transfer", 1, bytes=999_999, resolver="https://dns.example/")
    assert transfers.transfer_of(measured(steps=[under])) is None


def test_slow_begins_where_known_throttling_does() -> None:
    assert transfers.slow(moved(131_072, 7.0))  # 150 kbit/s
    assert not transfers.slow(moved(131_072, 1.0))


@pytest.mark.parametrize(
    ("done", "last", "failure", "frozen"),
    [
        (17_000, 1.0, TIMEOUT, True),
        (17_000, 1.0, "timed_out", True),
        (17_000, 19.5, TIMEOUT, False),  # it trickled to the end
        (17_000, 1.0, "connection_reset", False),
        (131_072, 1.0, None, False),
    ],
)
def test_frozen_is_what_began_and_then_stood_still(
    done: int, last: float, failure: str | None, frozen: bool
) -> None:
    assert transfers.frozen(moved(done, 20.0, failure, last)) is frozen


def test_what_never_began_is_not_frozen() -> None:
    body = replace(step("transfer", 2, TIMEOUT, bytes=0), t=20.0)
    assert not transfers.frozen(measured(steps=[*https("http_response")[:5], body]))


STALLED = transfer(17_000, 20.0, TIMEOUT, last=1.0)


@pytest.mark.parametrize(
    ("there", "degraded"),
    [
        (transfer(131_072, 1.0), True),
        (transfer(16_000, 1.0), False),  # a short page goes through anywhere
        (STALLED, False),
    ],
)
def test_frozen_needs_a_control_at_which_it_went_further(there: Any, degraded: bool) -> None:
    found = evidence(trials(STALLED), **control(there))
    assert transfers.frozen_here(found) is degraded
    assert (rule_for(found).id == "frozen") is degraded


def test_a_transfer_that_goes_through_when_it_is_tried_again_is_not_frozen() -> None:
    again = follow(f.TRANSFER_FROM_TARGET, transfer(131_072, 1.0), 1, "https")
    found = evidence(trials(STALLED), followups=(again,), **control(transfer(131_072, 1.0)))
    assert not transfers.frozen_here(found)


# --- a tenth, in three pairs ---------------------------------------------------------------------


def beside(kind: str, *speeds: tuple[float, float]) -> tuple[Measurement, ...]:
    """Pairs: the neutral transfer's speed and the other's."""
    return tuple(
        follow(each, transfer(int(4 * speed), 4.0), number, "https")
        for number, pair in enumerate(speeds, 1)
        for each, speed in zip((f.TRANSFER_NEUTRAL, kind), pair, strict=True)
    )


def named(*speeds: tuple[float, float]) -> Evidence:
    return evidence(
        (moved(131_072, 10.0),),
        followups=beside(f.TRANSFER_NAME, *speeds),
        **control(transfer(131_072, 0.5)),
    )


@pytest.mark.parametrize(
    ("speeds", "throttled"),
    [
        ([(FAST, SLOW)] * 3, True),
        ([(FAST, SLOW)] * 2, False),
        ([(FAST, SLOW)] * 2 + [(FAST, FAST)], False),
        ([(FAST, FAST / 9)] * 3, False),
        ([(FAST, FAST / 11)] * 3, True),
        ([(SLOW, SLOW)] * 3, False),
        ([], False),
    ],
)
def test_throttled_by_name_is_a_tenth_of_the_neutral_one_in_three_pairs(
    speeds: list[tuple[float, float]], throttled: bool
) -> None:
    assert transfers.throttled_by_name(named(*speeds)) is throttled
    assert (rule_for(named(*speeds)).id == "throttled-by-name") is throttled
    alone = replace(named(*speeds), controls=(), control_anchors=())
    assert rule_for(alone).outcome == "ok"  # law 2 does not name it


def test_halves_of_different_pairs_make_none() -> None:
    quick = beside(f.TRANSFER_NAME, *[(FAST, SLOW)] * 3)
    shifted = tuple(replace(m, trial=m.trial + (m.followup == f.TRANSFER_NAME)) for m in quick)
    assert not transfers.throttled_by_name(evidence((moved(131_072, 10.0),), followups=shifted))


def test_throttled_here_needs_a_control_that_was_quicker_too() -> None:
    pairs = beside(f.TRANSFER_FROM_TARGET, *[(FAST, SLOW)] * 3)
    slow = (moved(131_072, 10.0),)

    def rule(there: Any) -> str:
        return rule_for(evidence(slow, followups=pairs, **control(there))).id

    assert rule(transfer(131_072, 0.5)) == "throttled-here"
    assert rule(transfer(131_072, 9.0)) == "answered"  # slow for all
    assert rule(https("connect", "connection_refused")) == "answered"
    assert rule_for(evidence(slow, followups=pairs)).id == "answered"
    few = evidence(slow, followups=pairs[:4], **control(transfer(131_072, 0.5)))
    assert rule_for(few).id == "answered"
