"""What is settled, or stays open, before the controls' answers are compared.

A refusal, a page that differs, and failures that no control can speak about: for want of one, or
because the protocol answers only to its key.
"""

from typing import Final

from probe.core.failure import CREDENTIALS
from probe.judge import conditions as when
from probe.judge import controls, here, protocols
from probe.judge.rule import Rule, named, none

UNSETTLED: Final = (
    Rule(
        id="denied-here",
        when=lambda e: when.denied(e) and controls.all_ok(e) and e.confirmed,
        outcome="denied",
        locus="server",
        mechanism=named("http.error"),
        note="the server itself refuses here, and not at the controls",
        comment="Geo-fencing and sanctions are the server's choice (Tschantz et al. 2018), never "
        "the network's; the name was proven, or the path shown to be clean.",
        otherwise="the same refusal at a control",
    ),
    Rule(
        id="page-differs",
        when=when.page_differs,
        outcome="inconclusive",
        locus="unknown",
        mechanism=named("http.error"),
        note="another page than at the controls, over plain HTTP: nothing tells who wrote it",
        comment="Neither length nor title agree (Jones et al. 2014). Sites differ by country and "
        "visitor: without the decoy or a fingerprint that accuses nobody.",
        otherwise="a fingerprint, or the decoy's page replaced too",
    ),
    Rule(
        id="answered-unverified",
        when=when.answered_unverified,
        outcome="ok",
        locus=None,
        mechanism=none,
        note="nothing proves who answered: anyone on the path could have given this answer",
        comment="Plain HTTP, or certificate verification switched off: still a success.",
        otherwise="a failure, a known block page, or a page unlike the control's",
    ),
    Rule(
        id="vpn-filtered-at-echo",
        when=protocols.filtered_at_echo,
        outcome="blocked",
        locus="network",
        mechanism=protocols.node,
        note="packets of this protocol's shape are filtered on the way to the control's echo too, "
        "where harmless ones pass; whether the server itself would answer is not known",
        comment="Filters know VPN protocols by the shape of their first packets, whatever the "
        "address (Xue et al. 2022; Wu et al. 2023): a private key is not needed to see it.",
        otherwise="the same packets passing at the echo",
    ),
    Rule(
        id="vpn-injected-at-echo",
        when=protocols.injected_at_echo,
        outcome="blocked",
        locus="network",
        mechanism=named("vpn.injection"),
        note="packets of this protocol's shape draw answers that are not the other end's, at the "
        "control's echo too, where harmless ones come back as they were",
        comment="The echo has nothing to do with the target, and returns what it gets: whatever "
        "else comes, and for this shape alone, was put in on the path.",
        otherwise="the same packets coming back from the echo",
    ),
    Rule(
        id="keyed-silence",
        when=protocols.keyed_silence,
        outcome="inconclusive",
        locus="unknown",
        note="the protocol answers only to its key, and it was asked without",
        comment="Keyed protocols answer nobody else, by design: silence is what a healthy server "
        "gives.",
        otherwise="the key",
    ),
    Rule(
        id="credentials-refused",
        when=lambda e: e.failure == CREDENTIALS,
        outcome="inconclusive",
        locus="server",
        mechanism=none,
        note="the server answers, and refuses these credentials",
        comment="The server's own word, inside its TLS: it lives, and nothing on the path keeps it "
        "from being heard. Whether data would pass is not known.",
        otherwise="credentials that it accepts",
    ),
    Rule(
        id="login-failed",
        when=protocols.login_failed,
        outcome="inconclusive",
        locus="unknown",
        note="the server showed its certificate, and went silent or broke off when it was shown "
        "ours: it may not accept it, or the path may be cut off there",
        comment="OpenVPN's servers do not say that they do not accept a certificate: over UDP they "
        "stay silent, over TCP they close. A control has other credentials, and cannot tell.",
        otherwise="a login that succeeds",
    ),
    Rule(
        id="failed-vantage-untested",
        when=here.untested,
        outcome="unreachable",
        locus="unknown",
        note="without anchors it is not known whether the vantage had a working network, and "
        "without a control not whether anyone else could reach the target",
        comment="The operator switched the anchors off: the failure stands alone.",
        otherwise="anchors, or a control",
    ),
    Rule(
        id="failed-without-control",
        when=lambda e: not controls.valid(e),
        outcome="unreachable",
        locus="unknown",
        note="without a control nothing tells blocked from down",
        comment="No control, no accusation: a test that lacked one reported servers that were "
        "merely down as blocked, and was switched off for it (ooni/probe#1928, #1354).",
        otherwise="a control that counts",
    ),
)
