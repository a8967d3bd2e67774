"""The rule table: what evidence means. The first rule that holds decides.

A rule's id is a public name and never changes its meaning: a new meaning is a new id. Whatever
changes a verdict on the same evidence raises ``RULES``. The accusing outcomes (blocked, degraded,
denied, down) stand between *the vantage* and *failures without a control*, and need a control.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from probe.core import failure
from probe.core.model import Locus, Outcome
from probe.judge.evidence import Evidence
from probe.judge.mechanism import neutral
from probe.judge.vantage import VantageState

RULES: Final = 1

_NO_ROUTE: Final = {
    failure.NETWORK_UNREACHABLE,
    "address_family_not_supported",
    "address_not_available",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: under which condition which outcome, and why.

    ``named`` says whether the verdict names the neutral mechanism of the failure; ``note`` is what
    a reader of the verdict has to know beside it.
    """

    id: str
    when: Callable[[Evidence], bool]
    outcome: Outcome
    locus: Locus | None
    comment: str
    named: bool = True
    note: str | None = None

    def mechanism(self, evidence: Evidence) -> str | None:
        """The neutral node where it failed, if this rule names one."""
        return neutral(evidence.decided) if self.named and evidence.decided else None


def _succeeded(evidence: Evidence) -> bool:
    return evidence.decided is not None and evidence.decided.succeeded


def _unproven(evidence: Evidence) -> bool:
    """Whether content came that anyone on the path could have written as well."""
    steps = evidence.decided.steps if evidence.decided else ()
    unverified = any(s.op == "tls_handshake" and not s.detail.get("verify", True) for s in steps)
    return evidence.trial.check == "http" or unverified


def _cut_off(evidence: Evidence) -> bool:
    return (
        evidence.failure == failure.INTERRUPTED
        or evidence.decided is None
        or (evidence.decided.failed is None and not evidence.decided.succeeded)
    )


TABLE: Final = (
    Rule(
        id="own-error",
        when=lambda e: e.trial.invalid is not None,
        outcome="invalid",
        locus="vantage",
        named=False,
        comment="A bug, a bad option or an exhausted resource of ours never counts against a "
        "target (outline-sdk x/connectivity keeps the two apart in the same way).",
    ),
    Rule(
        id="answered",
        when=lambda e: _succeeded(e) and not _unproven(e),
        outcome="ok",
        locus=None,
        named=False,
        comment="The check did what it is for. A success needs no control and no anchors.",
    ),
    Rule(
        id="answered-unverified",
        when=_succeeded,
        outcome="ok",
        locus=None,
        named=False,
        note="nothing proves who answered: anyone on the path could have given this answer",
        comment="Plain HTTP, or certificate verification switched off: still a success, but a "
        "block page would be one too until its content is compared with a control's.",
    ),
    Rule(
        id="cut-off",
        when=_cut_off,
        outcome="inconclusive",
        locus="unknown",
        named=False,
        note="the measurement was interrupted before it could decide anything",
        comment="The probe was stopped in the middle: that is no silence of the target.",
    ),
    Rule(
        id="vantage-offline",
        when=lambda e: not e.local and e.vantage is VantageState.OFFLINE,
        outcome="offline",
        locus="vantage",
        named=False,
        note="no anchor answered either: the vantage had no working network",
        comment="Uncensored anchors in several networks failed around the failure (Raman et al. "
        "2020: in Belarus tests and controls failed together). Nothing is concluded.",
    ),
    Rule(
        id="no-ipv6-route",
        when=lambda e: e.only_ipv6 and e.failure in _NO_ROUTE,
        outcome="inconclusive",
        locus="vantage",
        note="the target has only IPv6 addresses, and this vantage has no route for IPv6",
        comment="The kernel refused before a packet was sent.",
    ),
    Rule(
        id="own-firewall",
        when=lambda e: e.failure == failure.PERMISSION and e.errno == "EPERM",
        outcome="inconclusive",
        locus="vantage",
        note="this machine's own rules forbade the packet to leave",
        comment="EPERM comes from the local packet filter. EACCES does not count: Linux reports a "
        "router's ICMPv6 'administratively prohibited' by it (net/ipv6/icmp.c).",
    ),
    Rule(
        id="international-path-down",
        when=lambda e: not e.local and e.vantage is VantageState.INTERNATIONAL_PATH_DOWN,
        outcome="unreachable",
        locus="unknown",
        note="no foreign anchor answered while domestic ones did: the path abroad was down",
        comment="A national shutdown looks like this, and so does a broken cable: it is recorded "
        "as such, and nothing is said about the single target.",
    ),
    Rule(
        id="failed-vantage-untested",
        when=lambda e: not e.local and e.vantage is VantageState.UNTESTED,
        outcome="unreachable",
        locus="unknown",
        note="without anchors it is not known whether the vantage had a working network, and "
        "without a control not whether anyone else could reach the target",
        comment="The operator switched the anchors off: the failure stands alone.",
    ),
    Rule(
        id="failed-without-control",
        when=lambda e: e.failure is not None,
        outcome="unreachable",
        locus="unknown",
        note="without a control nothing tells blocked from down",
        comment="No control, no accusation: a test that lacked one reported servers that were "
        "merely down as blocked, and was switched off for it (ooni/probe#1928, #1354).",
    ),
)
