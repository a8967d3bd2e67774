"""Keys and passwords: whether a control was asked the same, which has none or others.

Secrets go to no control. It may have some of its own for a target; whether those that are used
here are right, its success does not show.
"""

from functools import partial
from typing import Final

from probe.core import failure
from probe.core.model import JSON
from probe.judge import controls
from probe.judge.deciding import BEHIND, DATA, Deciding
from probe.judge.deepest import protocol_step
from probe.judge.evidence import Evidence

# No key and no password has part in these.
_BEFORE: Final = frozenset({"resolve", "connect", "socks5_greeting"})
_ONLY_TO_PEERS: Final = frozenset({"wireguard_initiation"})  # nobody else is answered at all
_MARKS: Final = ("login", "wrapping")  # details of steps: whether, or with what, one went along


def asked_otherwise(evidence: Evidence) -> bool:
    """A control was answered, but not what failed here: it has other keys or passwords of the
    target, most often none, and so it asked for less; or a proxy refused it.

    What fails here before a key or password comes into it is the same question as the control's.
    """
    return any(map(partial(_asked_otherwise, evidence), controls.valid(evidence)))


def _asked_otherwise(evidence: Evidence, control: controls.Seen) -> bool:
    step, here, there = evidence.failed, evidence.decided, control.decided
    if step is None or here is None or there is None:
        return False
    others = _credentials(here) != _credentials(there)
    if control.ok:
        asked_too = step.op not in BEHIND - {DATA} or step.op in {each.op for each in there.steps}
        return step.op not in _BEFORE and (
            others or not asked_too or (keyed(control) and not _key_is_right(evidence))
        )
    refused = there.failed is not None and there.failed.failure == failure.PROXY_REFUSED
    return refused and (others or evidence.failure != failure.PROXY_REFUSED)


def _key_is_right(evidence: Evidence) -> bool:
    """Whether the key that was used here is not what failed: the server answered to it, or it
    failed where no key matters. A control's key is another one."""
    step = protocol_step(evidence)
    steps = evidence.decided.steps if evidence.decided else ()
    answered = any(each.detail.get("authenticated") for each in steps)
    return answered or step is None or step.op in BEHIND or step.failure == failure.REFUSED


def _credentials(decided: Deciding) -> frozenset[tuple[str, JSON]]:
    """Which kind of key or login went along with each step."""
    marks = ((mark, step.detail.get(mark)) for step in decided.steps for mark in _MARKS)
    return frozenset((mark, value) for mark, value in marks if value is not None)


def keyed(control: controls.Seen) -> bool:
    """Whether it was answered because it has a key."""
    steps = control.decided.steps if control.decided else ()
    return any(s.detail.get("authenticated") or s.op in _ONLY_TO_PEERS for s in steps)
