"""What is asked of protocols that are known by the shape of their packets: VPNs, and QUIC."""

from functools import partial
from typing import Final

from probe.core import failure
from probe.core.model import JSON
from probe.judge import conditions as when
from probe.judge import controls, decoy
from probe.judge.deciding import DATA, LOGIN, Deciding
from probe.judge.deepest import protocol_step
from probe.judge.evidence import Evidence, keyless

# No key and no password has part in these.
_BEFORE: Final = frozenset({"resolve", "connect", "socks5_greeting"})
_BEHIND: Final = frozenset({"trojan_relay"})  # done only with a password
_MARKS: Final = ("login", "wrapping")  # details of steps: whether, or with what, one went along


def keyed_silence(evidence: Evidence) -> bool:
    """A protocol that answers only to its key was asked without it. A control that got an answer
    without one shows that this server wants none."""
    return keyless(evidence.failed) and not controls.all_ok(evidence)


def filtered(evidence: Evidence) -> bool:
    """A VPN protocol's own packets fail, and the server answers a control.

    Over UDP nothing shows that the address answers otherwise; where such packets pass at the
    echo, it is not the protocol that is filtered.
    """
    over_tcp = evidence.neutral is not None and evidence.neutral.startswith("tcp")
    by_address = not over_tcp and decoy.protocol_clean(evidence)
    return vpn_cut(evidence) and not by_address


def filtered_at_echo(evidence: Evidence) -> bool:
    """The protocol's packets are lost or cut off at an echo too, where harmless ones pass. It
    does not take an answer of the server's, but a control in order whose echo that is, and none
    that finds the server down."""
    return (
        cut(evidence)
        and decoy.protocol_filtered(evidence)
        and controls.sound(evidence)
        and not controls.all_failed(evidence)
        and evidence.confirmed
        and not when.lossy(evidence)
    )


def asked_less(evidence: Evidence) -> bool:
    """A control was answered, but not what failed here: it has no key and no password of the
    target and asked for less, or a proxy refused it.

    What fails here before a key or password comes into it is the same question as the control's.
    """
    return any(map(partial(_asked_less, evidence), controls.valid(evidence)))


def _asked_less(evidence: Evidence, control: controls.Seen) -> bool:
    step, here, there = evidence.failed, evidence.decided, control.decided
    if step is None or here is None or there is None:
        return False
    others = _credentials(here) != _credentials(there)
    if there.succeeded:
        asked_too = step.op not in _BEHIND or step.op in {each.op for each in there.steps}
        return not asked_too or (others and step.op not in _BEFORE)
    refused = there.failed is not None and there.failed.failure == failure.PROXY_REFUSED
    return refused and (others or evidence.failure != failure.PROXY_REFUSED)


def _credentials(decided: Deciding) -> frozenset[tuple[str, JSON]]:
    """Which kind of key or login went along with each step."""
    marks = ((mark, step.detail.get(mark)) for step in decided.steps for mark in _MARKS)
    return frozenset((mark, value) for mark, value in marks if value is not None)


def cut(evidence: Evidence) -> bool:
    """Whether a protocol's own packets, QUIC's too, stayed unanswered or were cut off."""
    return vpn_cut(evidence) or evidence.neutral == "quic.timeout"


def vpn_cut(evidence: Evidence) -> bool:
    """The same, of VPN protocols alone, and of what comes before a login and data."""
    step = protocol_step(evidence)
    lost = {failure.TIMEOUT, failure.RESET, failure.EOF}
    return step is not None and step.op not in LOGIN | {DATA} and step.failure in lost


def node(evidence: Evidence) -> str:
    """Silence or a reset."""
    if evidence.neutral == "quic.timeout":
        return "quic.timeout"
    return "vpn.timeout" if evidence.failure == failure.TIMEOUT else "vpn.reset"


def login_failed(evidence: Evidence) -> bool:
    """The server showed its certificate, and what followed on our credentials was wrong: it may
    have taken them for somebody else's, and need not say so."""
    return evidence.failed is not None and evidence.failed.op in LOGIN


def data_failed(evidence: Evidence) -> bool:
    """The tunnel came about, and something was wrong with its data."""
    return evidence.failed is not None and evidence.failed.op == DATA


def data_stopped(evidence: Evidence) -> bool:
    """The tunnel came about, and its data did not pass, or passed no more.

    Not where the silence was too short to mean it, nor where something came that the keys do not
    open: then the key is in use elsewhere. Each control has to have had data through the tunnel
    itself; where none ever came here, answers from inside, because a single acknowledgement is
    soon lost.
    """
    step = evidence.failed
    if step is None or not data_failed(evidence) or step.failure != failure.TIMEOUT:
        return False
    if "stops" not in step.detail or step.detail.get("strays"):
        return False
    passed = [_passed(control) for control in controls.valid(evidence)]
    if step.detail.get("never"):
        return all(there is not None and there.get("received", 0) > 0 for there in passed)
    return all(there is not None for there in passed)


def _passed(control: controls.Seen) -> dict[str, JSON] | None:
    """The detail of the data that passed at a control; not where nothing was heard, and owed."""
    steps = control.decided.steps if control.decided and control.decided.succeeded else ()
    data = (step.detail for step in steps if step.op == DATA)
    return next((detail for detail in data if not detail.get("unheard")), None)


def data_fails_alike(evidence: Evidence) -> bool:
    """The server answers the handshake and the data fails, here and at every control."""
    ends = [c.decided.failed for c in controls.valid(evidence) if c.decided]
    alike = bool(ends) and all(step is not None and step.op == DATA for step in ends)
    return data_failed(evidence) and controls.all_failed(evidence) and alike
