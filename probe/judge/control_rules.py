"""What the controls say, where neither the vantage nor the path has spoken.

Nothing accuses before a control counts, before the controls agree, and before enough trials failed
alike.
"""

from typing import Final

from probe.core.failure import PROXY_REFUSED
from probe.judge import (
    answers,
    certificates,
    content,
    controls,
    credentials,
    deepest,
    here,
    protocols,
)
from probe.judge import conditions as when
from probe.judge.evidence import ip_of
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
    Rule(
        id="server-error-here",
        when=content.server_error_only_here,
        outcome="inconclusive",
        locus="server",
        mechanism=named("http.error"),
        note="the server told of an error of its own, and not at the controls",
        comment="An overloaded or broken front server says so by itself.",
        otherwise="the same error at a control",
    ),
    Rule(
        id="refused-by-proxy",
        when=lambda e: e.failure == PROXY_REFUSED,
        outcome="inconclusive",
        locus="server",
        mechanism=named("http.error"),
        note="the proxy itself said no, and not to the control",
        comment="Proxies have rules of their own about who may go where; their word came.",
        otherwise="the same refusal at a control",
    ),
    Rule(
        id="answer-differs",
        when=lambda e: e.failed is not None and e.failed.op == "expect",
        outcome="inconclusive",
        locus="unknown",
        mechanism=named("http.error"),
        note="the answer is not what the target expects, while the controls' is",
        comment="The server answered, and only its content is not as expected: sites differ by "
        "country.",
        otherwise="the same content at a control",
    ),
    Rule(
        id="resolver-trouble",
        when=when.resolver_trouble,
        outcome="inconclusive",
        locus="unknown",
        note="the resolver could not find out: its own trouble, or that of the name's servers",
        comment="Resolvers say so when the name's own servers fail them, and some servers shut "
        "out whole countries: 36 % of .gov and .mil names alone could be looked up from "
        "China (Raman et al. 2023).",
        otherwise="a forged answer that is proven as such",
    ),
    Rule(
        id="own-filter",
        when=lambda e: bool(e.tried or answers.addresses(e.trial)) and answers.filtered_at_home(e),
        outcome="inconclusive",
        locus="unknown",
        note="a resolver in the vantage's own network answers with an address that leads nowhere, "
        "as household filters do",
        comment="Filters of users' own choice answer 0.0.0.0 or 127.0.0.1, and so do some "
        "providers behind the same router: proof is an answer from a host that is no resolver.",
        otherwise="another resolver, asked directly",
    ),
    Rule(
        id="dns-misleading",
        when=when.misled,
        outcome="blocked",
        locus="network",
        mechanism=lambda e: answers.injection(
            e, frozenset(ip_of(a) for a in e.tried) or answers.addresses(e.trial)
        ),
        note="the addresses answered here cannot prove the name; the control's can, from here",
        comment="The certificate at the returned address decides, not the address (Pearce et al. "
        "2017): CDNs answer differently everywhere.",
        otherwise="a valid certificate at the addresses answered here",
    ),
    Rule(
        id="dns-impossible",
        when=lambda e: (
            bool(e.tried or answers.addresses(e.trial))
            and answers.only_impossible(e)
            and controls.all_ok(e)
        ),
        outcome="blocked",
        locus="network",
        mechanism=lambda e: answers.injection(
            e, frozenset(map(ip_of, e.tried)) or answers.addresses(e.trial)
        ),
        note="the addresses answered here can serve nobody; those at the controls work",
        comment="Addresses that can serve no public name, or are known forgeries, where the "
        "controls are given others that work.",
        otherwise="a public address among the answers",
    ),
    Rule(
        id="other-addresses",
        when=when.other_addresses,
        outcome="inconclusive",
        locus="unknown",
        note="the controls reach it only at other addresses than those answered here",
        comment="The controls were given other addresses, and none reached those that failed "
        "here: a node that is down, or a forged answer without proof.",
        otherwise="a control that reaches the same address",
    ),
    Rule(
        id="certificate-out-of-time",
        when=lambda e: e.neutral == "tls.cert.expired",
        outcome="inconclusive",
        locus="server",
        note="a certificate that is out of its time here, and not at the controls",
        comment="One node of a service may have been forgotten when certificates were renewed; "
        "censors have no use for expired ones.",
        otherwise="the same certificate at a control",
    ),
    Rule(
        id="certificate-replaced",
        when=certificates.replaced,
        outcome="blocked",
        locus="network",
        mechanism=certificates.mitm_node,
        note="another certificate than at the controls, at the same address",
        comment="A certificate that nobody vouches for, where a control at the same address is "
        "shown a good one.",
        otherwise="the same certificate at a control",
    ),
    Rule(
        id="ipv6-untested",
        when=here.ipv6_untested,
        outcome="inconclusive",
        locus="vantage",
        note="only IPv6 addresses were tried, and nobody else answered over IPv6 either",
        comment="Many lines have a route for IPv6 and no way behind it (RFC 8305, section 1): "
        "anchors that answer over IPv4 say nothing about that.",
        otherwise="an anchor that answers over IPv6",
    ),
    Rule(
        id="vpn-filtered",
        when=protocols.filtered,
        outcome="blocked",
        locus="network",
        mechanism=protocols.node,
        note="this protocol's packets are filtered: the server answers the control",
        comment="The protocol fails here and answers a control at the same address (Xue et al. "
        "2022).",
        otherwise="a control that fails too",
    ),
    Rule(
        id="failed-control-fine",
        when=lambda e: e.failure is not None,
        outcome="blocked",
        locus="network",
        mechanism=deepest.deepest,
        note="it fails here and answers at every control",
        comment="It fails here, again and again; the vantage is online; every control that counts "
        "reaches it at this very place.",
        otherwise="a control that fails too",
    ),
    Rule(
        id="undecided",
        when=lambda _: True,
        outcome="inconclusive",
        locus="unknown",
        mechanism=none,
        note="what answered cannot be the target, and nothing else tells more",
        comment="Success at an address that can serve nobody proves nothing (listening forged "
        "addresses, net4people/bbs 294), and neither does anything else here.",
        otherwise="evidence of any kind",
    ),
)
