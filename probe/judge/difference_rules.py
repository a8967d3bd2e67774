"""It fails here, again and again, and answers at every control: what that may mean.

First what explains it without anybody who interferes, in answers, look-ups and certificates; what
nothing explains is blocked.
"""

from typing import Final

from probe.core.failure import PROXY_REFUSED
from probe.judge import (
    answers,
    by_name,
    certificates,
    content,
    controls,
    deepest,
    here,
    protocols,
    replies,
)
from probe.judge import conditions as when
from probe.judge.evidence import ip_of
from probe.judge.rule import Rule, named, none

DIFFERENT: Final = (
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
        id="resolver-untested",
        when=when.resolver_untested,
        outcome="inconclusive",
        locus="unknown",
        note="nothing shows that the resolver answers for any name: it may be dead, or closed to "
        "this vantage, and the controls have others",
        comment="A resolver that nothing is heard of says nothing of one name. Who asks one for "
        "this target alone has nobody who vouches for it.",
        otherwise="the same resolver's answer to an anchor's query",
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
        comment="A certificate that nobody vouches for, where every control at the same address "
        "is shown one of another issuer, which commonly trusted authorities vouch for.",
        otherwise="the same certificate at a control",
    ),
    Rule(
        id="diverted-by-name",
        when=by_name.diverted,
        outcome="blocked",
        locus="network",
        mechanism=lambda e: (
            certificates.mitm_node(e) if certificates.refused(e) else "tls.injection"
        ),
        note="at the target's own address its certificate comes under a neutral name, and never "
        "under its own",
        comment="Whoever holds a name's certificate shows it for that name: what decides by the "
        "name stands before the server. In an order drawn by lot, 8 times each, servers that are "
        "chosen in any other way fit once in 12 870 times at most.",
        otherwise="its certificate under its own name, or another one under a neutral name",
    ),
    Rule(
        id="certificate-differs",
        when=certificates.refused_anywhere,
        outcome="inconclusive",
        locus="unknown",
        note="a certificate is refused here, and not at the controls: it may be one of several "
        "that the server has, or one that was put in between",
        comment="Of many servers behind one address one may lack the name, its chain, or the new "
        "certificate; another one than was pinned, or than a target's own authorities signed, is "
        "no more than another one.",
        otherwise="one that nobody vouches for here, where every control at the same address "
        "accepts one of another issuer, without the target's own pin or ca_file",
    ),
    Rule(
        id="reply-differs",
        when=replies.differs,
        outcome="inconclusive",
        locus="unknown",
        note="something answers here, and not as the target does at the controls: another server "
        "or service behind its address, a proxy on this line, or somebody on the path",
        comment="Garbage, another protocol or an alert is somebody's answer. One of several "
        "servers, a service that is being set up and a portal give it as well as an injector.",
        otherwise="an answer that depends on the name or on the shape of the packets alone",
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
