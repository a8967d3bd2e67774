"""Whose certificate comes at the target's own address: does it depend on the name that is sent?

A server that holds the certificate for a name shows it to whoever asks for that name. One that
shows it under a neutral name, and something else under the name itself, is not what answers the
name: who reads it on the path leads it elsewhere. Several servers behind the address explain that
only by chance, since none of them is chosen by the name. So both names are sent in an order that
is drawn by lot: that 8 of each all fall as they must happens once in 12 870 times at most (16 over
8), by whatever rule, turn or chance servers are chosen without regard to the name.
"""

from typing import Final

from probe.core.model import Measurement, Step
from probe.judge import certificates, followups
from probe.judge.controls import valid
from probe.judge.deciding import HANDSHAKES
from probe.judge.decoy import of_kind
from probe.judge.deepest import inner
from probe.judge.evidence import Evidence, is_targets
from probe.judge.replies import said

TIMES: Final = 8  # handshakes under each of both names


def answered(evidence: Evidence) -> Step | None:
    """The handshake with the target that failed by what it was shown, or told."""
    step = evidence.failed
    if step is None or step.op not in HANDSHAKES or inner(step) or not is_targets(step):
        return None
    return step if certificates.refused(evidence) or said(step) else None


def handshake(evidence: Evidence) -> Step | None:
    """The same, if a name went along that can be read on the way."""
    step = answered(evidence)
    return step if step is not None and step.detail.get("server_name") else None


def diverted(evidence: Evidence) -> bool:
    """Whether the genuine certificate came under the neutral name, something else under the
    target's, and each often enough and without an exception."""
    neutral = of_kind(evidence, followups.NEUTRAL_AT_TARGET)
    named = of_kind(evidence, followups.NAME_AT_TARGET)
    enough = min(len(neutral), len(named)) >= TIMES
    return enough and all(fits(evidence, measurement) for measurement in (*neutral, *named))


def fits(evidence: Evidence, found: Measurement) -> bool:
    """Whether one such follow-up is as it must be, if it is the name that decides."""
    asked, own = handshake(evidence), genuine(evidence)
    step = next((s for s in found.steps if s.op in HANDSHAKES), None)
    if asked is None or step is None or step.address != asked.address:
        return False
    shown = certificates.leaf(step) if step.failure is None else None
    if found.followup == followups.NEUTRAL_AT_TARGET:
        return shown in own
    ours = step.detail.get("server_name") == asked.detail.get("server_name")
    return ours and ((shown is not None and shown not in own) or said(step))


def genuine(evidence: Evidence) -> frozenset[str]:
    """The certificates that the controls were shown at this very endpoint under this name, and
    accepted; none unless each of them was."""
    step = handshake(evidence)
    seen = [certificates.shown(control, step) for control in valid(evidence)] if step else []
    leaves = [certificates.leaf(s) if s and s.detail.get("verify", True) else None for s in seen]
    return frozenset(leaf for leaf in leaves if leaf) if all(leaves) else frozenset()
