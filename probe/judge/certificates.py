"""Certificates here and at the controls: a foreign one, the server's own mistake, or ours."""

from typing import Final

from probe.core import failure
from probe.core.model import Step
from probe.judge.controls import Seen, all_ok, valid
from probe.judge.deciding import HANDSHAKES
from probe.judge.decoy import foreign_certificate
from probe.judge.evidence import Evidence

_UNTRUSTED: Final = {failure.AUTHORITY, failure.HOSTNAME, failure.CERTIFICATE}


def _handshake(evidence: Evidence) -> Step | None:
    steps = evidence.decided.steps if evidence.decided else ()
    return next((s for s in steps if s.op in HANDSHAKES), None)


def _leaf(step: Step | None) -> str | None:
    chain = step.detail.get("peer_certificates") if step else None
    return chain[0] if chain else None


def _shown(control: Seen, address: str | None) -> Step | None:
    """The verified handshake that a control had at this very endpoint."""
    return next(
        (
            step
            for step in control.measurement.steps
            if step.op in HANDSHAKES and step.address == address and step.failure is None
        ),
        None,
    )


def refused(evidence: Evidence) -> bool:
    """Whether it was the certificate that failed."""
    step = _handshake(evidence)
    return step is not None and step.failure in _UNTRUSTED and bool(_leaf(step))


def same_as_control(evidence: Evidence) -> bool:
    """Whether a control was shown, and accepts, the certificate that is refused here: then this
    machine's trust store or clock is at fault (ooni/data ontology, section 10)."""
    return refused(evidence) and same_leaf(evidence)


def same_leaf(evidence: Evidence) -> bool:
    """Whether a control at the same address was shown the very certificate that is shown here."""
    step = _handshake(evidence)
    return step is not None and any(
        _leaf(_shown(control, step.address)) == _leaf(step) for control in valid(evidence)
    )


def replaced(evidence: Evidence) -> bool:
    """Whether a certificate that nobody vouches for stands where the controls, at the same
    address, are shown a good one."""
    step = _handshake(evidence)
    if step is None or step.failure != failure.AUTHORITY or not _leaf(step):
        return False
    shown = [_shown(control, step.address) for control in valid(evidence)]
    return bool(shown) and all(other is not None for other in shown)


def private_authority(evidence: Evidence) -> bool:
    """Whether the name was vouched for by an authority that is trusted on this machine only."""
    step = _handshake(evidence)
    return step is not None and step.failure is None and bool(step.detail.get("private_root"))


def replaced_by_private(evidence: Evidence) -> bool:
    """Whether that authority's certificate stands in the place of another one.

    At the controls, at the same address, another leaf is shown; and the decoy, whose certificate
    is known, showed a foreign one for this name too, or the trials were repeated.
    """
    step = _handshake(evidence)
    if step is None or not private_authority(evidence):
        return False
    if foreign_certificate(evidence) is not None:
        return all_ok(evidence)
    shown = [_shown(control, step.address) for control in valid(evidence)]
    roots = {other.detail.get("private_root") for other in shown if other is not None}
    return (
        evidence.confirmed
        and bool(shown)
        and all(other is not None and _leaf(other) != _leaf(step) for other in shown)
        and step.detail.get("private_root") not in roots
    )


def mitm_node(evidence: Evidence) -> str:
    """Self-signed, or signed by some authority."""
    step = foreign_certificate(evidence) or _handshake(evidence)
    leaf = step.detail.get("leaf", {}) if step else {}
    own = bool(leaf.get("subject")) and leaf.get("subject") == leaf.get("issuer")
    return "tls.mitm.self_signed" if own else "tls.mitm.ca_signed"
