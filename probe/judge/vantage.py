"""The state of the vantage's own network, from its anchors: without it nothing may be concluded.

A round of anchors holds pages over TLS, domestic and foreign; pages over plain HTTP by which a
captive portal gives itself away (RFC 8952); and a query for a name that cannot exist.
"""

from collections.abc import Container, Iterable, Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from statistics import median
from typing import Final

from probe.core.model import Measurement, Step
from probe.judge.deciding import EXTRA_ANSWER, Deciding, deciding

INTERNATIONAL: Final = "international"
DOMESTIC: Final = "domestic"
PORTAL: Final = "portal"
WILDCARD: Final = "wildcard"
CLOCK_NOTED: Final = 5.0  # seconds
CLOCK_VOIDS: Final = 300.0  # seconds: what depends on dates says nothing any more
NETWORKS: Final = frozenset({INTERNATIONAL, DOMESTIC})
_LONGEST_AGE: Final = 366 * 86400.0  # seconds that a cache may claim to have kept a page


class VantageState(StrEnum):
    """What the anchors say together.

    ``INTERNATIONAL_PATH_DOWN``: domestic anchors answer and foreign ones do not, which is what a
    national shutdown looks like. ``CAPTIVE``: somebody else answers for plain pages, and no anchor
    over TLS does. ``UNTESTED``: there are no anchors.
    """

    ONLINE = "online"
    INTERNATIONAL_PATH_DOWN = "international_path_down"
    CAPTIVE = "captive"
    OFFLINE = "offline"
    UNTESTED = "untested"


def vantage_state(anchors: Iterable[Measurement]) -> VantageState:
    """The state that one or more rounds of anchors show; of several rounds, the worst.

    One anchor that answers is enough: they are run by different vendors, and any of them may be
    down or blocked by itself.
    """
    rounds: dict[str, list[Measurement]] = {}
    for anchor in anchors:
        if anchor.invalid is None:
            rounds.setdefault(anchor.cycle, []).append(anchor)
    states = {_of_round(round_) for round_ in rounds.values()}
    for state in (
        VantageState.OFFLINE,
        VantageState.CAPTIVE,
        VantageState.INTERNATIONAL_PATH_DOWN,
        VantageState.ONLINE,
    ):
        if state in states:
            return state
    return VantageState.UNTESTED


def _of_round(anchors: list[Measurement]) -> VantageState:
    answers: dict[str, bool] = {}
    proved = False
    for anchor in anchors:
        kind, decided = anchor.target.feature, deciding(anchor)
        if kind not in NETWORKS:
            continue
        answered = decided is not None and decided.succeeded
        answers[kind] = answers.get(kind, False) or answered
        proved = proved or (decided is not None and answered and _proved(decided))
    if not answers:
        return VantageState.UNTESTED
    # A portal may answer for every address: only a certificate proves that somebody else did.
    if not proved and replaced_pages(anchors):
        return VantageState.CAPTIVE
    if answers.get(INTERNATIONAL):
        return VantageState.ONLINE
    if answers.get(DOMESTIC):
        foreign = INTERNATIONAL in answers
        return VantageState.INTERNATIONAL_PATH_DOWN if foreign else VantageState.ONLINE
    return VantageState.OFFLINE


def _proved(decided: Deciding) -> bool:
    """Whether the other end showed a certificate for its name, and it was looked at."""
    return any(
        step.op == "tls_handshake" and step.failure is None and step.detail.get("verify", True)
        for step in decided.steps
    )


def replaced_pages(anchors: Iterable[Measurement]) -> tuple[str, ...]:
    """The URLs of plain pages in whose place something else came, a redirect or another page."""
    return tuple(
        dict.fromkeys(
            anchor.target.url
            for anchor in anchors
            if anchor.target.feature == PORTAL
            and anchor.invalid is None
            and any(step.op == "expect" and step.failure is not None for step in anchor.steps)
        )
    )


def wildcard_addresses(anchors: Iterable[Measurement]) -> frozenset[str]:
    """The addresses that came for a name that cannot exist, also as a second answer: that they
    come for some other name proves nothing about it."""
    return frozenset(
        str(answer.get("data"))
        for step in _wildcard_steps(anchors, {"resolve", EXTRA_ANSWER})
        for answer in step.detail.get("answers") or ()
        if answer.get("type") in {"A", "AAAA"}
    )


def wildcarding_resolvers(anchors: Iterable[Measurement]) -> frozenset[str]:
    """The resolvers that answered so, as results name them."""
    return frozenset(
        str(step.detail["resolver"])
        for step in _wildcard_steps(anchors, {"resolve"})
        if step.failure is None
    )


def _wildcard_steps(anchors: Iterable[Measurement], ops: Container[str]) -> Iterator[Step]:
    for anchor in anchors:
        if anchor.target.feature == WILDCARD and anchor.invalid is None:
            yield from (step for step in anchor.steps if step.op in ops)


def clock_offset(anchors: Iterable[Measurement]) -> float | None:
    """Seconds by which this machine's clock is ahead of the anchors', to a second; None unknown.

    The median over the Date headers (RFC 9110 section 6.6.1) of anchors that proved their names,
    each held against this clock at the moment of its arrival.
    """
    offsets = []
    for anchor in anchors:
        decided = deciding(anchor)
        if anchor.target.feature not in NETWORKS or anchor.invalid is not None or decided is None:
            continue
        if not _proved(decided):
            continue
        for step in decided.steps:
            told = _told(step) if step.op == "http_response" and step.failure is None else None
            if told is not None:
                offsets.append(anchor.started.timestamp() + step.t - told)
    return median(offsets) if offsets else None


def _told(step: Step) -> float | None:
    """The time that a response tells, as seconds since 1970.

    A cache hands on the date of the origin, and in Age how long ago that was (RFC 9111 section
    4.2.3). The date is cut to its second: on average, half a one has passed since.
    """
    try:
        headers = dict(step.detail.get("headers") or ())
        date = parsedate_to_datetime(headers["date"])
        age = int(headers.get("age", 0))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    known = date if date.tzinfo else date.replace(tzinfo=UTC)
    return known.timestamp() + age + 0.5 if 0 <= age <= _LONGEST_AGE else None
