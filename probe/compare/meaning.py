"""What a verdict means for a claim: it bears it out, speaks against it, or neither.

"Blocked" is a claim about the network, "closed" one about the provider: what fails for the
controls too does not bear out the first, and what they can reach speaks against the second. Where
no control stands behind a failure, it bears out neither.
"""

from collections.abc import Mapping
from typing import Final, Literal

from probe.compare.reports import Kind, Report
from probe.compare.series import FAILING
from probe.core.model import Outcome

Bearing = Literal["for", "against", "neither"]

_NETWORK: Final[frozenset[Outcome]] = frozenset({"blocked", "degraded"})
_REACHED: Final[frozenset[Outcome]] = frozenset({"ok", "blocked", "degraded", "denied"})
# The controls saw it fail as well, so that it was no network on the vantage's side.
_EVERYWHERE: Final[frozenset[Outcome]] = frozenset({"down"})

_FOR: Final[Mapping[Kind, frozenset[Outcome]]] = {
    "blocked": _NETWORK,
    "degraded": _NETWORK,
    "outage": FAILING,
    "provider_closed": _EVERYWHERE,
    "announcement": _NETWORK,
    "denial": _NETWORK,
    "statement": _NETWORK,
}
# A claim of this kind says so little that whatever fails bears it out.
_AGAINST: Final[Mapping[Kind, frozenset[Outcome]]] = {
    "outage": frozenset(),
    "provider_closed": _REACHED,
}


def failing_bears(report: Report, outcome: Outcome) -> Bearing:
    """What a failure of this outcome says about the failing that a report claims or denies."""
    if outcome in _FOR[report.kind]:
        return "for"
    return "against" if outcome in _AGAINST.get(report.kind, _EVERYWHERE) else "neither"
