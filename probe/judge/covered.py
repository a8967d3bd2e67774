"""How far a check looked: a verdict must not promise more than that."""

from typing import Final

from probe.core.model import Covered
from probe.judge.deciding import DATA, LOOKUPS, Deciding

# Freezing sets in after 15 to 20 KB on one connection (net4people/bbs 490): only a transfer that
# went well beyond can speak of it.
TRANSFER_BYTES: Final = 32 * 1024


def covered(decided: Deciding | None) -> Covered:
    """The deepest stage that went well in the deciding transaction."""
    reached: Covered = "lookup"
    for step in decided.steps if decided and not decided.lookup else ():
        if step.op == "transfer":
            if step.detail.get("bytes", 0) >= TRANSFER_BYTES:
                return "transfer"
            reached = "response" if step.failure is None else reached
        elif step.failure is not None:
            continue
        elif step.op == DATA and step.detail.get("received"):
            return "transfer"
        elif step.op == "http_response":
            reached = "response"
        elif reached == "lookup" and step.op not in LOOKUPS:
            reached = "handshake"
    return reached
