"""What the controls saw, and which of them count.

A control counts only if its own anchors answered and it is not in the vantage's country: one that
is itself offline or behind the same censor would turn every failure into *down*.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from probe.core.failure import AUTHORITY, DNS_TEMPORARY, TIMEOUT, WRONG_QUERY_ID
from probe.core.model import UNKNOWN_COUNTRY, Control, Measurement, Outcome, Step
from probe.judge.deciding import BEHIND, Deciding, deciding
from probe.judge.evidence import Evidence, dialled, keyless, tried_in
from probe.judge.mechanism import QUIC, neutral
from probe.judge.vantage import VantageState, vantage_state

_NO_REPLY: Final = {TIMEOUT, WRONG_QUERY_ID, DNS_TEMPORARY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One control's measurement. ``excluded`` says why it does not count; None if it counts.
    ``ok`` says whether the target answered there, as far as it was asked here: what fails there
    behind its answer, such as data in a tunnel, is no matter where it does not answer here.
    """

    id: str
    measurement: Measurement
    decided: Deciding | None
    excluded: str | None
    ok: bool

    @property
    def reached(self) -> frozenset[str]:
        """The endpoints at which everything went well there."""
        steps = [step for step in self.measurement.steps if step.op not in BEHIND or not self.ok]
        bad = {step.transaction for step in steps if step.failure is not None}
        return frozenset(
            step.address or "" for step in dialled(self.measurement) if step.transaction not in bad
        )

    @property
    def tried(self) -> frozenset[str]:
        """The endpoints that were sent to there."""
        return frozenset(tried_in(self.measurement))


def seen(evidence: Evidence) -> tuple[Seen, ...]:
    """Every control that was asked, in the order of their measurements."""
    return tuple(_seen(measurement, evidence) for measurement in evidence.controls)


def _seen(measurement: Measurement, evidence: Evidence) -> Seen:
    decided = deciding(measurement)
    behind = decided is not None and decided.failed is not None and decided.failed.op in BEHIND
    here = evidence.failed is not None and evidence.failed.op in BEHIND
    return Seen(
        id=measurement.origin,
        measurement=measurement,
        decided=decided,
        excluded=_excluded(measurement, evidence),
        ok=decided is not None and (decided.succeeded or (behind and not here)),
    )


def valid(evidence: Evidence) -> tuple[Seen, ...]:
    """Those that count."""
    return tuple(control for control in seen(evidence) if control.excluded is None)


def all_ok(evidence: Evidence) -> bool:
    """Whether there is a control that counts, and the target answered at each of them."""
    counted = valid(evidence)
    return bool(counted) and all(control.ok for control in counted)


def all_failed(evidence: Evidence) -> bool:
    """Whether there is a control that counts, and the target answered at none of them."""
    counted = valid(evidence)
    return bool(counted) and not any(control.ok for control in counted)


def disagree(evidence: Evidence) -> bool:
    """Whether some saw it answer and some did not."""
    counted = {control.ok for control in valid(evidence)}
    return len(counted) == 2


def sound(evidence: Evidence) -> bool:
    """Whether a control is in order and elsewhere, whatever it could measure of the target: what
    its echo shows of the path does not depend on the target."""
    return any(_not_in_order(m, evidence) is None for m in evidence.controls)


def same_place(evidence: Evidence) -> bool:
    """Whether a control reached the target at an endpoint that failed here."""
    return any(control.reached & set(evidence.tried) for control in valid(evidence))


def fail_alike(evidence: Evidence) -> bool:
    """Whether the controls fail inside a conversation as this vantage does, which a censor on
    their paths would cause as well as the server."""
    places = {neutral(c.decided) for c in valid(evidence) if c.decided}
    inside = {"tls.reset", "tls.timeout", "tls.close", "http.reset", "http.timeout", "tcp.reset"}
    return evidence.neutral in inside and places == {evidence.neutral}


def control_record(evidence: Evidence) -> Control:
    """As the verdict holds it: the ids of all that were asked, and what those that count saw."""
    outcome: Outcome | None = None
    if disagree(evidence):
        outcome = "inconclusive"
    elif all_ok(evidence):
        outcome = "ok"
    elif all_failed(evidence):
        outcome = "unreachable"
    return Control(ids=tuple(m.id for m in evidence.controls), outcome=outcome)


def control_notes(evidence: Evidence) -> Iterable[str]:
    """Why a control does not count, or counts although a country is not known."""
    for control in seen(evidence):
        if control.excluded is not None:
            yield f"the control {control.id} does not count: {control.excluded}"
    counted = valid(evidence)
    places = [control.measurement.vantage.country for control in counted]
    if counted and UNKNOWN_COUNTRY in {evidence.trial.vantage.country, *places}:
        yield (
            "the country of the vantage or of a control is not known: that both are in the same "
            "one would not be noticed"
        )


def _excluded(measurement: Measurement, evidence: Evidence) -> str | None:
    if measurement.invalid is not None:
        return measurement.invalid
    decided = deciding(measurement)
    if decided is None:
        return "it measured nothing"
    failed = decided.failed
    if failed and failed.failure == AUTHORITY != evidence.failure:
        return "it does not know the authority that signed the certificate"
    if _unanswered(decided) and neutral(decided) != evidence.neutral:
        return "its own resolver did not answer"
    return _incomparable(failed, measurement, evidence) or _not_in_order(measurement, evidence)


def _incomparable(failed: Step | None, there: Measurement, evidence: Evidence) -> str | None:
    """Why its question was another one than here."""
    if keyless(failed):
        return "the protocol answers only to its key, and it has none"
    # Where the library is missing, QUIC servers are asked for their versions only. They need not
    # answer that, and those that do may be dead behind it.
    asked, ours = ({s.op for s in m.steps} & QUIC for m in (there, evidence.trial))
    if asked and ours and asked != ours:
        return "only one of both, it or this vantage, makes handshakes over QUIC"
    return None


def _unanswered(decided: Deciding) -> bool:
    """Whether it never came to ask for the target: its resolver could not be reached, or a query
    or its answer was lost."""
    step = decided.failed
    if step is None or not decided.lookup:
        return False
    return step.op != "resolve" or step.failure in _NO_REPLY


def _not_in_order(measurement: Measurement, evidence: Evidence) -> str | None:
    """Why nothing that this control is used for counts; None if it is healthy and elsewhere."""
    if measurement.invalid is not None:
        return measurement.invalid
    here, there = evidence.trial.vantage.country, measurement.vantage.country
    if here == there != UNKNOWN_COUNTRY:
        return f"it is in {there} too"
    anchors = [a for a in evidence.control_anchors if a.origin == measurement.origin]
    state = vantage_state(anchors)
    if state is not VantageState.ONLINE:
        told = {VantageState.UNTESTED: "its own health is not known"}
        return told.get(state, "its own network was not in order")
    return None
