"""What the other end said, where it is no answer of the target's.

Silence, a cut and a refusal are the same whoever causes them, and are told by where they happen.
But garbage, another protocol, an alert or a page is somebody's answer, and whose it is does not
stand in it: another server behind the same address, one that is just being set up, a proxy or a
portal on the vantage's own line answers so, and so does somebody on the path. Only a place where
nothing but the name or the shape of the packets differs tells them apart.
"""

from typing import Final

from probe.core import failure
from probe.core.model import Step
from probe.judge.evidence import Evidence

_SAID: Final = {failure.HANDSHAKE, failure.INCOMPATIBLE, failure.HTTP, failure.HTTP_STATUS}
_UNREADABLE: Final = tuple(f"{failure.UNKNOWN}{how} " for how in ("malformed", "unauthenticated"))


def said(step: Step | None) -> bool:
    """Whether a step failed by what came: not by silence, a cut or a refusal, nor by a
    certificate."""
    if step is None or step.failure is None:
        return False
    spoken = step.failure in _SAID or step.failure.startswith(_UNREADABLE)
    return spoken or "alert" in step.detail


def differs(evidence: Evidence) -> bool:
    """Whether something answers, and not as the target does at the controls."""
    return said(evidence.failed)
