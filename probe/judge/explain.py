"""Why a verdict is what it is, in plain words: what was done, what was seen, what the control
saw, which rule decided, and what would have changed it. Pure; it prints nothing itself."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from probe.core.model import Measurement, Step, Verdict
from probe.core.times import rfc3339
from probe.judge import controls, followups
from probe.judge.deciding import EXTRA_ANSWER, deciding
from probe.judge.evidence import Evidence
from probe.judge.rule import Rule
from probe.judge.rules import RULES, TABLE
from probe.judge.vantage import NETWORKS, replaced_pages, vantage_state


class Part(NamedTuple):
    """A heading and the sentences under it."""

    heading: str
    lines: tuple[str, ...]


_OPS: Final = {
    "resolve": "asking the resolver",
    "bootstrap": "looking up the resolver itself",
    "connect": "the TCP connection",
    "tls_handshake": "the TLS handshake",
    "quic_handshake": "the QUIC handshake",
    "quic_version": "asking which versions of QUIC are spoken",
    "http_request": "sending the request",
    "http_response": "waiting for the response",
    "transfer": "the transfer",
    "expect": "comparing the answer with what is expected",
    "redirect": "following the redirect",
    "openvpn_reset": "the OpenVPN reset",
    "openvpn_key_exchange": "the OpenVPN login",
    "openvpn_push": "waiting for what the OpenVPN server wants of its client",
    "data_exchange": "sending data through the tunnel",
    "first_payload": "a harmless first payload",
    "echo": "waiting for the echo",
}
_KINDS: Final = {
    followups.NEUTRAL_AT_DECOY: "a neutral server name at the decoy",
    followups.NAME_AT_DECOY: "the target's server name at the decoy",
    followups.NEUTRAL_TWIN: "a neutral handshake beside a repeat",
    followups.NEUTRAL_HOST_AT_DECOY: "a neutral Host header at the decoy",
    followups.HOST_AT_DECOY: "the target's Host header at the decoy",
    followups.NEUTRAL_AT_TARGET: "a neutral server name at the target's own address",
    followups.NAME_AT_TARGET: "the target's server name at its own address, in turns with that",
    followups.HARMLESS_AT_TARGET: "harmless first bytes at the target's own address",
    followups.NEUTRAL_AT_NON_RESOLVER: "a query for a random name to a host that is no resolver",
    followups.NAME_AT_NON_RESOLVER: "a query for the target's name to a host that is no resolver",
    followups.CERTIFICATE_AT_ANSWER: "a certificate at the address that was answered here",
    followups.CERTIFICATE_AT_CONTROL_ANSWER: "a certificate at the control's address, from here",
    followups.TRANSFER_FROM_TARGET: "a transfer from the target",
    followups.TRANSFER_NEUTRAL: "a transfer from the decoy under a neutral name",
    followups.TRANSFER_NAME: "a transfer from the decoy under the target's name",
    followups.HARMLESS_AT_ECHO: "harmless first bytes at the control's echo",
    followups.PROTOCOL_AT_ECHO: "a first packet of the protocol's shape at the control's echo",
    followups.TRACE_UDP: "a trace of the way over UDP",
    followups.TRACE_SYN: "a trace of the way by SYN",
    followups.TRACE_HELLO: "a trace of the way by ClientHello",
}


def explain(verdict: Verdict, evidence: Evidence) -> tuple[Part, ...]:
    """The chain from facts to conclusion, for one target's verdict."""
    parts = (
        Part("what was done", tuple(_trials(evidence))),
        Part("the vantage", tuple(_vantage(evidence))),
        Part("the control", tuple(_controls(evidence))),
        Part("follow-ups", tuple(_followups(evidence))),
        Part("the rule", tuple(_rule(verdict))),
    )
    return tuple(part for part in parts if part.lines)


def headline(verdict: Verdict) -> str:
    """The verdict in one line."""
    node = f" ({verdict.mechanism})" if verdict.mechanism else ""
    return f"{verdict.target or verdict.service + ' ' + verdict.feature}: {verdict.outcome}{node}"


def told(measurement: Measurement) -> str:
    """What came of one measurement, in a clause."""
    if measurement.invalid is not None:
        return f"could not be measured: {measurement.invalid}"
    decided = deciding(measurement)
    if decided is None:
        return "nothing was done"
    at = next((s.address for s in reversed(decided.steps) if s.address), None)
    where = f" at {at}" if at else ""
    if decided.succeeded:
        return f"answered{where} after {_seconds(decided.steps[-1].t)}{_body(decided.steps)}"
    if decided.failed is None:
        return f"broke off{where}"
    step = decided.failed
    op = _OPS.get(step.op, step.op.replace("_", " "))
    got = _body(decided.steps) if step.op == "transfer" else ""
    return f"{op}{where} failed after {_seconds(step.t - step.t0)}: {step.failure}{got}"


def _body(steps: Iterable[Step]) -> str:
    for step in steps:
        if step.op == "transfer":
            return f", {step.detail.get('bytes', 0)} bytes"
    return ""


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.0f} ms"


def _trials(evidence: Evidence) -> Iterator[str]:
    for trial in evidence.trials:
        yield f"{rfc3339(trial.started)[:19]}Z, trial {trial.trial}: {told(trial)}"
        extra = [s for s in trial.steps if s.op == EXTRA_ANSWER and not s.detail.get("wrong_id")]
        if extra:
            yield f"{_counted(len(extra), 'further answer')} came to the same query"
    if evidence.failed is not None:
        count = _counted(evidence.alike, "trial")
        yield f"{count} failed at the same place; {evidence.needed} are needed"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _vantage(evidence: Evidence) -> Iterator[str]:
    if evidence.anchors:
        pages = [anchor for anchor in evidence.anchors if anchor.target.feature in NETWORKS]
        good = sum(bool(d and d.succeeded) for d in map(deciding, pages))
        state = evidence.vantage.value.replace("_", " ")
        yield f"{good} of {_counted(len(pages), 'anchor')} answered: {state}"
        for url in replaced_pages(evidence.anchors):
            yield f"something else came in place of {url}"
    elif not evidence.succeeded:
        yield "no anchors were measured"


def _controls(evidence: Evidence) -> Iterator[str]:
    for control in controls.seen(evidence):
        place = control.measurement.vantage.country
        counted = f"does not count: {control.excluded}" if control.excluded else "counts"
        yield f"{control.id} ({place}) {counted}"
        if control.measurement.invalid is None:
            yield f"{control.id}: {told(control.measurement)}"
        anchors = [a for a in evidence.control_anchors if a.origin == control.id]
        if anchors:
            yield f"{control.id}: its own network was {vantage_state(anchors).value}"
    if not evidence.controls and not evidence.succeeded:
        yield "no control was asked"


def _followups(evidence: Evidence) -> Iterator[str]:
    for measurement in evidence.followups:
        kind = measurement.followup or ""
        yield f"{_KINDS.get(kind, kind)}: {told(measurement)}"
    for neighbour in evidence.neighbours:
        yield f"{neighbour.target.id} had failed at the same address: {told(neighbour)}"


def _rule(verdict: Verdict) -> Iterator[str]:
    rule = rule_named(verdict.rule)
    if rule is None:
        yield f"{verdict.rule} (version {verdict.rules})"
        return
    yield f"{rule.id} (version {verdict.rules}): {verdict.outcome}"
    if verdict.note:
        yield verdict.note
    yield f"why: {rule.comment}"
    yield f"what would have changed it: {rule.otherwise}"
    if verdict.rules != RULES:
        yield f"the rules are at version {RULES} now; 'probe judge --recompute' applies them"


def rule_named(name: str) -> Rule | None:
    """The rule with this id; None for one of another version, or a feature's policy."""
    return next((rule for rule in TABLE if rule.id == name), None)
