"""Which disruptions count when no control stands behind them: what a line does by itself does not.

A control, or the path itself, tells a service that is disrupted from a line that is bad. Where
neither was there, as in most of what an outage is held against, only three things can: when it
failed, how much worse that is than anything else on the same line, and whether the other lines
failed, too. A disruption without a control counts where all three agree.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from probe.compare.findings import Finding

_FEW: Final = 5  # failures; fewer in a row are what any line has
_TIMES: Final = 2  # it fails for so many times as many cycles as at any other time


def standing(findings: Iterable[Finding]) -> list[Finding]:
    """Of the findings of what is claimed, those that bear it out, whatever the line is like.

    A feature that failed without a control is borne out by most of the networks that saw it, or
    by none of them: each is the control of the others.
    """
    found: list[Finding] = []
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        if one.during.cycles:
            groups.setdefault((one.cell.service, one.cell.feature), []).append(one)
    for group in groups.values():
        controlled = [one for one in _claimed(group) if _controlled(one)]
        alone = [one for one in _claimed(group) if not _controlled(one) and _stands_out(one)]
        most = 2 * (len(controlled) + len(alone)) > len(group)
        found += controlled + (alone if most else [])
    return found


def _claimed(group: Iterable[Finding]) -> Sequence[Finding]:
    return [one for one in group if one.state == "as_claimed"]


def _controlled(one: Finding) -> bool:
    """Whether a control, or the path itself, stands behind at least half of what failed."""
    return 2 * one.failures["unreachable"] <= one.failures.total()


def _stands_out(one: Finding) -> bool:
    """Whether it failed when it is said to have, and much longer than ever else."""
    if one.dates:
        return False  # nothing but its time connects it with what is reported
    failing, reached = one.cell.failing, one.episodes
    longest = max(failing.count(1, episode.first, episode.last) for episode in reached)
    others = [
        failing.count(1, episode.first, episode.last)
        for episode in one.cell.episodes
        if episode not in reached
    ]
    elsewhere = failing[: reached[0].first], failing[reached[-1].last :]
    others += [len(run) for part in elsewhere for run in part.split(b"\0")]
    return longest >= max(_FEW, _TIMES * max(others))
