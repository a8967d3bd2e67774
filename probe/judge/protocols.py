"""What is asked of protocols that are known by the shape of their packets: VPNs, and QUIC."""

from probe.core import failure
from probe.core.model import JSON
from probe.judge import conditions as when
from probe.judge import controls, credentials, decoy
from probe.judge.deciding import DATA, LOGIN
from probe.judge.deepest import protocol_step
from probe.judge.evidence import Evidence, keyless
from probe.judge.replies import said


def keyed_silence(evidence: Evidence) -> bool:
    """A protocol that answers only to its key was asked without it. A control that got an answer
    without one shows that this server wants none; one with a key of its own shows nothing."""
    with_key = any(map(credentials.keyed, controls.valid(evidence)))
    return keyless(evidence.failed) and (with_key or not controls.all_ok(evidence))


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
    filtered = cut(evidence) and decoy.protocol_filtered(evidence)
    return filtered and _echo_counts(evidence) and not when.lossy(evidence)


def injected_at_echo(evidence: Evidence) -> bool:
    """The protocol's packets draw an answer that is not the server's, and at an echo one that is
    not the echo's, where harmless ones come back."""
    replaced = strange(evidence) and decoy.protocol_replaced(evidence)
    return replaced and _echo_counts(evidence)


def _echo_counts(evidence: Evidence) -> bool:
    """A control is in order, none finds the server down, and enough trials failed alike."""
    known = controls.sound(evidence) and not controls.all_failed(evidence)
    return known and evidence.confirmed


def strange(evidence: Evidence) -> bool:
    """Whether a VPN protocol's own packets, before a login and data, drew what is no answer of
    the protocol's."""
    step = protocol_step(evidence)
    return step is not None and step.op not in LOGIN | {DATA} and said(step)


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
