"""The deepest node that the evidence supports, once it is certain that somebody interferes."""

from typing import Final

from probe.core.model import Step
from probe.judge import decoy
from probe.judge.evidence import Evidence
from probe.judge.mechanism import QUIC

# Operations that every check shares; any other one is a protocol's own.
_COMMON: Final = frozenset(
    {
        "resolve",
        "bootstrap",
        "connect",
        "tls_handshake",
        "http_request",
        "http_response",
        "transfer",
        "expect",
        "redirect",
        "first_payload",
        *QUIC,
    }
)


def inner(step: Step | None) -> bool:
    """Whether a handshake went on inside another protocol, where nobody reads a server name."""
    return step is not None and bool(step.detail.get("inside"))


def protocol_step(evidence: Evidence) -> Step | None:
    """The failed step of a VPN protocol's own conversation, if that is what failed."""
    step = evidence.failed
    return step if step is not None and (step.op not in _COMMON or inner(step)) else None


def deepest(evidence: Evidence) -> str | None:
    """The node for a target that fails here and answers a control at the same place."""
    neutral = evidence.neutral
    if neutral in {"tls.reset", "tls.close"} and decoy.any_data_reset(evidence):
        return "tcp.reset"  # whatever comes first is cut off: the name has no part in it
    by_name = decoy.neutral_passes_here(evidence) and not decoy.sni_clean(evidence)
    if by_name and neutral in {"tls.reset", "tls.timeout", "quic.timeout"}:
        return f"{neutral}.sni"
    return neutral
