"""What the decoy showed: the one place where only the name differs.

The decoy does not serve the target. So if the target's name is reset or dropped there while a
neutral name passes, or draws another certificate or page than the decoy's own, somebody on the
path acted on the name (ooni/spec ts-024): proof without any control.
"""

from collections.abc import Callable, Iterator
from typing import Final

from probe.core import failure
from probe.core.model import Measurement, Step
from probe.judge import followups
from probe.judge.deciding import deciding
from probe.judge.evidence import Evidence
from probe.judge.replies import said

_SILENT: Final = {failure.TIMEOUT, failure.KERNEL_TIMEOUT}
_CUT: Final = {failure.RESET, failure.EOF}


def of_kind(evidence: Evidence, kind: str) -> tuple[Measurement, ...]:
    """The follow-ups of this kind that are valid, in their order."""
    return tuple(m for m in evidence.followups if m.followup == kind and m.invalid is None)


def failed_step(measurement: Measurement) -> Step | None:
    """The step with which a follow-up failed."""
    decided = deciding(measurement)
    return decided.failed if decided else None


def succeeded(measurement: Measurement) -> bool:
    """Whether a follow-up did what it is for."""
    decided = deciding(measurement)
    return decided is not None and decided.succeeded


def pairs(evidence: Evidence, neutral: str, name: str) -> Iterator[tuple[Measurement, Measurement]]:
    """Neutral and named follow-ups of one trial, where the neutral one passed."""
    passed = {m.trial: m for m in of_kind(evidence, neutral) if succeeded(m)}
    for named in of_kind(evidence, name):
        if named.trial in passed:
            yield passed[named.trial], named


def _sni_pairs(evidence: Evidence) -> tuple[Measurement, ...]:
    found = pairs(evidence, followups.NEUTRAL_AT_DECOY, followups.NAME_AT_DECOY)
    return tuple(named for _, named in found)


def _host_pairs(evidence: Evidence) -> tuple[Measurement, ...]:
    found = pairs(evidence, followups.NEUTRAL_HOST_AT_DECOY, followups.HOST_AT_DECOY)
    return tuple(named for _, named in found)


def _all(named: tuple[Measurement, ...], holds: Callable[[Step], bool]) -> bool:
    """Whether every pair shows it: one name that passed is enough to doubt the others."""
    steps = [failed_step(m) for m in named]
    return bool(steps) and all(step is not None and holds(step) for step in steps)


def sni_reset(evidence: Evidence) -> bool:
    """The target's server name is cut off at the decoy; a neutral one there passes."""
    return _all(
        _sni_pairs(evidence), lambda s: s.op == "tls_handshake" and s.failure in _CUT
    ) and evidence.neutral in {"tls.reset", "tls.close", None}


def sni_dropped(evidence: Evidence) -> bool:
    """The target's server name stays unanswered at the decoy; a neutral one there passes.

    Silence is also what loss looks like: it must have been seen twice, or here and there alike.
    """
    named = _sni_pairs(evidence)
    silent = _all(named, lambda s: s.op == "tls_handshake" and s.failure in _SILENT)
    return silent and evidence.neutral == "tls.timeout" and len(named) + evidence.alike >= 3


def foreign_certificate(evidence: Evidence) -> Step | None:
    """The handshake in which the target's name drew another certificate than the decoy's own."""
    named = _sni_pairs(evidence)

    def other(step: Step) -> bool:
        return (
            step.op == "tls_handshake"
            and step.failure == failure.AUTHORITY
            and bool(step.detail.get("peer_certificates"))
        )

    return failed_step(named[0]) if _all(named, other) else None


def foreign_reply(evidence: Evidence) -> bool:
    """Whether the target's name drew what is no answer of the decoy's: another protocol, garbage,
    an alert."""
    return _all(_sni_pairs(evidence), said)


def sni_clean(evidence: Evidence) -> bool:
    """Whether the target's name passed at the decoy like any other."""
    named = _sni_pairs(evidence)
    return bool(named) and all(succeeded(m) for m in named)


def host_reset(evidence: Evidence) -> bool:
    """The target's Host header is cut off at the decoy; a neutral one there passes."""
    ops = {"http_request", "http_response", "transfer"}
    return _all(_host_pairs(evidence), lambda s: s.op in ops and s.failure in _CUT)


def foreign_page(evidence: Evidence) -> Measurement | None:
    """The answer in which the target's Host header drew another page than the decoy's own."""
    named = _host_pairs(evidence)
    if _all(named, lambda s: s.op == "expect" or s.failure == failure.HTTP):
        return named[0]
    return None


def host_clean(evidence: Evidence) -> bool:
    """Whether the decoy's own page came for the target's Host header."""
    named = _host_pairs(evidence)
    return bool(named) and all(succeeded(m) for m in named)


def protocol_filtered(evidence: Evidence) -> bool:
    """A first packet of the protocol's shape is lost or cut off at the echo, as it is at the
    target, and harmless bytes of the same length pass there.

    Silence is also what loss looks like: every packet was sent several times, and it takes two
    exchanges that stayed silent throughout.
    """
    steps = _protocol_alone(evidence)
    failures = {step.failure if step is not None and step.op == "echo" else None for step in steps}
    if not failures:
        return False
    if evidence.failure in _SILENT:
        return failures <= _SILENT and len(steps) >= 2
    return evidence.failure in _CUT and failures <= _CUT


def protocol_replaced(evidence: Evidence) -> bool:
    """Packets of the protocol's shape draw other bytes than the echo's, or are cut off, each of at
    least two times, and harmless bytes of the same length come back."""
    steps = _protocol_alone(evidence)

    def other(step: Step | None) -> bool:
        if step is None or step.op != "echo":
            return False
        return said(step) or step.failure in _CUT or bool(step.detail.get("strays"))

    return len(steps) >= 2 and all(map(other, steps))


def _protocol_alone(evidence: Evidence) -> list[Step | None]:
    """How packets of the protocol's shape failed at the echo; none where harmless ones did too."""
    harmless = of_kind(evidence, followups.HARMLESS_AT_ECHO)
    if not harmless or not all(map(succeeded, harmless)):
        return []
    return [failed_step(m) for m in of_kind(evidence, followups.PROTOCOL_AT_ECHO)]


def protocol_clean(evidence: Evidence) -> bool:
    """Whether packets of the protocol's shape pass at the echo like any others."""
    protocol = of_kind(evidence, followups.PROTOCOL_AT_ECHO)
    return bool(protocol) and all(map(succeeded, protocol))


def bad_line(evidence: Evidence) -> bool:
    """Whether the neutral twins at the decoy were lost now and then: the line drops packets, and
    silence says nothing. Twins that all fail say only that the decoy is out of reach."""
    kinds = (followups.NEUTRAL_TWIN, followups.NEUTRAL_AT_DECOY, followups.HARMLESS_AT_ECHO)
    twins = [m for kind in kinds for m in of_kind(evidence, kind)]
    lost = [m for m in twins if not succeeded(m)]
    return 0 < len(lost) < len(twins)


def any_data_reset(evidence: Evidence) -> bool:
    """Whether the port cuts off whatever comes first, so that TLS has no part in it."""
    harmless = of_kind(evidence, followups.HARMLESS_AT_TARGET)
    neutral = of_kind(evidence, followups.NEUTRAL_AT_TARGET)

    def cut(measurement: Measurement) -> bool:
        step = failed_step(measurement)
        return step is not None and step.op != "connect" and step.failure in _CUT

    return bool(harmless) and bool(neutral) and all(map(cut, (*harmless, *neutral)))


def neutral_passes_here(evidence: Evidence) -> bool:
    """Whether a neutral server name drew an answer at the target's own address and port."""
    neutral = of_kind(evidence, followups.NEUTRAL_AT_TARGET)

    def answered(measurement: Measurement) -> bool:
        step = failed_step(measurement)
        return step is None or "alert" in step.detail or bool(step.detail.get("peer_certificates"))

    return bool(neutral) and all(map(answered, neutral))
