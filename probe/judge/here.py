"""What the vantage itself explains: its network, its clock, its own rules."""

from typing import Final

from probe.core import failure
from probe.judge import conditions as when
from probe.judge import controls
from probe.judge.evidence import Evidence, ip_of, is_targets
from probe.judge.vantage import CLOCK_VOIDS, VantageState, clock_offset

_NO_ROUTE: Final = {
    failure.NETWORK_UNREACHABLE,
    "address_family_not_supported",
    "address_not_available",
}
_LOST_ON_THE_WAY: Final = {
    failure.TIMEOUT,
    failure.KERNEL_TIMEOUT,
    failure.HOST_UNREACHABLE,
    failure.NETWORK_UNREACHABLE,
}


def captive(evidence: Evidence) -> bool:
    """A portal stands before the network: what came from there is no answer of the target."""
    return when.doubtful(evidence) and _vantage(evidence, VantageState.CAPTIVE)


def offline(evidence: Evidence) -> bool:
    """No anchor answered around the failure."""
    return when.failed(evidence) and _vantage(evidence, VantageState.OFFLINE)


def path_down(evidence: Evidence) -> bool:
    """Only domestic anchors answered."""
    return when.failed(evidence) and _vantage(evidence, VantageState.INTERNATIONAL_PATH_DOWN)


def vantage_explains(evidence: Evidence) -> bool:
    """Whether the state of the vantage's own network decides already."""
    return captive(evidence) or offline(evidence) or path_down(evidence)


def untested(evidence: Evidence) -> bool:
    """No anchors, and no control that would show the line to work."""
    return _vantage(evidence, VantageState.UNTESTED) and not controls.valid(evidence)


def _vantage(evidence: Evidence, state: VantageState) -> bool:
    return not evidence.local and evidence.vantage is state


def no_ipv6(evidence: Evidence) -> bool:
    """The kernel had no way to send a packet."""
    return evidence.only_ipv6 and evidence.failure in _NO_ROUTE


def ipv6_untested(evidence: Evidence) -> bool:
    """Nothing came back over IPv6, neither from the target nor from anybody else."""
    if not evidence.only_ipv6 or evidence.local or evidence.failure not in _LOST_ON_THE_WAY:
        return False
    looked = (*evidence.anchors, *evidence.trials, *evidence.followups)
    return not any(
        step.failure is None and ":" in ip_of(step.address) and is_targets(step)
        for measurement in looked
        for step in measurement.steps
    )


def own_firewall(evidence: Evidence) -> bool:
    """This machine's packet filter said no."""
    return evidence.failure == failure.PERMISSION and evidence.errno == "EPERM"


def own_clock(evidence: Evidence) -> bool:
    """A certificate seemed out of its time by a clock that is wrong itself, or a packet with the
    date in it stayed unanswered."""
    offset = clock_offset(evidence.anchors)
    wrong = offset is not None and abs(offset) > CLOCK_VOIDS
    step = evidence.failed
    dated = step is not None and bool(step.detail.get("dated")) and when.silent(evidence)
    return wrong and (dated or evidence.neutral == "tls.cert.expired")
