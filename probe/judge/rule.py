"""What a rule is: one row of the table."""

from collections.abc import Callable
from dataclasses import dataclass

from probe.core.model import Locus, Outcome
from probe.judge.evidence import Evidence

Mechanism = Callable[[Evidence], str | None]


def neutral(evidence: Evidence) -> str | None:
    """The neutral node of the failure."""
    return evidence.neutral


def none(_: Evidence) -> str | None:
    """No node: nothing failed, or nothing is said about where."""
    return None


def named(node: str) -> Mechanism:
    """Always this node."""
    return lambda _: node


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: under which condition which outcome, and why.

    ``mechanism`` names the node (by default the neutral one of the failure); ``note`` is what a
    reader of the verdict has to know beside it; ``otherwise`` says what would have changed it.
    """

    id: str
    when: Callable[[Evidence], bool]
    outcome: Outcome
    locus: Locus | None
    comment: str
    mechanism: Mechanism = neutral
    note: str | None = None
    otherwise: str
