"""The state of the vantage's own network, from its anchors: without it nothing may be concluded."""

from collections.abc import Iterable
from enum import StrEnum

from probe.core.model import Measurement
from probe.judge.deciding import deciding


class VantageState(StrEnum):
    """What the anchors say together.

    ``INTERNATIONAL_PATH_DOWN``: domestic anchors answer and foreign ones do not, which is what a
    national shutdown looks like. ``UNTESTED``: there are no anchors.
    """

    ONLINE = "online"
    INTERNATIONAL_PATH_DOWN = "international_path_down"
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
        VantageState.INTERNATIONAL_PATH_DOWN,
        VantageState.ONLINE,
    ):
        if state in states:
            return state
    return VantageState.UNTESTED


def _of_round(anchors: list[Measurement]) -> VantageState:
    answers: dict[str, bool] = {}
    for anchor in anchors:
        decided = deciding(anchor)
        kind = anchor.target.feature
        answers[kind] = answers.get(kind, False) or bool(decided and decided.succeeded)
    if answers.get("international"):
        return VantageState.ONLINE
    if answers.get("domestic"):
        foreign = "international" in answers
        return VantageState.INTERNATIONAL_PATH_DOWN if foreign else VantageState.ONLINE
    return VantageState.OFFLINE
