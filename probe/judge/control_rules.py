"""What the controls say, where neither the vantage nor the path has spoken.

Nothing accuses before a control counts, before the controls agree, and before enough trials failed
alike. What is left where they are all fine stands in ``difference_rules``.
"""

from typing import Final

from probe.judge import certificates, controls, credentials, protocols
from probe.judge import conditions as when
from probe.judge.rule import Rule, named, none

CONTROLLED: Final = (
    Rule(
        id="control-asked-otherwise",
        when=credentials.asked_otherwise,
        outcome="inconclusive",
        locus="unknown",
        note="the control asks with other keys or passwords, or with none: what it was answered "
        "says nothing of what failed here",
        comment="Secrets go to no control. A server that answers everybody says nothing of what "
        "lies behind its password, nor of a key or password that is wrong; a proxy that refuses "
        "the control is not down.",
        otherwise="a control with a key or password of its own, or a target that needs none",
    ),
    Rule(
        id="certificate-of-resolver",
        when=certificates.of_resolver,
        outcome="inconclusive",
        locus="unknown",
        note="it is the resolver's certificate that is refused: nothing was asked about the name",
        comment="A resolver over TLS or HTTPS that nobody vouches for may be the wrong one, or in "
        "another's hands. That says nothing of one name, and a control has resolvers of its own.",
        otherwise="a resolver whose certificate is accepted",
    ),
    Rule(
        id="controls-disagree",
        when=controls.disagree,
        outcome="inconclusive",
        locus="unknown",
        note="it answers some controls and not others",
        comment="Some controls reach it and some do not: it may be failing, or blocked for some "
        "of them.",
        otherwise="controls that agree",
    ),
    Rule(
        id="certificate-vouched-by-nobody",
        when=certificates.vouched_by_nobody,
        outcome="inconclusive",
        locus="unknown",
        note="it answers, and no authority known here or at the controls vouches for its "
        "certificate: if that is the server's own, the target's ca_file or pin is missing, wrong "
        "or outdated",
        comment="Gateways have certificates of their own making, several behind one address, and "
        "renew them. One that shows such a certificate is not down, and where the controls "
        "demand none, or refuse theirs too, nothing shows that this one is foreign.",
        otherwise="a ca_file or a pin that its certificate fits",
    ),
    Rule(
        id="fails-alike-at-controls",
        when=lambda e: controls.all_failed(e) and not when.unreachable_at_controls_too(e),
        outcome="inconclusive",
        locus="unknown",
        note="it is cut off in the same way at every control: by the server, or on both paths",
        comment="A conversation that is cut off at both places may be the server, or a censor on "
        "both paths: only the name at the decoy could tell.",
        otherwise="the name passing at the decoy",
    ),
    Rule(
        id="vpn-data-fails-alike",
        when=protocols.data_fails_alike,
        outcome="inconclusive",
        locus="unknown",
        note="the server answers, and no data passes through its tunnel, at the controls neither: "
        "the server, or a filter on both paths",
        comment="A server that answers handshakes is not down; one whose tunnel leads nowhere, or "
        "that does not acknowledge data, fails alike for everybody.",
        otherwise="data passing at a control",
    ),
    Rule(
        id="not-confirmed",
        when=lambda e: not e.confirmed,
        outcome="inconclusive",
        locus="unknown",
        note="too few trials have failed alike so far",
        comment="One failure is noise: about 20 % of connections to a large CDN end early anyway "
        "(Cloudflare 2024). Trials inside the quarantine count only once.",
        otherwise="further trials that fail alike",
    ),
    Rule(
        id="down",
        when=controls.all_failed,
        outcome="down",
        locus="server",
        mechanism=none,
        note="every control fails too",
        comment="Nobody reaches it, here or elsewhere: the server, or the provider that closed.",
        otherwise="one control that reaches it",
    ),
    Rule(
        id="residual-of-another",
        when=lambda e: bool(e.neighbours),
        outcome="inconclusive",
        locus="unknown",
        note="another target had been cut off at this address and port shortly before",
        comment="Blocking that was triggered by one name stays on the address and port for "
        "minutes, whatever the name (Bock et al. 2021; 60 to 420 s).",
        otherwise="a trial after the quarantine",
    ),
    Rule(
        id="bad-line",
        when=when.lossy,
        outcome="inconclusive",
        locus="vantage",
        note="the line lost neutral packets as well",
        comment="Neutral twins beside it were lost as well, now and then: what lost packets do is "
        "never blocked.",
        otherwise="twins that all pass",
    ),
    Rule(
        id="frozen",
        when=when.frozen,
        outcome="degraded",
        locus="network",
        mechanism=named("transfer.freeze"),
        note="the transfer began and then stood still; at the control it went further",
        comment="After 15 to 20 KB nothing more comes, without a reset (net4people/bbs 490): "
        "handshakes and short answers look healthy.",
        otherwise="a transfer that stands still at the controls too",
    ),
    Rule(
        id="vpn-data-stopped",
        when=protocols.data_stopped,
        outcome="degraded",
        locus="network",
        mechanism=named("vpn.data"),
        note="the tunnel comes about, and its data does not pass; at the control it does",
        comment="Some filters let the handshake pass and stop the first data packets "
        "(net4people/bbs 274).",
        otherwise="data that stops at the controls too",
    ),
    Rule(
        id="vpn-data-unclear",
        when=protocols.data_failed,
        outcome="inconclusive",
        locus="unknown",
        note="the tunnel comes about; that its data is stopped on the way is not shown",
        comment="The silence was too short, or the controls had no data through the tunnel "
        "either, or something came that the key does not open: it is in use elsewhere too.",
        otherwise="data that stops here after a long silence, and passes at every control",
    ),
)
