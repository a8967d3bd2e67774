"""What is ours, what succeeded, and what is the vantage's own: before others are spoken of."""

from typing import Final

from probe.judge import certificates, here, transfers
from probe.judge import conditions as when
from probe.judge.rule import Rule, named, none

OWN: Final = (
    Rule(
        id="own-error",
        when=lambda e: e.trial.invalid is not None,
        outcome="invalid",
        locus="vantage",
        mechanism=none,
        comment="A bug, a bad option or an exhausted resource of ours never counts against a "
        "target (outline-sdk x/connectivity keeps the two apart in the same way).",
        otherwise="the error in the note, put right",
    ),
    Rule(
        id="certificate-of-private-authority",
        when=certificates.replaced_by_private,
        outcome="blocked",
        locus="network",
        mechanism=named("tls.mitm.ca_signed"),
        note="the name is vouched for by an authority that only this machine trusts, and "
        "another certificate is shown elsewhere",
        comment="An authority that users were told to install signs for whoever holds it "
        "(Kazakhstan 2019, Raman et al. 2020): verification passes, and is worth nothing.",
        otherwise="the same certificate at a control",
    ),
    Rule(
        id="throttled-by-name",
        when=transfers.throttled_by_name,
        outcome="degraded",
        locus="network",
        mechanism=named("tls.throttle.sni"),
        note="the decoy is at least ten times slower under this name, in three pairs",
        comment="Targeted throttling by server name (TSPU 2021: 130 to 150 kbit/s).",
        otherwise="transfers as quick as the neutral ones beside them",
    ),
    Rule(
        id="throttled-here",
        when=transfers.throttled_here,
        outcome="degraded",
        locus="network",
        mechanism=named("transfer.throttle"),
        note="at least ten times slower than the decoy beside it in three pairs, and than at "
        "every control",
        comment="Throttling by address; the control excludes a server that is slow for all.",
        otherwise="a control that is as slow, or a decoy that is",
    ),
    Rule(
        id="answered",
        when=when.answered,
        outcome="ok",
        locus=None,
        mechanism=none,
        comment="The check did what it is for. A success needs no control and no anchors.",
        otherwise="a failure",
    ),
    Rule(
        id="cut-off",
        when=when.cut_off,
        outcome="inconclusive",
        locus="unknown",
        mechanism=none,
        note="the measurement was interrupted before it could decide anything",
        comment="The probe was stopped in the middle: that is no silence of the target.",
        otherwise="a whole measurement",
    ),
    Rule(
        id="vantage-captive",
        when=here.captive,
        outcome="offline",
        locus="vantage",
        mechanism=none,
        note="a captive portal stood before the network",
        comment="Detection pages over plain HTTP were replaced and no anchor answered over TLS "
        "(RFC 8952): what failed here says nothing about the target.",
        otherwise="anchors that answer",
    ),
    Rule(
        id="vantage-offline",
        when=here.offline,
        outcome="offline",
        locus="vantage",
        mechanism=none,
        note="no anchor answered either: the vantage had no working network",
        comment="Uncensored anchors in several networks failed around the failure (Raman et al. "
        "2023: in Belarus tests and controls failed together). Nothing is concluded.",
        otherwise="anchors that answer",
    ),
    Rule(
        id="own-clock",
        when=here.own_clock,
        outcome="inconclusive",
        locus="vantage",
        note="this machine's clock is more than five minutes off: certificates that seem out of "
        "their time, and protocols that want the right one, say nothing",
        comment="Certificate dates are compared with this clock, WireGuard and others put it into "
        "their packets, and the anchors say that it is minutes off.",
        otherwise="a clock that is right",
    ),
    Rule(
        id="own-trust-store",
        when=certificates.same_as_control,
        outcome="inconclusive",
        locus="vantage",
        note="a control accepts the same certificate: the trust store of this machine is at fault",
        comment="The very certificate is accepted elsewhere: what differs is the trust store or "
        "the clock here (ooni/data ontology, section 10).",
        otherwise="another certificate at the controls",
    ),
    Rule(
        id="own-trust-store-lacks",
        when=certificates.known_to_public,
        outcome="inconclusive",
        locus="vantage",
        note="an authority that browsers trust vouches for the certificate: the trust store of "
        "this machine lacks it",
        comment="Mozilla's list, as it came with the program, has an authority that this "
        "machine's store has not: the store is older, or somebody took it out.",
        otherwise="a trust store that is up to date",
    ),
    Rule(
        id="no-ipv6-route",
        when=here.no_ipv6,
        outcome="inconclusive",
        locus="vantage",
        note="the target has only IPv6 addresses, and this vantage has no route for IPv6",
        comment="The kernel refused before a packet was sent.",
        otherwise="an IPv4 address, or a route for IPv6",
    ),
    Rule(
        id="own-firewall",
        when=here.own_firewall,
        outcome="inconclusive",
        locus="vantage",
        note="this machine's own rules forbade the packet to leave",
        comment="EPERM comes from the local packet filter. EACCES does not count: Linux reports a "
        "router's ICMPv6 'administratively prohibited' by it (net/ipv6/icmp.c).",
        otherwise="a packet filter that lets it pass",
    ),
    Rule(
        id="international-path-down",
        when=here.path_down,
        outcome="unreachable",
        locus="unknown",
        note="no foreign anchor answered while domestic ones did: the path abroad was down",
        comment="A national shutdown looks like this, and so does a broken cable: it is recorded "
        "as such, and nothing is said about the single target.",
        otherwise="a foreign anchor that answers",
    ),
)
