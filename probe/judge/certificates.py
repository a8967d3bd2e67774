"""Certificates here and at the controls: a foreign one, the server's own mistake, or ours.

What nobody vouches for here need not have been put in between. Behind one address there may be
many servers, each with a certificate of its own, or one that was just renewed; and what the
target's own ``pin``, ``ca_file`` or ``ca`` demands may be what is wrong. So only a certificate for
the same name at the same address, vouched for by authorities that are trusted for every target
alike, shows that another one there is foreign.
"""

from typing import Final

from probe.core import failure
from probe.core.model import Step
from probe.judge.controls import Seen, all_ok, valid
from probe.judge.deciding import HANDSHAKES
from probe.judge.decoy import foreign_certificate
from probe.judge.evidence import Evidence

_UNTRUSTED: Final = {failure.AUTHORITY, failure.HOSTNAME, failure.CERTIFICATE}
# Details of a handshake in which something else decides than authorities that are trusted for
# every target: a certificate's own hash, the target's own authorities, a tunnel's.
_OWN_WORD: Final = ("pin", "own_authority", "inside")


def by_common_trust(step: Step) -> bool:
    """Whether a handshake with the target was left to authorities that every target is."""
    own_word = any(step.detail.get(mark) for mark in _OWN_WORD)
    return not own_word and not step.detail.get("resolver")


def proves(step: Step) -> bool:
    """Whether such authorities vouched for the name in this handshake."""
    verified = bool(step.detail.get("verify", True))
    return step.failure is None and verified and by_common_trust(step)


def _handshake(evidence: Evidence) -> Step | None:
    """The handshake that failed, else the first one: a redirect may lead to others."""
    if evidence.failed is not None and evidence.failed.op in HANDSHAKES:
        return evidence.failed
    steps = evidence.decided.steps if evidence.decided else ()
    return next((s for s in steps if s.op in HANDSHAKES), None)


def leaf(step: Step | None) -> str | None:
    """The certificate that the other end showed for itself, by its hash."""
    chain = step.detail.get("peer_certificates") if step else None
    return chain[0] if chain else None


def shown(control: Seen, step: Step) -> Step | None:
    """The handshake that a control completed at this very endpoint, for the same name."""
    name = step.detail.get("server_name")
    return next(
        (
            other
            for other in control.measurement.steps
            if other.op in HANDSHAKES
            and other.address == step.address
            and other.detail.get("server_name") == name
            and other.failure is None
        ),
        None,
    )


def refused(evidence: Evidence) -> bool:
    """Whether it was the certificate that failed."""
    step = _handshake(evidence)
    return step is not None and step.failure in _UNTRUSTED and bool(leaf(step))


def refused_anywhere(evidence: Evidence) -> bool:
    """The same of any certificate, also of the place that a proxy leads to."""
    step = evidence.failed
    return step is not None and step.failure in _UNTRUSTED and "alert" not in step.detail


def of_resolver(evidence: Evidence) -> bool:
    """Whether it was a resolver's own certificate, so that nothing was asked of it."""
    lookup = evidence.decided is not None and evidence.decided.lookup
    return lookup and refused_anywhere(evidence)


def same_as_control(evidence: Evidence) -> bool:
    """Whether a control was shown, and accepts, the certificate that is refused here: then this
    machine's trust store or clock is at fault (ooni/data ontology, section 10)."""
    return refused(evidence) and same_leaf(evidence)


def known_to_public(evidence: Evidence) -> bool:
    """Whether browsers would accept it, and only this machine's trust store is too old for it."""
    step = _handshake(evidence)
    return step is not None and bool(step.detail.get("public_authority")) and refused(evidence)


def same_leaf(evidence: Evidence) -> bool:
    """Whether a control at the same address was shown, and verified, the very certificate that is
    shown here."""
    step = _handshake(evidence)
    if step is None:
        return False
    there = [shown(control, step) for control in valid(evidence)]
    return any(
        other is not None and other.detail.get("verify", True) and leaf(other) == leaf(step)
        for other in there
    )


def vouched_by_nobody(evidence: Evidence) -> bool:
    """Whether no authority is known for it, here or at any control: each refuses it too, or asks
    for none, as a control does that lacks a tunnel's own authorities."""
    step, counted = evidence.failed, valid(evidence)
    ours = step is not None and step.op in HANDSHAKES and not step.detail.get("resolver")
    unknown = ours and evidence.failure == failure.AUTHORITY
    return unknown and bool(counted) and all(map(_vouches_for_nothing, counted))


def _vouches_for_nothing(control: Seen) -> bool:
    steps = control.decided.steps if control.decided else ()
    own = (s for s in steps if s.op in HANDSHAKES and not s.detail.get("resolver"))
    step = next(own, None)
    if step is None or step.failure is not None:
        return step is not None and step.failure == failure.AUTHORITY
    return not step.detail.get("verify", True)


def replaced(evidence: Evidence) -> bool:
    """Whether a certificate that nobody vouches for stands where commonly trusted authorities
    vouch for another one, at the same address and at every control.

    Not where both name the same issuer: then one of several servers lacks its chain.
    """
    step = _handshake(evidence)
    if step is None or step.failure != failure.AUTHORITY or not leaf(step):
        return False
    there = [shown(control, step) for control in valid(evidence)]
    return (
        by_common_trust(step)
        and bool(there)
        and all(
            other is not None and proves(other) and not _same_issuer(other, step) for other in there
        )
    )


def _same_issuer(one: Step, other: Step) -> bool:
    issuer = one.detail.get("leaf", {}).get("issuer")
    return bool(issuer) and issuer == other.detail.get("leaf", {}).get("issuer")


def private_authority(evidence: Evidence) -> bool:
    """Whether the name was vouched for by an authority that is trusted on this machine only, and
    that the target itself does not name."""
    step = _handshake(evidence)
    if step is None or step.failure is not None or step.detail.get("own_authority"):
        return False
    return bool(step.detail.get("private_root"))


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
    there = [shown(control, step) for control in valid(evidence)]
    roots = {other.detail.get("private_root") for other in there if other is not None}
    return (
        evidence.confirmed
        and bool(there)
        and all(
            other is not None and proves(other) and leaf(other) != leaf(step) for other in there
        )
        and step.detail.get("private_root") not in roots
    )


def mitm_node(evidence: Evidence) -> str:
    """Self-signed, or signed by some authority."""
    step = foreign_certificate(evidence) or _handshake(evidence)
    told = step.detail.get("leaf", {}) if step else {}
    own = bool(told.get("subject")) and told.get("subject") == told.get("issuer")
    return "tls.mitm.self_signed" if own else "tls.mitm.ca_signed"
